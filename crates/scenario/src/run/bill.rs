//! Power and running cost of everything provisioned, from the catalog's figures for its accelerator.

use crate::answer::{Capacity, Money, Power};
use crate::inputs::{Machine, Notes};
use rackplan_catalog::{Catalog, Entry, Kind, Price};
use rackplan_units::{DollarsPerSecond, Seconds};

/// Utility power: GPUs provisioned times the all-in power of one.
pub(crate) fn power(machine: &Machine, capacity: &Capacity, catalog: &Catalog) -> Option<Power> {
    let Machine::Real(real) = machine else { return None };
    let per_gpu = price(machine, catalog)?.all_in_power?.per_gpu;
    let rack = real.rack.record.power.as_ref().and_then(|power| power.rack);
    Some(Power {
        facility_w: (per_gpu * capacity.gpus_provisioned as f64).get(),
        rack_w: rack.map(|rack| (rack * capacity.racks as f64).get()),
        basis: format!("{} GPUs x {per_gpu}, all in", capacity.gpus_provisioned),
        typical_w: None,
        idle_w: None,
        pue: None,
    })
}

/// Total cost of ownership: GPUs provisioned times that of one, for a hyperscaler.
pub(crate) fn money(
    machine: &Machine,
    capacity: &Capacity,
    tokens_per_s: f64,
    catalog: &Catalog,
) -> Option<Money> {
    let per_gpu: DollarsPerSecond = price(machine, catalog)?.owned?.hyperscaler?;
    let cost = per_gpu * capacity.gpus_provisioned as f64;
    Some(Money {
        usd_per_hour: (cost * Seconds::new(3600.0)).get(),
        usd_per_million_tokens: cost.get() / tokens_per_s * 1e6,
        basis: format!("{} GPUs x {per_gpu} to own", capacity.gpus_provisioned),
    })
}

/// What a GPU draws and costs to own, all in: watts and dollars a second, each where it is known.
pub(crate) fn per_gpu(machine: &Machine, catalog: &Catalog) -> [Option<f64>; 2] {
    let Some(price) = price(machine, catalog) else { return [None; 2] };
    let cost = price.owned.and_then(|owned| Some(owned.hyperscaler?.get()));
    [price.all_in_power.map(|power| power.per_gpu.get()), cost]
}

/// Marks the entry that power and cost rest on.
pub(crate) fn note_use(machine: &Machine, catalog: &Catalog, notes: &mut Notes) {
    if let Some(entry) = entry(machine, catalog) {
        notes.use_entry(Kind::Prices, &entry.id, &entry.overlays);
    }
}

pub(crate) fn price(machine: &Machine, catalog: &Catalog) -> Option<Price> {
    entry(machine, catalog).map(|entry| entry.record)
}

/// The price entry of the accelerator, which has the accelerator's id.
fn entry(machine: &Machine, catalog: &Catalog) -> Option<Entry<Price>> {
    catalog.get::<Price>(&machine.real_gpu()?.id).ok()
}
