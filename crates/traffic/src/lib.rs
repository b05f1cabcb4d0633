//! Who asks for what, when. Knows nothing of GPUs.

mod arrivals;
mod lengths;
mod random;

pub use arrivals::{ActiveUsers, Arrivals, Window};
pub use lengths::Lengths;
pub use random::Stream;
