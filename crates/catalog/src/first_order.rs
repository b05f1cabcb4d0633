//! Presets of the three-ceiling method: five files under `catalog/first_order`, each a table of entries.
//!
//! They are the founding documents' approximations and nothing else reads them; real hardware and models have their
//! own kinds.

use crate::lookup::{Found, find};
use crate::store::{Catalog, Record};
use crate::{Basis, CatalogError, Fault, Kind};
use rackplan_units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A GPU by its sustained rates.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Name for people.
    pub name: String,
    /// Arithmetic sustained in decode.
    pub flops_sustained: FlopsPerSecond,
    /// Effective HBM bandwidth.
    pub hbm_bandwidth: BytesPerSecond,
    /// HBM capacity.
    pub hbm_capacity: Bytes,
}

/// One level of the network.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Bytes per second.
    pub bandwidth: BytesPerSecond,
    /// Time per message.
    pub latency: Seconds,
}

/// A rack and its links.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rack {
    /// Name for people.
    pub name: String,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Id of the real rack that it approximates, in `catalog/racks`.
    pub stands_for: Option<String>,
    /// Which GPU, by key.
    pub gpu: String,
    /// GPUs per server.
    pub gpus_per_server: u32,
    /// Servers per rack.
    pub servers_per_rack: u32,
    /// Between GPUs of a server.
    pub intra_server: Link,
    /// Between servers of a rack.
    pub inter_server: Link,
    /// Between racks.
    pub inter_rack: Link,
    /// The KV tier that comes with it, by key.
    pub kv_system: Option<String>,
    /// Storage servers per rack.
    pub storage_servers: u32,
    /// Capacity of a storage server.
    pub storage_server_capacity: Bytes,
}

/// A number format.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantisation {
    /// Bytes per parameter.
    pub weight_bytes: f64,
    /// Factor on the sustained arithmetic.
    pub compute_scale: f64,
    /// Bytes per KV element.
    pub kv_bytes_per_element: f64,
}

/// The experts of a model.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moe {
    /// Experts per layer.
    pub experts: u32,
    /// Experts that work on a token.
    pub active: u32,
    /// Share of the parameters in experts.
    pub expert_fraction: f64,
    /// Share of the parameters that every token uses.
    pub shared_fraction: f64,
    /// Factor on dispatched bytes, and messages per token.
    pub dispatch_factor: f64,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name for people.
    pub name: String,
    /// Other names, the founding shortcuts `1`, `2`, `3` among them.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Id of the real model that it approximates, in `catalog/models`.
    pub stands_for: Option<String>,
    /// Parameters.
    pub parameters: f64,
    /// Layers.
    pub layers: u32,
    /// Hidden size.
    pub hidden: u32,
    /// Attention heads.
    pub heads: u32,
    /// Prompt tokens cached.
    pub context: u64,
    /// Generated tokens cached.
    pub generation: u64,
    /// KV elements a token adds over all layers, where it is not two of full width a layer.
    pub kv_elements_per_token: Option<f64>,
    /// The experts; absent for a dense model.
    pub moe: Option<Moe>,
}

/// Host memory that holds KV cache.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KvSystem {
    /// Name for people.
    pub name: String,
    /// Host DRAM per GPU.
    pub dram: Bytes,
    /// Link of the GPU.
    pub gpu_link: BytesPerSecond,
    /// Link of the CPU.
    pub cpu_link: BytesPerSecond,
    /// Link of the DRAM.
    pub dram_link: BytesPerSecond,
    /// Fabric between them.
    pub fabric: BytesPerSecond,
    /// Copy engine between GPU and DRAM.
    pub dma: BytesPerSecond,
}

macro_rules! file {
    ($file:ident, $entries:ident: $entry:ty) => {
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $file {
            #[serde(rename = "source")]
            _source: String,
            #[serde(rename = "basis")]
            _basis: Basis,
            $entries: BTreeMap<String, $entry>,
        }
    };
}

file!(GpuFile, gpus: Gpu);
file!(RackFile, racks: Rack);
file!(QuantisationFile, quantisations: Quantisation);
file!(ModelFile, models: Model);
file!(KvSystemFile, kv_systems: KvSystem);

impl Record for GpuFile {
    const KIND: Kind = Kind::FirstOrder;

    fn check(&self) -> Result<(), Fault> {
        self.gpus.iter().try_for_each(|(id, gpu)| {
            let place = |field: &str| format!("gpus.{id}.{field}");
            positive(place("flops_sustained"), gpu.flops_sustained.get())?;
            positive(place("hbm_bandwidth"), gpu.hbm_bandwidth.get())?;
            positive(place("hbm_capacity"), gpu.hbm_capacity.get())
        })
    }
}

