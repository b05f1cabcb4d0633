//! Models: the catalog's entries, the importer, and the numbers that follow, against the shared tables where present.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, in helpers too")]

mod catalog;
mod derived;
mod mutated;
mod refused;
mod shared;
mod tables;
