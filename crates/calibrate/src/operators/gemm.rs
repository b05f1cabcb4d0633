//! Rows of `measured/ops/gemm`.

use crate::{Group, Operator, Row, RowError};
use rackplan_perf::operators::gemm::{Gemm, GemmConstants, gemm};
use rackplan_perf::{Cost, Device, NumberFormat};

/// Matrix multiplication.
#[derive(Clone, Copy, Debug)]
pub struct GemmRows;

impl Operator for GemmRows {
    type Shape = Gemm;
    type Constants = GemmConstants;
    const NAME: &'static str = "gemm";

    fn read(row: &Row) -> Result<(Group, Gemm), RowError> {
        let dtype = row.text("dtype");
        let known = NumberFormat::of_group(dtype).filter(|_| !dtype.starts_with("w4a"));
        let expected = "bfloat16, fp8, fp8_block, nvfp4, sq, int8_wo or int4_wo";
        let NumberFormat { arithmetic, weight_bytes, activation_bytes, quantises } =
            known.ok_or_else(|| row.bad("dtype", expected))?;
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
