//! The operators. Each file has the shape, the constants and the formula of one.

pub mod gemm;
