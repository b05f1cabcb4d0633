//! Traces of every format: worked lines, broken lines, any bytes, and the public ones in `../shared`.

mod broken;
mod bytes;
mod formats;
mod lru;
mod shared;

use rackplan_traffic::Sent;
use rackplan_traffic::trace::{Options, Reader, TraceError};

/// All requests of a text.
fn read(text: &str, options: Options) -> Result<Vec<Sent>, TraceError> {
    Reader::new("t", text.as_bytes(), options)?.collect()
}

/// A request without session and blocks.
fn plain(at: f64, input: u32, output: u32) -> Sent {
    Sent { at, input, output, ..Sent::default() }
}
