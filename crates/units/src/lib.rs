//! Quantities as types, and their text form.
//!
//! Every quantity is a newtype over `f64` in SI base units (bytes, seconds, FLOP, watts, dollars). Only products
//! that mean something exist: bytes over a rate are seconds, watts times seconds are joules.
//!
//! ```
//! use rackplan_units::{Bytes, BytesPerSecond, Seconds};
//! let transfer: Seconds = Bytes::new(96e9) / "4.8 TB/s".parse::<BytesPerSecond>().unwrap();
//! assert_eq!(transfer, Seconds::new(0.02));
//! ```

mod quantity;
mod relation;
mod text;

pub use quantity::{
    Bytes, BytesPerSecond, Dollars, DollarsPerJoule, DollarsPerSecond, Flops, FlopsPerSecond, Hertz, Joules,
    Quantity, Seconds, Watts, si,
};
pub use text::{ParseError, parse_count};
