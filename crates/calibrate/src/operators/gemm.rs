//! Rows of `measured/ops/gemm`.

use crate::{Group, Operator, Row, RowError};
use rackplan_catalog::Format;
use rackplan_perf::operators::gemm::{Gemm, GemmConstants, gemm};
use rackplan_perf::{Cost, Device};

/// Matrix multiplication.
#[derive(Clone, Copy, Debug)]
pub struct GemmRows;

impl Operator for GemmRows {
    type Shape = Gemm;
    type Constants = GemmConstants;
    const NAME: &'static str = "gemm";

    fn read(row: &Row) -> Result<(Group, Gemm), RowError> {
        let dtype = row.text("dtype");
        let (arithmetic, weight_bytes, activation_bytes, quantises) = match dtype {
            "bfloat16" | "bf16" | "half" | "float16" => (Format::Bf16, 2.0, 2.0, false),
            "fp8" => (Format::Fp8, 1.0, 1.0, true),
            "fp8_block" => (Format::Fp8, 1.0 + 4.0 / 16_384.0, 1.0, true),
            "nvfp4" => (Format::Fp4, 0.5625, 0.5625, true),
            "sq" => (Format::Int8, 1.0, 1.0, true),
            "int8_wo" => (Format::Bf16, 1.0, 2.0, false),
            "int4_wo" => (Format::Bf16, 0.515_625, 2.0, false),
            _ => return Err(row.bad("dtype", "bfloat16, fp8, fp8_block, nvfp4, sq, int8_wo or int4_wo")),
        };
        let shape = Gemm {
            m: row.positive("m")?,
            n: row.positive("n")?,
            k: row.positive("k")?,
            arithmetic,
            weight_bytes,
            activation_bytes,
            quantises,
            repeats: true,
        };
        Ok((dtype.to_owned(), shape))
    }

    fn cost(shape: &Gemm, device: &Device, constants: &GemmConstants) -> Cost {
        gemm(shape, device, constants)
    }
}
