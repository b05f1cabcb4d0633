//! Tiers that can hold KV cache outside the accelerator's memory.

use crate::group::{at_least, group, named, positive, positive_if_known};
use crate::{Fault, Kind, Record};
use rackplan_units::{Bytes, BytesPerSecond, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tier of KV storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageTier {
    /// What people call it.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Where it is.
    pub tier: Tier,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Rates, by what they hold for.
    pub bandwidth: BTreeMap<Scope, TierBandwidth>,
    /// How much it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<TierCapacity>,
    /// How the rate falls with small blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Blocks>,
}

/// Where a tier is, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Memory of the same server.
    Host,
    /// Flash of the same server.
    Nvme,
    /// Another machine.
    Remote,
}

/// What a rate or a capacity holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One accelerator.
    PerGpu,
    /// One drive.
    PerDrive,
    /// One server of accelerators.
    PerServer,
    /// One machine that reads, whatever it holds.
    PerClient,
    /// One machine that serves.
    PerStorageServer,
    /// The whole system that was measured.
    Aggregate,
}

group! {
    /// Rates; a direction that nobody stated is absent.
    TierBandwidth {
        /// From the tier.
        read: Option<BytesPerSecond>,
        /// To the tier.
        write: Option<BytesPerSecond>,
        /// Reads and writes at the same time, together.
        both_ways: Option<BytesPerSecond>,
        /// Drives that the figure holds for.
        drives: Option<u32>,
    }

    /// How much it holds.
    TierCapacity {
        /// The size.
        size: Bytes,
        /// What has that size.
        scope: Scope,
    }

    /// How the rate falls with small blocks.
    Blocks {
        /// Blocks of at least this size reach the stated rate.
        full_rate_from: Bytes,
        /// Rates with smaller blocks, ascending.
        points: Option<Vec<BlockRate>>,
        /// Time of one small operation.
        latency: Option<Seconds>,
    }
}

/// The rate with blocks of one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRate {
    /// Block size.
    pub block: Bytes,
    /// Rate, in the scope of the entry's `per_server` figure.
    pub bandwidth: BytesPerSecond,
}

impl StorageTier {
    /// The read rate in a scope.
    pub fn read(&self, scope: Scope) -> Option<BytesPerSecond> {
        self.bandwidth.get(&scope)?.read
    }

    /// The write rate in a scope.
    pub fn write(&self, scope: Scope) -> Option<BytesPerSecond> {
        self.bandwidth.get(&scope)?.write
    }
}

impl Record for StorageTier {
    const KIND: Kind = Kind::Storage;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        if self.bandwidth.is_empty() {
            let hint = "write e.g. `[bandwidth.per_gpu]` then `read = \"26 GiB/s\"`";
            return Err(Fault::new("bandwidth", "no rate is given").hint(hint));
        }
        for (scope, rates) in &self.bandwidth {
            check_rates(&format!("bandwidth.{}", scope.key()), rates)?;
        }
        positive_if_known("capacity.size", self.capacity.as_ref().map(|capacity| capacity.size))?;
        let points = self.blocks.iter().flat_map(|blocks| blocks.points.iter().flatten());
        points.into_iter().try_for_each(|point| positive("blocks.points.bandwidth", point.bandwidth))
    }
}

fn check_rates(place: &str, rates: &TierBandwidth) -> Result<(), Fault> {
    if rates.read.is_none() && rates.write.is_none() && rates.both_ways.is_none() {
        return Err(Fault::new(place, "no rate is given").hint("write `read`, `write` or `both_ways`"));
    }
    positive_if_known(&format!("{place}.read"), rates.read)?;
    positive_if_known(&format!("{place}.write"), rates.write)?;
    positive_if_known(&format!("{place}.both_ways"), rates.both_ways)?;
    at_least(&format!("{place}.drives"), rates.drives.unwrap_or(1), 1)
}

impl Scope {
    /// As files spell it.
    pub fn key(self) -> &'static str {
        match self {
            Scope::PerGpu => "per_gpu",
            Scope::PerDrive => "per_drive",
            Scope::PerServer => "per_server",
            Scope::PerClient => "per_client",
            Scope::PerStorageServer => "per_storage_server",
            Scope::Aggregate => "aggregate",
        }
    }
}
