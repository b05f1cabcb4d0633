//! Rows of `measured/ops/mla_decode`, `mla_prefill`, `mla_bmm` and `mla_decode_module`.

use super::attention::{arithmetic, dtypes, kv_bytes};
use crate::{Group, Operator, Row, RowError};
use rackplan_catalog::Format;
use rackplan_perf::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants, mla_bmm};
use rackplan_perf::operators::attention_mla_decode::{Latent, MlaDecode, MlaDecodeConstants, mla_decode};
use rackplan_perf::operators::attention_mla_module::{MlaModule, MlaModuleConstants, mla_decode_module};
use rackplan_perf::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants, mla_prefill};
use rackplan_perf::{Cost, Device};

/// The kernel of latent attention in decode.
#[derive(Clone, Copy, Debug)]
pub struct MlaDecodeRows;

/// The kernel of latent attention in prefill.
#[derive(Clone, Copy, Debug)]
pub struct MlaPrefillRows;

/// Absorption into and out of the latents.
#[derive(Clone, Copy, Debug)]
pub struct MlaBmmRows;

/// The whole block of latent attention in decode.
#[derive(Clone, Copy, Debug)]
pub struct MlaModuleRows;

/// The block that was measured is that of DeepSeek-V3: residual stream and compressed queries.
const HIDDEN: f64 = 7168.0;
const Q_RANK: f64 = 1536.0;

impl Operator for MlaDecodeRows {
    type Shape = MlaDecode;
    type Constants = MlaDecodeConstants;
    const NAME: &'static str = "mla_decode";

    fn read(row: &Row) -> Result<(Group, MlaDecode), RowError> {
        Ok((dtypes(row), kernel(row)?))
    }

    fn cost(shape: &MlaDecode, device: &Device, constants: &MlaDecodeConstants) -> Cost {
        mla_decode(shape, device, constants)
    }
}

impl Operator for MlaPrefillRows {
    type Shape = MlaPrefill;
    type Constants = MlaPrefillConstants;
    const NAME: &'static str = "mla_prefill";

    fn read(row: &Row) -> Result<(Group, MlaPrefill), RowError> {
        let shape = MlaPrefill {
            batch: row.positive("batch")?,
            tokens: row.positive("seq_len")?,
            prefix: row.number_or_zero("prefix")?,
            heads: row.positive("heads_per_rank")?,
            latent: Latent::DEEPSEEK,
            arithmetic: arithmetic(row, "attn_dtype")?,
        };
        Ok((dtypes(row), shape))
    }

    fn cost(shape: &MlaPrefill, device: &Device, constants: &MlaPrefillConstants) -> Cost {
        mla_prefill(shape, device, constants)
    }
}

impl Operator for MlaBmmRows {
    type Shape = MlaBmm;
    type Constants = MlaBmmConstants;
    const NAME: &'static str = "mla_bmm";

    fn read(row: &Row) -> Result<(Group, MlaBmm), RowError> {
        let Latent { rank, nope_dim, value_dim, .. } = Latent::DEEPSEEK;
        let (k, n) = match row.text("op") {
            "mla_gen_pre" => (nope_dim, rank),
            "mla_gen_post" => (rank, value_dim),
            _ => return Err(row.bad("op", "mla_gen_pre or mla_gen_post")),
        };
        let arithmetic = arithmetic(row, "dtype")?;
        let shape = MlaBmm {
            tokens: row.positive("tokens")?,
            heads: row.positive("heads")?,
            k,
            n,
            arithmetic,
            weight_bytes: if arithmetic == Format::Fp8 { 1.0 } else { 2.0 },
        };
        Ok((format!("{}.{}", row.text("op"), row.text("dtype")), shape))
    }

    fn cost(shape: &MlaBmm, device: &Device, constants: &MlaBmmConstants) -> Cost {
        mla_bmm(shape, device, constants)
    }
}

impl Operator for MlaModuleRows {
    type Shape = MlaModule;
    type Constants = MlaModuleConstants;
    const NAME: &'static str = "mla_decode_module";

    fn read(row: &Row) -> Result<(Group, MlaModule), RowError> {
        let (arithmetic, weight_bytes) = match row.text("gemm_dtype") {
            "bfloat16" => (Format::Bf16, 2.0),
            "fp8" => (Format::Fp8, 1.0),
            "fp8_block" => (Format::Fp8, 1.0 + 4.0 / 16_384.0),
            "nvfp4" => (Format::Fp4, 0.5625),
            _ => return Err(row.bad("gemm_dtype", "bfloat16, fp8, fp8_block or nvfp4")),
        };
        let shape =
            MlaModule { kernel: kernel(row)?, hidden: HIDDEN, q_rank: Q_RANK, arithmetic, weight_bytes };
        Ok((format!("{}.{}", dtypes(row), row.text("gemm_dtype")), shape))
    }

    fn cost(shape: &MlaModule, device: &Device, constants: &MlaModuleConstants) -> Cost {
        mla_decode_module(shape, device, constants)
    }
}

fn kernel(row: &Row) -> Result<MlaDecode, RowError> {
    Ok(MlaDecode {
        batch: row.positive("batch")?,
        kv_len: row.positive("kv_len")?,
        heads: row.positive("heads_per_rank")?,
        latent: Latent::DEEPSEEK,
        kv_bytes: kv_bytes(row)?,
    })
}
