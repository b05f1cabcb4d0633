//! Passes over data that no table measures: what they share. Every constant here is an estimate, not a fit.

use crate::{Bound, Cost, Device};

/// Launching one kernel, in microseconds. Estimate: what fits of measured operators have as a floor.
pub(crate) const LAUNCH_US: f64 = 2.0;
/// Share of a launch that is left where kernels are replayed from a graph. Estimate, from composed decode steps.
pub(crate) const REPLAYED: f64 = 0.7;
/// Share of the memory bandwidth that a simple pass reaches. Estimate; large fitted passes have 0.7 to 0.9.
pub(crate) const PASS_SHARE: f64 = 0.7;

/// Microseconds of so many launches.
pub(crate) fn launches_us(launches: f64, replayed: bool, device: &Device) -> f64 {
    device.launches * LAUNCH_US * launches * if replayed { REPLAYED } else { 1.0 }
}

/// Microseconds of moving so many bytes at a share of the memory bandwidth.
pub(super) fn moved_us(bytes: f64, share: f64, device: &Device) -> f64 {
    bytes / (device.bandwidth * share) * 1e6
}

/// Time of passes over memory: t = launches · 2 us · (0.7 in a graph) + bytes / (0.7 W).
pub(super) fn passes(bytes: f64, launches: f64, replayed: bool, device: &Device) -> Cost {
    let latency = launches_us(launches, replayed, device);
    Cost::of_microseconds(moved_us(bytes, PASS_SHARE, device), Bound::Memory, latency)
}

/// Microseconds of work that overlaps, the longest of each and what it waits for.
pub(super) fn longest(parts: &[(f64, Bound)]) -> (f64, Bound) {
    let least = (0.0, Bound::Latency);
    parts.iter().fold(least, |longest, part| if part.0 > longest.0 { *part } else { longest })
}
