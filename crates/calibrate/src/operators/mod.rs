//! How rows of measurements become shapes, operator by operator.

mod attention;
mod custom_allreduce;
mod gemm;
mod mla;
mod moe;
mod moe_a2a;
mod nccl;

pub use attention::{AttentionDecodeRows, AttentionPrefillRows};
pub use custom_allreduce::CustomAllReduceRows;
pub use gemm::GemmRows;
pub use mla::{MlaBmmRows, MlaDecodeRows, MlaModuleRows, MlaPrefillRows};
pub use moe::MoeRows;
pub use moe_a2a::MoeA2aRows;
pub use nccl::NcclRows;

/// The operators by name, as files and commands spell them.
pub const OPERATORS: &[&str] = &[
    "gemm",
    "attn_decode",
    "attn_prefill",
    "mla_decode",
    "mla_prefill",
    "mla_decode_module",
    "mla_bmm",
    "moe",
    "custom_allreduce",
    "nccl",
    "moe_a2a",
];

/// `with_operator!(name, O => expression)` is the expression with `O` standing for the operator of that name, in `Some`;
/// `None` for a name that is no operator.
#[macro_export]
#[doc(hidden)]
macro_rules! __with_operator {
    ($name:expr, $operator:ident => $body:expr) => {{
        macro_rules! with {
            ($rows:ident) => {{
                type $operator = $crate::operators::$rows;
                Some($body)
            }};
        }
        match $name {
            "gemm" => with!(GemmRows),
            "attn_decode" => with!(AttentionDecodeRows),
            "attn_prefill" => with!(AttentionPrefillRows),
            "mla_decode" => with!(MlaDecodeRows),
            "mla_prefill" => with!(MlaPrefillRows),
            "mla_decode_module" => with!(MlaModuleRows),
            "mla_bmm" => with!(MlaBmmRows),
            "moe" => with!(MoeRows),
            "custom_allreduce" => with!(CustomAllReduceRows),
            "nccl" => with!(NcclRows),
            "moe_a2a" => with!(MoeA2aRows),
            _ => None,
        }
    }};
}

pub use __with_operator as with_operator;
