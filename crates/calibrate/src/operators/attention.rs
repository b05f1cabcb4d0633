//! Rows of `measured/ops/attn_decode` and `attn_prefill`.

use crate::{Group, Operator, Row, RowError};
use rackplan_catalog::Format;
use rackplan_perf::operators::attention_decode::{
    AttentionDecode, AttentionDecodeConstants, attention_decode,
};
use rackplan_perf::operators::attention_prefill::{
    AttentionPrefill, AttentionPrefillConstants, attention_prefill,
};
use rackplan_perf::{Cost, Device};

/// Decode attention with grouped queries.
#[derive(Clone, Copy, Debug)]
pub struct AttentionDecodeRows;

/// Prefill attention with grouped queries.
#[derive(Clone, Copy, Debug)]
pub struct AttentionPrefillRows;

/// Arithmetic of a dtype.
pub(super) fn arithmetic(row: &Row, column: &str) -> Result<Format, RowError> {
    match row.text(column) {
        "bfloat16" | "bf16" | "half" | "float16" => Ok(Format::Bf16),
        "fp8" => Ok(Format::Fp8),
        _ => Err(row.bad(column, "bfloat16 or fp8")),
    }
}

/// Bytes of a number of the cache.
pub(super) fn kv_bytes(row: &Row) -> Result<f64, RowError> {
    arithmetic(row, "kv_dtype").map(|format| if format == Format::Fp8 { 1.0 } else { 2.0 })
}

/// The dtypes of arithmetic and cache: `bfloat16.fp8`.
pub(super) fn dtypes(row: &Row) -> Group {
    format!("{}.{}", row.text("attn_dtype"), row.text("kv_dtype"))
}

impl Operator for AttentionDecodeRows {
    type Shape = AttentionDecode;
    type Constants = AttentionDecodeConstants;
    const NAME: &'static str = "attn_decode";

    fn read(row: &Row) -> Result<(Group, AttentionDecode), RowError> {
        let head_dim = row.positive("head_dim")?;
        let shape = AttentionDecode {
            batch: row.positive("batch")?,
            kv_len: row.positive("kv_len")?,
            q_heads: row.positive("q_heads")?,
            kv_heads: row.positive("kv_heads")?,
            head_dim,
            window: row.number_or_zero("window")?,
            kv_bytes: kv_bytes(row)?,
        };
        Ok((format!("{}.d{head_dim}", dtypes(row)), shape))
    }

    fn cost(shape: &AttentionDecode, device: &Device, constants: &AttentionDecodeConstants) -> Cost {
        attention_decode(shape, device, constants)
    }
}

impl Operator for AttentionPrefillRows {
    type Shape = AttentionPrefill;
    type Constants = AttentionPrefillConstants;
    const NAME: &'static str = "attn_prefill";

    fn read(row: &Row) -> Result<(Group, AttentionPrefill), RowError> {
        let head_dim = row.positive("head_dim")?;
        let shape = AttentionPrefill {
            batch: row.positive("batch")?,
            tokens: row.positive("seq_len")?,
            prefix: row.number_or_zero("prefix")?,
            q_heads: row.positive("q_heads")?,
            kv_heads: row.positive("kv_heads")?,
            head_dim,
            value_dim: head_dim,
            window: row.number_or_zero("window")?,
            arithmetic: arithmetic(row, "attn_dtype")?,
            kv_bytes: kv_bytes(row)?,
        };
        Ok((format!("{}.d{head_dim}", dtypes(row)), shape))
    }

    fn cost(shape: &AttentionPrefill, device: &Device, constants: &AttentionPrefillConstants) -> Cost {
        attention_prefill(shape, device, constants)
    }
}
