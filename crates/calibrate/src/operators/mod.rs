//! How rows of measurements become shapes, operator by operator.

mod gemm;

pub use gemm::GemmRows;

/// The operators by name, as files and commands spell them.
pub const OPERATORS: &[&str] = &["gemm"];

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
            _ => None,
        }
    }};
}

pub use __with_operator as with_operator;
