//! How full the cluster is when demand varies around its mean: average and 95th percentile over a few scales.

use crate::kv_profile::NVME_BANDWIDTH;
use crate::sizing::{Sizing, SizingInput};
use rackplan_units::BytesPerSecond;

/// Scales of the demand on compute and network.
const DEMAND_SCALES: [f64; 3] = [0.9, 1.0, 1.1];
/// Scales of the demand on storage.
const STORAGE_SCALES: [f64; 5] = [0.8, 0.9, 1.0, 1.1, 1.2];

/// A utilisation, 1 when full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utilization {
    /// Average over the scales.
    pub mean: f64,
    /// 95th percentile over the scales.
    pub p95: f64,
}

/// Every utilisation of a sizing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utilizations {
    /// Demand over what the arithmetic allows.
    pub compute: Utilization,
    /// Demand over what the links allow.
    pub network: Utilization,
    /// KV cache over the room for it in HBM.
    pub storage: Utilization,
    /// Load on the path between GPU and DRAM over its bandwidth.
    pub dram: Utilization,
    /// Load on NVMe over its bandwidth.
    pub nvme: Utilization,
}

/// All of them.
pub fn utilizations(input: &SizingInput, sizing: &Sizing) -> Utilizations {
    let (plan, instances) = (&sizing.plan, sizing.plan.instances as f64);
    let ceiling = |limit: f64| limit * plan.efficiency * instances;
    let demand = |limit| over(&DEMAND_SCALES.map(|scale| ratio(sizing.demand * scale, limit)));
    let room = plan.memory.kv_room().get().max(1.0);
    let storage = |scale| ratio(plan.memory.kv_cache.get() * scale, room);
    let profiles = STORAGE_SCALES.map(|scale| sizing.kv_profile_at(input, scaled_users(sizing.users, scale)));
    let load = |load: BytesPerSecond, bandwidth: BytesPerSecond| ratio(load.get(), bandwidth.get());
    let path = input.kv_system.map_or(BytesPerSecond::default(), |s| s.reload_bandwidth());
    Utilizations {
        compute: demand(ceiling(plan.ceilings.compute)),
        network: demand(ceiling(plan.ceilings.communication)),
        storage: over(&STORAGE_SCALES.map(storage)),
        dram: over(&profiles.map(|profile| load(profile.dram_load, path))),
        nvme: over(&profiles.map(|profile| load(profile.nvme_load, NVME_BANDWIDTH))),
    }
}

/// The number of users at a scale, at least one; a half goes to the even neighbour.
fn scaled_users(users: u64, scale: f64) -> u64 {
    ((users as f64 * scale).round_ties_even() as u64).max(1)
}

/// use / limit, at most 1; nothing used is 0 whatever the limit.
fn ratio(used: f64, limit: f64) -> f64 {
    if used <= 0.0 { 0.0 } else { (used / limit).min(1.0) }
}

fn over(samples: &[f64]) -> Utilization {
    Utilization { mean: samples.iter().sum::<f64>() / samples.len() as f64, p95: percentile(samples, 0.95) }
}

/// Percentile by linear interpolation between the order statistics, as numpy computes it.
pub fn percentile(samples: &[f64], fraction: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len().saturating_sub(1)) as f64 * fraction;
    let below = rank.floor() as usize;
    let (Some(&low), Some(&high)) = (sorted.get(below), sorted.get(below + 1).or(sorted.last())) else {
        return 0.0;
    };
    let part = rank - below as f64;
    // From the nearer end, so that equal neighbours give themselves.
    if part >= 0.5 { high - (high - low) * (1.0 - part) } else { low + (high - low) * part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_p95_of_three_and_five_scales() {
        // Rank 1.9 of 0..2: 0.1 below the last. Rank 3.8 of 0..4: 1.1 + 0.8 · 0.1.
        assert!((percentile(&[1.1, 0.9, 1.0], 0.95) - 1.09).abs() < 1e-12);
        assert!((percentile(&[0.8, 0.9, 1.0, 1.1, 1.2], 0.95) - 1.18).abs() < 1e-12);
        assert_eq!(percentile(&[], 0.95), 0.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn hand_scaled_users_round_half_to_even_and_stay_above_zero() {
        // 1.1 · 5 = 5.5 goes to 6, 0.9 · 5 = 4.5 to 4.
        assert_eq!([0.8, 0.9, 1.1].map(|scale| scaled_users(5, scale)), [4, 4, 6]);
        assert_eq!(scaled_users(0, 1.2), 1);
    }
}
