//! Tiers below HBM for the simulated cache: what the hardware has of each, as one accelerator sees it.

use crate::QuestionError;
use crate::inputs::RealMachine;
use crate::run::explain::{Asked, Target};
use crate::run::operators::{Known, tiers as known_tiers};
use rackplan_plan::TierKind;
use rackplan_sim::Tier;
use rackplan_units::{BytesPerSecond, Seconds};

/// The tiers that a question may name, the nearest first.
const NAMES: [(&str, TierKind); 3] =
    [("host", TierKind::Host), ("nvme", TierKind::Nvme), ("remote", TierKind::Remote)];
/// Time before the first byte comes: a copy over the host link, a read of flash, a request over the network. Estimates.
const LATENCIES: [f64; 3] = [20e-6, 100e-6, 500e-6];

/// Reads the tiers of a fleet of so many accelerators; none where nobody names any. `bytes_per_token` are those of one
/// accelerator.
pub(super) fn tiers(
    asked: &mut Asked,
    target: &Target,
    machine: Option<&RealMachine>,
    (bytes_per_token, gpus): (f64, u64),
) -> Result<Vec<Tier>, QuestionError> {
    let kinds = named(asked)?;
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let place = asked.layers.place("kv_tier");
    let lacking = |what: &str| {
        let problem = format!("the catalog knows no {what} beside {}", target.gpu.id);
        QuestionError::value(&place, problem)
            .with_hint("name a rack as --hardware, e.g. `h100_hgx`, or leave the tier out")
    };
    let machine = machine.ok_or_else(|| lacking("rack"))?;
    let wants_flash = kinds.contains(&TierKind::Nvme);
    let known = known_tiers(
        (machine, target.device.oversubscription.outside()),
        wants_flash,
        &asked.inputs.catalog,
        &mut asked.notes,
    );
    let servers = gpus.div_ceil(u64::from(machine.rack.record.layout.gpus_per_server));
    let mut tiers = Vec::new();
    for kind in kinds {
        let found = known.iter().find(|known| known.tier.kind == kind);
        let found = found.ok_or_else(|| lacking(name(kind)))?;
        asked.notes.assume(&format!("kv_tier.{}", name(kind)), found.name.as_str(), "what the catalog has");
        if kind == TierKind::Remote {
            asked.notes.assume("storage_servers", servers, "one for each server");
        }
        let group = f64::from(target.plan.tp * target.plan.pp);
        let store = Store { servers: servers as f64, gpus: gpus as f64, group };
        tiers.push(tier(found, bytes_per_token, store));
    }
    Ok(tiers)
}

fn named(asked: &Asked) -> Result<Vec<TierKind>, QuestionError> {
    let Some(text) = asked.question.kv_tier.as_deref().filter(|text| *text != "none") else {
        return Ok(Vec::new());
    };
    let kind = |word: &str| NAMES.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    let mut kinds: Vec<TierKind> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let found = kind(word).filter(|kind| !kinds.contains(kind)).ok_or_else(|| {
            let problem = format!("`{word}` is no tier, or is there twice");
            QuestionError::value(asked.layers.place("kv_tier"), problem)
                .with_hint("expected host, nvme or remote, several with commas between, or none")
        })?;
        kinds.push(found);
    }
    kinds.sort_by_key(|kind| NAMES.iter().position(|(_, other)| other == kind));
    Ok(kinds)
}

fn name(kind: TierKind) -> &'static str {
    NAMES.iter().find(|(_, other)| *other == kind).map_or("", |(name, _)| name)
}

/// Who shares a remote store.
#[derive(Clone, Copy, Debug)]
struct Store {
    /// Storage servers.
    servers: f64,
    /// Accelerators of the fleet.
    gpus: f64,
    /// Those of an attention group, each of which asks for its own share of a cache.
    group: f64,
}

/// A tier of one accelerator's share of a cache. A remote store is one for all: what its servers read together, or all
/// accelerators can take, is there for whoever asks.
fn tier(found: &Known, bytes_per_token: f64, store: Store) -> Tier {
    let at = NAMES.iter().position(|(_, kind)| *kind == found.tier.kind).unwrap_or(0);
    let is_shared = found.tier.kind == TierKind::Remote;
    let (held, read, written) = match found.server {
        Some((held, read)) if is_shared => {
            let all = (store.servers * read).min(store.gpus * found.tier.read) / store.group;
            (store.servers * held / store.group, all, all)
        }
        _ => (found.tier.capacity, found.tier.read_shared, found.tier.write_shared),
    };
    Tier {
        name: NAMES[at].0.to_owned(),
        capacity_tokens: held / bytes_per_token,
        read: BytesPerSecond::new(read),
        write: BytesPerSecond::new(written),
        latency: Seconds::new(LATENCIES[at]),
        is_shared,
    }
}
