//! Rows of `measured/ops/moe_a2a`.

use crate::{Group, Operator, Row, RowError};
use rackplan_perf::collectives::all_to_all::{AllToAll, AllToAllConstants, all_to_all};
use rackplan_perf::{Cost, Device};

/// Dispatch and combine of routed experts.
#[derive(Clone, Copy, Debug)]
pub struct MoeA2aRows;

/// Parts of the names of kernels that send a copy to every expert.
const LOW_LATENCY: [&str; 3] = ["_ll", "low_latency", "generation"];

impl Operator for MoeA2aRows {
    type Shape = AllToAll;
    type Constants = AllToAllConstants;
    const NAME: &'static str = "moe_a2a";

    fn read(row: &Row) -> Result<(Group, AllToAll), RowError> {
        let (kernel, phase, dtype) = (row.text("a2a_backend"), row.text("phase"), row.text("dtype"));
        let element = match (phase, dtype) {
            // Experts answer in bf16 unless a low-latency kernel compresses, whose constants then say so.
            ("combine", _) => 2.0,
            ("dispatch", "fp8") => 1.0 + 4.0 / 128.0,
            ("dispatch", "nvfp4" | "fp4") => 0.5625,
            ("dispatch", _) => 2.0,
            _ => return Err(row.bad("phase", "dispatch or combine")),
        };
        let ranks = row.positive("ep")?;
        let shape = AllToAll {
            ranks,
            tokens: row.positive("tokens_per_rank")?,
            token_bytes: element * row.positive("hidden")?,
            topk: row.positive("topk")?,
            local_experts: (row.positive("experts")? / ranks).max(1.0),
            per_expert: LOW_LATENCY.iter().any(|part| kernel.contains(part)),
        };
        Ok((format!("{kernel}_{phase}.{dtype}"), shape))
    }

    fn cost(shape: &AllToAll, device: &Device, constants: &AllToAllConstants) -> Cost {
        all_to_all(shape, device, constants)
    }
}
