//! Answers as terminal text, JSON, CSV, Markdown, one HTML page, and SVG pictures. Only layout happens here.

pub mod catalog;
pub mod compare;
pub mod explain;
pub mod format;
pub mod html;
pub mod json;
mod lines;
pub mod mix;
pub mod offload;
#[cfg(feature = "png")]
pub mod png;
pub mod reasons;
pub mod score;
pub mod section;
pub mod simulate;
pub mod size;
pub mod svg;
pub mod sweep;
