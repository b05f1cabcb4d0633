//! Constants that a fit chooses: named fields, with the range and the prior of each.

/// What a fit needs to know of a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Name, as files spell it.
    pub name: &'static str,
    /// Where a fit starts, and what it is pulled to where data say little.
    pub prior: f64,
    /// The least it may be; above zero, since fits work on logarithms.
    pub low: f64,
    /// The most it may be.
    pub high: f64,
    /// How far from the prior it may go for free: a standard deviation of its natural logarithm.
    pub spread: f64,
}

/// A set of constants of one operator.
pub trait Constants: Copy {
    /// One for each field, in the order of [`Constants::values`].
    const PARAMETERS: &'static [Parameter];
    /// From values in that order.
    fn from_values(values: &[f64]) -> Self;
    /// The values in that order.
    fn values(&self) -> Vec<f64>;
}

/// Declares a set of constants; each field states prior, range and spread.
macro_rules! constants {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $prior:literal in $low:literal..$high:literal, spread $spread:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)+
        }

        impl $crate::Constants for $name {
            const PARAMETERS: &'static [$crate::Parameter] = &[$($crate::Parameter {
                name: stringify!($field),
                prior: $prior,
                low: $low,
                high: $high,
                spread: $spread,
            }),+];

            fn from_values(values: &[f64]) -> Self {
                let mut values = values.iter().copied();
                Self { $($field: values.next().expect("as many values as constants")),+ }
            }

            fn values(&self) -> Vec<f64> {
                vec![$(self.$field),+]
            }
        }

        impl Default for $name {
            /// The priors.
            fn default() -> Self {
                Self { $($field: $prior),+ }
            }
        }
    };
}
pub(crate) use constants;
