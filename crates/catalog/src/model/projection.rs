//! A weight matrix as the operator model needs it: its sizes and how tensor parallelism may split it.

/// How a matrix is split over the ranks of a tensor-parallel group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Each rank holds some of the outputs, in whole heads where there are heads.
    Outputs,
    /// Each rank holds the same outputs as for the keys and values: no finer than one head.
    KvHeads,
    /// Each rank holds some of the inputs, and an all-reduce adds the results.
    Inputs,
    /// Every rank holds all of it.
    Replicated,
}

/// One linear map, `count` times side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// What it is called, `query` or `output`.
    pub name: &'static str,
    /// Length of the vector that goes in (k of the GEMM).
    pub inputs: u64,
    /// Length of the vector that comes out (n of the GEMM).
    pub outputs: u64,
    /// How many equal matrices work side by side on slices of the input.
    pub count: u64,
    /// How it may be split.
    pub split: Split,
}

impl Projection {
    /// A single matrix.
    pub(super) const fn new(name: &'static str, inputs: u64, outputs: u64, split: Split) -> Self {
        Self { name, inputs, outputs, count: 1, split }
    }

    /// Weights, `count · inputs · outputs`.
    pub const fn weights(&self) -> u64 {
        self.count * self.inputs * self.outputs
    }
}

/// Weights of several matrices.
pub(super) fn weights(projections: &[Projection]) -> u64 {
    projections.iter().map(Projection::weights).sum()
}
