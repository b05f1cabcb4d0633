//! Traces of requests, read as a stream. What a trace is, its heading or the keys of its first line say.
//!
//! Memory does not grow with the lines, but with the sessions of traces that have them and with ids of blocks that are
//! no small numbers. Compression is the caller's.

mod error;
mod format;
mod ids;
mod json;
mod lines;
mod number;
mod reader;
mod repeat;
mod spread;
mod stamp;
mod table;

pub use error::{Fault, Problem, TraceError};
pub use format::Format;
pub use reader::{Options, Reader, Report};
pub use repeat::{Copies, Repeated};

use stamp::Stamp;

/// What a line says.
struct Row {
    stamp: Stamp,
    input: u32,
    output: u32,
    session: Option<u32>,
    turn: u32,
    class: u16,
    blocks: Box<[u32]>,
}
