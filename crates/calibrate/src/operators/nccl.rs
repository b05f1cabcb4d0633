//! Rows of `measured/ops/nccl`.

use crate::{Group, Operator, Row, RowError};
use rackplan_perf::collectives::nccl::{Collective, Exchange, NcclConstants, nccl};
use rackplan_perf::{Cost, Device};

/// Collectives of NCCL.
#[derive(Clone, Copy, Debug)]
pub struct NcclRows;

impl Operator for NcclRows {
    type Shape = Exchange;
    type Constants = NcclConstants;
    const NAME: &'static str = "nccl";

    fn read(row: &Row) -> Result<(Group, Exchange), RowError> {
        let op = row.text("op");
        let collective = match op {
            "all_reduce" => Collective::AllReduce,
            "all_gather" => Collective::AllGather,
            "reduce_scatter" => Collective::ReduceScatter,
            "alltoall" => Collective::AllToAll,
            _ => return Err(row.bad("op", "all_reduce, all_gather, reduce_scatter or alltoall")),
        };
        let shape = Exchange { collective, ranks: row.positive("n_gpus")?, bytes: row.positive("bytes")? };
        Ok((op.to_owned(), shape))
    }

    fn cost(shape: &Exchange, device: &Device, constants: &NcclConstants) -> Cost {
        nccl(shape, device, constants)
    }
}
