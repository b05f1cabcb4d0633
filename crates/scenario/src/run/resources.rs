//! Resources of the chosen hardware that can be had more or less of, each as a file over the catalog.

use crate::inputs::Inputs;
use crate::layers::Layers;
use crate::question::Question;
use rackplan_catalog::{Format, Gpu, LinkType, Price, Rack};

/// A figure of the hardware.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// `HBM bandwidth`.
    pub(crate) name: String,
    /// As people write it.
    pub(crate) value: String,
    /// The text of an overlay with `{}` wherever a scaled figure belongs, and those figures.
    figures: Vec<(String, f64, &'static str)>,
}

impl Resource {
    fn new(name: &str, value: impl ToString, figures: Vec<(String, f64, &'static str)>) -> Self {
        Self { name: name.to_owned(), value: value.to_string(), figures }
    }

    /// The overlay with every figure scaled.
    pub(crate) fn scaled(&self, factor: f64) -> String {
        let line =
            |(path, value, unit): &(String, f64, &str)| format!("{path} = \"{} {unit}\"\n", value * factor);
        self.figures.iter().map(line).collect()
    }

    /// Its value scaled, for people.
    pub(crate) fn value_at(&self, factor: f64) -> String {
        match self.figures.as_slice() {
            [(_, value, "B/s")] => rackplan_units::BytesPerSecond::new(value * factor).to_string(),
            [(_, value, "B")] => rackplan_units::Bytes::new(value * factor).to_string(),
            _ => format!("{:+.0} %", (factor - 1.0) * 100.0),
        }
    }
}

/// Every resource of a rack's accelerator, in a fixed order.
pub(crate) fn resources(inputs: &Inputs, layers: &Layers, rack: &str) -> Vec<Resource> {
    let catalog = &inputs.catalog;
    let Some(gpu) = catalog.get::<Rack>(rack).ok().and_then(|r| catalog.get::<Gpu>(&r.record.gpu).ok())
    else {
        return Vec::new();
    };
    let path = |field: &str| format!("gpus.{}.{field}", gpu.id);
    let record = &gpu.record;
    let (bandwidth, capacity) = (record.memory.bandwidth, record.memory.capacity);
    let mut all = vec![
        Resource::new("HBM bandwidth", bandwidth, vec![(path("memory.bandwidth"), bandwidth.get(), "B/s")]),
        Resource::new("HBM capacity", capacity, vec![(path("memory.capacity"), capacity.get(), "B")]),
        arithmetic(&gpu.id, record),
    ];
    if let Some(up) = record.scale_up.as_ref() {
        let rate = up.bandwidth_one_way;
        all.push(Resource::new(
            "scale-up link",
            rate,
            vec![(path("scale_up.bandwidth_one_way"), rate.get(), "B/s")],
        ));
    }
    if let Some(out) = record.scale_out.as_ref() {
        let rate = out.bandwidth_one_way;
        all.push(Resource::new(
            "network",
            rate,
            vec![(path("scale_out.bandwidth_one_way"), rate.get(), "B/s")],
        ));
    }
    all.extend(named_links(inputs, layers));
    all.extend(bill(inputs, &gpu.id));
    all
}

fn arithmetic(id: &str, gpu: &Gpu) -> Resource {
    let figure = |(format, peak): (&Format, &rackplan_units::FlopsPerSecond)| {
        (format!("gpus.{id}.compute.dense.{}", format.name()), peak.get(), "FLOP/s")
    };
    let value = gpu.compute.dense.values().next().map_or(String::new(), ToString::to_string);
    Resource::new("FLOP/s", value, gpu.compute.dense.iter().map(figure).collect())
}

/// Links that the question puts in place of the rack's.
fn named_links(inputs: &Inputs, layers: &Layers) -> Vec<Resource> {
    let question: Question = layers.read().unwrap_or_default();
    let names = question.links.into_iter().flat_map(|list| list.0);
    let ids = names.filter_map(|text| text.split_once('=').map(|(_, id)| id.trim().to_owned()));
    let link = |id: String| {
        let entry = inputs.catalog.get::<LinkType>(&id).ok()?;
        let rate = entry.record.line.bandwidth_one_way;
        let path = format!("links.{}.line.bandwidth_one_way", entry.id);
        Some(Resource::new(&format!("link {}", entry.id), rate, vec![(path, rate.get(), "B/s")]))
    };
    ids.filter_map(link).collect()
}

/// What a GPU costs and draws, all in.
fn bill(inputs: &Inputs, gpu: &str) -> Vec<Resource> {
    let Ok(price) = inputs.catalog.get::<Price>(gpu) else { return Vec::new() };
    let power = price.record.all_in_power.as_ref().map(|power| {
        let path = format!("prices.{}.all_in_power.per_gpu", price.id);
        Resource::new("power of a GPU", power.per_gpu, vec![(path, power.per_gpu.get(), "W")])
    });
    let cost = price.record.owned.as_ref().and_then(|owned| owned.hyperscaler).map(|cost| {
        let path = format!("prices.{}.owned.hyperscaler", price.id);
        let hourly = (cost * rackplan_units::Seconds::new(3600.0)).get();
        Resource::new("cost of a GPU", cost, vec![(path, hourly, "USD/h")])
    });
    power.into_iter().chain(cost).collect()
}
