//! Tiers that a rack has for caches of users who think, as one accelerator sees them, and the ways to keep caches that
//! are tried.

use super::asked::{Asked, KvTier};
use crate::inputs::{Notes, RealMachine};
use rackplan_catalog::{Catalog, LinkType, Rack, Scope, StorageTier};
use rackplan_plan::{KvPolicy, Tier, TierKind};
use rackplan_units::Bytes;

/// Entries that tiers are taken from: local flash by GPUDirect Storage, and a file system that states what its storage
/// servers hold and read.
const NVME: &str = "nvme_gds_gen5";
const REMOTE: &str = "remote_3fs";

/// A tier with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::run) struct Known {
    pub(in crate::run) tier: Tier,
    /// Whose figures these are.
    pub(in crate::run) name: String,
    /// Of a storage server: bytes that it holds, and that it reads in a second.
    pub(in crate::run) server: Option<(f64, f64)>,
}

/// A rack whose entry states its flash, for those whose does not.
const WITH_FLASH: &str = "h100_hgx";

/// What a rack has, with the oversubscription of the network outside of it; flash is assumed where it was asked for and
/// nobody states it.
pub(in crate::run) fn tiers(
    (machine, outside): (&RealMachine, f64),
    wants_flash: bool,
    catalog: &Catalog,
    notes: &mut Notes,
) -> Vec<Known> {
    let mut flash = flash(&machine.rack.record);
    if flash.is_none() && wants_flash {
        flash = catalog.get::<Rack>(WITH_FLASH).ok().and_then(|entry| self::flash(&entry.record));
        let size = Bytes::new(flash.unwrap_or(0.0)).to_string();
        notes.assume("nvme_per_gpu", size, "as in a DGX H100; the catalog states none for this rack");
    }
    let nvme = flash.and_then(|capacity| nvme(machine, capacity, catalog));
    [host(machine, catalog), nvme, remote((machine, outside), catalog)].into_iter().flatten().collect()
}

/// Local flash for each accelerator, in bytes.
fn flash(rack: &Rack) -> Option<f64> {
    Some(rack.host.as_ref()?.nvme_per_gpu?.get())
}

/// Host memory over each accelerator's host link, at the share of its line rate that copies reach.
fn host(machine: &RealMachine, catalog: &Catalog) -> Option<Known> {
    let capacity = machine.rack.record.host.as_ref()?.memory_per_gpu?.get();
    let gpu = &machine.gpu.record;
    let link = gpu.host_link.as_ref()?;
    let reached =
        catalog.get::<LinkType>(&link.link).ok().and_then(|entry| Some(entry.record.reached?.share));
    let rate = gpu.host_bandwidth_one_way()?.get() * reached.unwrap_or(1.0);
    let tier = Tier { kind: TierKind::Host, read: rate, read_shared: rate, write_shared: rate, capacity };
    Some(Known { tier, name: format!("host memory over {}", link.link), server: None })
}

/// Flash of the server, whose rate its accelerators share.
fn nvme(machine: &RealMachine, capacity: f64, catalog: &Catalog) -> Option<Known> {
    let entry = catalog.get::<StorageTier>(NVME).ok()?.record;
    let server = entry.read(Scope::PerServer)?.get();
    let shared = server / f64::from(machine.rack.record.layout.gpus_per_server);
    let alone = entry.read(Scope::PerGpu).map_or(server, |rate| rate.get().min(server));
    let written = entry
        .write(Scope::PerServer)
        .map_or(shared, |rate| rate.get() / f64::from(machine.rack.record.layout.gpus_per_server));
    let tier =
        Tier { kind: TierKind::Nvme, read: alone, read_shared: shared, write_shared: written, capacity };
    Some(Known { tier, name: entry.name, server: None })
}

/// Storage servers, in racks of their own, over the client's network card and what the switches on the way leave of it; more
/// of them can be bought.
fn remote((machine, outside): (&RealMachine, f64), catalog: &Catalog) -> Option<Known> {
    let entry = catalog.get::<StorageTier>(REMOTE).ok()?.record;
    let client = entry.read(Scope::PerClient)?.get();
    // The entry's clients have one card of 400 Gb/s; a server reads over as many as its accelerators have.
    let each = machine.gpu.record.scale_out.as_ref().map_or(client, |out| out.bandwidth_one_way.get());
    let rate = client.min(each / outside);
    let server = entry.capacity.as_ref().filter(|size| size.scope == Scope::PerStorageServer);
    let held = server.map_or(f64::INFINITY, |size| size.size.get());
    let read = entry.read(Scope::PerStorageServer).map_or(f64::INFINITY, |rate| rate.get());
    let tier = Tier {
        kind: TierKind::Remote,
        read: rate,
        read_shared: rate,
        write_shared: rate,
        capacity: f64::INFINITY,
    };
    Some(Known { tier, name: entry.name, server: Some((held, read)) })
}

/// Ways to keep caches that are tried, the simplest first; nothing where the tier that was named does not exist.
pub(super) fn policies(asked: &Asked, known: &[Known]) -> Vec<KvPolicy> {
    if asked.request.kept <= 0.0 {
        return vec![KvPolicy::HBM];
    }
    let resident = asked.kv.residency.unwrap_or(0.0);
    let beyond = |tier: Option<Tier>| KvPolicy { hbm_share: resident, tier };
    let tiers = known.iter().map(|known| known.tier);
    let free = asked.kv.residency.is_none().then_some(KvPolicy::HBM);
    match asked.kv.tier {
        KvTier::Named(kind) => {
            tiers.filter(|tier| tier.kind == kind).map(|tier| beyond(Some(tier))).collect()
        }
        KvTier::None => free.into_iter().chain([beyond(None)]).collect(),
        KvTier::Auto => {
            let moved = tiers.map(|tier| beyond(Some(tier)));
            free.into_iter().chain(moved).chain([beyond(None)]).collect()
        }
    }
}
