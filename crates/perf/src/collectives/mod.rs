//! Collectives: what ranks exchange. Each file has the shape, the constants and the formula of one.

pub mod all_reduce;
pub mod all_to_all;
pub mod nccl;
pub mod send;
