//! How rows of measurements become shapes, operator by operator.

mod gemm;

pub use gemm::GemmRows;
