//! Who asks for what, when. Knows nothing of GPUs.

mod arrivals;

pub use arrivals::{ActiveUsers, Arrivals, Window};