impl Record for RackFile {
    const KIND: Kind = Kind::FirstOrder;

    fn check(&self) -> Result<(), Fault> {
        self.racks.iter().try_for_each(|(id, rack)| {
            let place = |field: &str| format!("racks.{id}.{field}");
            positive(place("gpus_per_server"), f64::from(rack.gpus_per_server))?;
            positive(place("servers_per_rack"), f64::from(rack.servers_per_rack))?;
            [&rack.intra_server, &rack.inter_server, &rack.inter_rack]
                .iter()
                .try_for_each(|link| positive(place("bandwidth of a link"), link.bandwidth.get()))
        })
    }
}

impl Record for QuantisationFile {
    const KIND: Kind = Kind::FirstOrder;

    fn check(&self) -> Result<(), Fault> {
        self.quantisations.iter().try_for_each(|(bits, format)| {
            let place = |field: &str| format!("quantisations.{bits}.{field}");
            positive(place("weight_bytes"), format.weight_bytes)?;
            positive(place("compute_scale"), format.compute_scale)?;
            positive(place("kv_bytes_per_element"), format.kv_bytes_per_element)
        })
    }
}

impl Record for ModelFile {
    const KIND: Kind = Kind::FirstOrder;

    fn check(&self) -> Result<(), Fault> {
        self.models.iter().try_for_each(|(id, model)| {
            let place = |field: &str| format!("models.{id}.{field}");
            positive(place("parameters"), model.parameters)?;
            let sizes = [("layers", model.layers), ("hidden", model.hidden), ("heads", model.heads)];
            sizes.iter().try_for_each(|(field, size)| positive(place(field), f64::from(*size)))?;
            model.moe.map_or(Ok(()), |moe| positive(place("moe.experts"), f64::from(moe.experts)))
        })
    }
}

impl Record for KvSystemFile {
    const KIND: Kind = Kind::FirstOrder;
}

fn positive(field: String, value: f64) -> Result<(), Fault> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Fault::new(field, format!("it is `{value}`")).hint("expected a number above 0"))
}

/// A preset with its key.
#[derive(Debug, PartialEq)]
pub struct Preset<'a, T> {
    /// The key, `qwen3-235b-a22b`.
    pub id: &'a str,
    /// The entry.
    pub record: &'a T,
}

/// All presets, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Presets {
    gpus: BTreeMap<String, Gpu>,
    racks: BTreeMap<String, Rack>,
    quantisations: BTreeMap<String, Quantisation>,
    models: BTreeMap<String, Model>,
    kv_systems: BTreeMap<String, KvSystem>,
}

impl Presets {
    /// Reads the five files of a catalog, overlays applied.
    pub fn read(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self {
            gpus: file::<GpuFile>(catalog, "gpus")?.gpus,
            racks: file::<RackFile>(catalog, "racks")?.racks,
            quantisations: file::<QuantisationFile>(catalog, "quantisations")?.quantisations,
            models: file::<ModelFile>(catalog, "models")?.models,
            kv_systems: file::<KvSystemFile>(catalog, "kv_systems")?.kv_systems,
        })
    }

    /// A GPU by key or name.
    pub fn gpu(&self, name: &str) -> Result<Preset<'_, Gpu>, CatalogError> {
        find_in(&self.gpus, name, |gpu| vec![gpu.name.clone()])
    }

    /// A rack by key, name or alias.
    pub fn rack(&self, name: &str) -> Result<Preset<'_, Rack>, CatalogError> {
        find_in(&self.racks, name, |rack| with_name(&rack.aliases, &rack.name))
    }

    /// The first rack, by key, that has a GPU.
    pub fn rack_of_gpu(&self, gpu: &str) -> Result<Preset<'_, Rack>, CatalogError> {
        let gpu = self.gpu(gpu)?.id;
        let first = self.racks.iter().find(|(_, rack)| rack.gpu == gpu);
        first.map(|(id, record)| Preset { id, record }).ok_or_else(|| unknown(gpu, Vec::new()))
    }

    /// A number format by its bits.
    pub fn quantisation(&self, bits: u32) -> Result<Preset<'_, Quantisation>, CatalogError> {
        let known = || self.quantisations.keys().cloned().collect();
        let found = self.quantisations.get_key_value(&bits.to_string());
        found.map(|(id, record)| Preset { id, record }).ok_or_else(|| unknown(&bits.to_string(), known()))
    }

    /// A model by key, name or alias.
    pub fn model(&self, name: &str) -> Result<Preset<'_, Model>, CatalogError> {
        find_in(&self.models, name, |model| with_name(&model.aliases, &model.name))
    }

    /// A KV tier by key or name.
    pub fn kv_system(&self, name: &str) -> Result<Preset<'_, KvSystem>, CatalogError> {
        find_in(&self.kv_systems, name, |system| vec![system.name.clone()])
    }

    /// Every model, by key.
    pub fn models(&self) -> impl Iterator<Item = Preset<'_, Model>> {
        self.models.iter().map(|(id, record)| Preset { id, record })
    }

    /// Every rack, by key.
    pub fn racks(&self) -> impl Iterator<Item = Preset<'_, Rack>> {
        self.racks.iter().map(|(id, record)| Preset { id, record })
    }
}

