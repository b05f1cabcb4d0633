//! Rows of `measured/ops/custom_allreduce`.

use crate::{Group, Operator, Row, RowError};
use rackplan_perf::collectives::all_reduce::{AllReduce, AllReduceConstants, Choice, all_reduce};
use rackplan_perf::{Cost, Device};

/// All-reduce kernels of serving frameworks.
#[derive(Clone, Copy, Debug)]
pub struct CustomAllReduceRows;

/// Families of kernels; the first whose name is part of a kernel's decides: launched one by one, replayed from a
/// graph, over the multi-node NVLink.
const FAMILIES: [&str; 3] = ["eager", "graph", "mnnvl"];

impl Operator for CustomAllReduceRows {
    type Shape = AllReduce;
    type Constants = AllReduceConstants;
    const NAME: &'static str = "custom_allreduce";

    fn read(row: &Row) -> Result<(Group, AllReduce), RowError> {
        let kernel = row.text("kernel").to_lowercase();
        let family = FAMILIES.iter().find(|family| kernel.contains(*family)).copied().unwrap_or("default");
        let choice = match family {
            "eager" | "graph" => Choice::Thresholds,
            _ => Choice::Fastest,
        };
        let shape = AllReduce {
            ranks: row.positive("n_gpus")?,
            bytes: row.positive("bytes")?,
            choice,
            replayed: family != "eager",
        };
        Ok((format!("all_reduce.{family}"), shape))
    }

    fn cost(shape: &AllReduce, device: &Device, constants: &AllReduceConstants) -> Cost {
        all_reduce(shape, device, constants)
    }
}
