//! Rows of `measured/ops/moe`.

use crate::{Group, Operator, Row, RowError};
use rackplan_perf::operators::moe::{Moe, MoeConstants, moe};
use rackplan_perf::operators::moe_routing::{Load, Routing};
use rackplan_perf::{Cost, Device, NumberFormat};

/// Routed experts.
#[derive(Clone, Copy, Debug)]
pub struct MoeRows;

/// Weights below this share of a large cache stay there between calls of a benchmark, which no engine's do.
const WARM: f64 = 0.8;
/// Families of kernels; the first whose name is part of a kernel's decides, and any other falls into its format's pool.
const FAMILIES: [&str; 4] = ["marlin", "triton", "cutlass", "trtllm"];

impl Operator for MoeRows {
    type Shape = Moe;
    type Constants = MoeConstants;
    const NAME: &'static str = "moe";

    fn read(row: &Row) -> Result<(Group, Moe), RowError> {
        let (dtype, kernel) = (row.text("dtype"), row.text("kernel"));
        let NumberFormat { arithmetic, weight_bytes, activation_bytes, .. } = format(row, dtype)?;
        let (tokens, experts, topk) =
            (row.positive("tokens")?, row.positive("experts")?, row.positive("topk")?);
        let ranks = row.positive("moe_ep")?;
        let shape = Moe {
            tokens,
            hidden: row.positive("hidden")?,
            inter: row.positive("inter")? / row.positive("moe_tp")?,
            local_experts: (experts / ranks).max(1.0),
            expected_pairs: tokens * topk,
            load: Load::of_heaviest_rank(tokens, experts, topk, ranks, routing(row)?),
            gated: !kernel.contains("nongated"),
            arithmetic,
            weight_bytes,
            activation_bytes,
        };
        Ok((group(dtype, kernel), shape))
    }

    fn cost(shape: &Moe, device: &Device, constants: &MoeConstants) -> Cost {
        moe(shape, device, constants)
    }

    fn is_representative(shape: &Moe, device: &Device) -> bool {
        let gddr = device.bandwidth < 2e12 && device.cache >= 90e6;
        let matrices = if shape.gated { 3.0 } else { 2.0 };
        let weights = shape.weight_bytes * matrices * shape.local_experts * shape.hidden * shape.inter;
        !gddr || weights > WARM * device.cache
    }
}

fn format(row: &Row, dtype: &str) -> Result<NumberFormat, RowError> {
    let expected = "bfloat16, fp8, fp8_block, nvfp4, w4a16_mxfp4, w4a8_mxfp4_mxfp8 or int4_wo";
    NumberFormat::of_group(dtype).ok_or_else(|| row.bad("dtype", expected))
}

/// `bfloat16.triton`, or the format alone.
fn group(dtype: &str, kernel: &str) -> Group {
    match FAMILIES.iter().find(|family| kernel.contains(*family)) {
        Some(family) => format!("{dtype}.{family}"),
        None => dtype.to_owned(),
    }
}

fn routing(row: &Row) -> Result<Routing, RowError> {
    let name = row.text("distribution");
    let expected = "balanced, uniform or power_law_ALPHA with ALPHA from 0 to 1.9";
    match name {
        "balanced" | "" => Ok(Routing::Balanced),
        "uniform" => Ok(Routing::Uniform),
        _ => {
            let alpha = name.strip_prefix("power_law_").and_then(|alpha| alpha.parse().ok());
            let alpha = alpha.filter(|alpha: &f64| (0.0..=1.9).contains(alpha));
            Ok(Routing::PowerLaw { alpha: alpha.ok_or_else(|| row.bad("distribution", expected))? })
        }
    }
}