/// Reads one of the five files as what it is: for `catalog check`.
pub fn check(catalog: &Catalog, id: &str) -> Result<(), CatalogError> {
    match id {
        "gpus" => file::<GpuFile>(catalog, id).map(drop),
        "racks" => file::<RackFile>(catalog, id).map(drop),
        "quantisations" => file::<QuantisationFile>(catalog, id).map(drop),
        "models" => file::<ModelFile>(catalog, id).map(drop),
        "kv_systems" => file::<KvSystemFile>(catalog, id).map(drop),
        other => Err(unknown(other, catalog.ids(Kind::FirstOrder))),
    }
}

fn file<R: Record>(catalog: &Catalog, id: &str) -> Result<R, CatalogError> {
    catalog.get::<R>(id).map(|entry| entry.record)
}

fn find_in<'a, T>(
    entries: &'a BTreeMap<String, T>,
    name: &str,
    names: impl Fn(&T) -> Vec<String>,
) -> Result<Preset<'a, T>, CatalogError> {
    if let Some((id, record)) = entries.get_key_value(name) {
        return Ok(Preset { id, record });
    }
    let known: Vec<_> = entries.iter().map(|(id, entry)| (id.clone(), names(entry))).collect();
    match find(name, &known) {
        Found::One(id) => {
            let (id, record) = entries.get_key_value(&id).expect("the name found is one of the keys");
            Ok(Preset { id, record })
        }
        Found::Many(candidates) => {
            Err(CatalogError::AmbiguousName { kind: Kind::FirstOrder, name: name.to_owned(), candidates })
        }
        Found::None(nearest) if nearest.is_empty() => Err(unknown(name, entries.keys().cloned().collect())),
        Found::None(nearest) => Err(unknown(name, nearest)),
    }
}

fn unknown(name: &str, nearest: Vec<String>) -> CatalogError {
    CatalogError::UnknownName { kind: Kind::FirstOrder, name: name.to_owned(), nearest }
}

fn with_name(aliases: &[String], name: &str) -> Vec<String> {
    aliases.iter().cloned().chain([name.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presets() -> Presets {
        Presets::read(&Catalog::builtin()).unwrap()
    }

    #[test]
    fn hand_founding_names_find_their_presets() {
        let presets = presets();
        assert_eq!(presets.model("3").unwrap().id, "chatgpt5-1p5t");
        assert_eq!(presets.model("qwen3-235b-a22b").unwrap().record.name, "Qwen3-235B-A22B");
        assert_eq!(presets.rack("NVIDIA GB200 NVL72").unwrap().id, "nvidia_gb200_nvl72");
        assert_eq!(presets.rack_of_gpu("GB300").unwrap().record.name, "NVIDIA GB300 NVL72");
        assert_eq!(presets.kv_system("gb200_host").unwrap().record.dram.get(), 512e9);
        assert_eq!(presets.quantisation(4).unwrap().record.kv_bytes_per_element, 0.75);
    }

    #[test]
    fn hand_an_unknown_name_suggests_the_nearest() {
        let hint = |error: CatalogError| error.hint().unwrap();
        assert!(hint(presets().rack("NVIDIA GB200 NVL27").unwrap_err()).contains("nvidia_gb200_nvl72"));
        assert!(hint(presets().model("qwen4").unwrap_err()).contains("qwen3-235b-a22b"));
        assert!(hint(presets().quantisation(5).unwrap_err()).contains("16"));
    }

    #[test]
    fn law_every_file_is_checked_and_every_reference_exists() {
        let (catalog, presets) = (Catalog::builtin(), presets());
        for id in catalog.ids(Kind::FirstOrder) {
            check(&catalog, &id).unwrap();
        }
        for rack in presets.racks() {
            assert_eq!(presets.gpu(&rack.record.gpu).unwrap().id, rack.record.gpu);
            if let Some(system) = &rack.record.kv_system {
                presets.kv_system(system).unwrap();
            }
        }
    }
}
