//! The operators. Each file has the shape, the constants and the formula of one.

pub mod attention_decode;
pub mod attention_linear;
pub mod attention_mla_bmm;
pub mod attention_mla_decode;
pub mod attention_mla_module;
pub mod attention_mla_prefill;
pub mod attention_prefill;
mod attention_shared;
pub mod attention_sparse;
pub mod elementwise;
pub mod embedding;
pub(crate) mod estimates;
pub mod gemm;
pub mod moe;
pub mod moe_routing;
pub mod sampling;
