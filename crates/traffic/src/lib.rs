//! Who asks for what, when. Knows nothing of GPUs.
//!
//! A [`Source`] gives requests as their clients send them: a trace ([`trace::Reader`], [`trace::Repeated`]), laws of
//! gaps and lengths ([`Synthetic`]), or people who wait for answers ([`Sessions`]). The same seed gives the same requests.

mod arrivals;
mod gaps;
mod lengths;
mod random;
mod sessions;
mod source;
mod synthetic;
pub mod trace;

pub use arrivals::{ActiveUsers, Arrivals, Window};
pub use gaps::{Day, Gaps, Times};
pub use lengths::Lengths;
pub use random::Stream;
pub use sessions::{After, Pause, SessionLoad, Sessions, Tools, Turns, Users};
pub use source::{Answered, Sent, Source};
pub use synthetic::{Class, Synthetic, SyntheticLoad};
