//! Hardware as the three-ceiling method takes it: a founding preset, or a rack of the catalog with its measured rates.

use super::format::WeightFormat;
use super::model::catalog_error;
use super::request::Oversubscribed;
use super::{Inputs, Notes};
use crate::QuestionError;
use crate::answer::Hardware;
use rackplan_catalog::first_order::{self as founding, Presets};
use rackplan_catalog::{Catalog, CatalogError, Entry, GemmKind, Gpu, Kind, Level, LinkType, Rack, RackLink};
use rackplan_first_order as method;
use rackplan_perf::Oversubscription;
use rackplan_units::{Bytes, FlopsPerSecond};

/// What it runs on.
#[derive(Clone, Debug)]
pub(crate) enum Machine {
    /// A preset of the founding documents.
    Founding(Box<FoundingMachine>),
    /// A rack of the catalog.
    Real(Box<RealMachine>),
}

/// A founding rack with its GPU.
#[derive(Clone, Debug)]
pub(crate) struct FoundingMachine {
    pub(crate) rack: founding::Rack,
    pub(crate) gpu: founding::Gpu,
}

/// A rack of the catalog with its accelerator.
#[derive(Clone, Debug)]
pub(crate) struct RealMachine {
    pub(crate) rack: Entry<Rack>,
    pub(crate) gpu: Entry<Gpu>,
}

impl RealMachine {
    /// What the levels beyond its servers and racks are oversubscribed by: what is asked, else what the catalog knows.
    pub(crate) fn oversubscription(&self, asked: &[Oversubscribed]) -> Oversubscription {
        let (rack, layout) = (&self.rack.record, &self.rack.record.layout);
        let ratio = |level: Level| {
            let asked = asked.iter().rfind(|change| change.level == level.name());
            asked.map_or(rack.link(level).oversubscription.unwrap_or(1.0), |change| change.ratio)
        };
        let domain = f64::from(layout.scale_up_domain_gpus);
        Oversubscription {
            server: f64::from(layout.gpus_per_server),
            rack: f64::from(rack.gpus_per_rack()).max(domain),
            inter_server: ratio(Level::InterServer),
            inter_rack: ratio(Level::InterRack),
        }
    }
}

impl Machine {
    /// Looks a name up: the founding racks by their whole name, then catalog racks, then accelerators, then the other
    /// founding names.
    pub(crate) fn find(
        name: &str,
        inputs: &Inputs,
        presets: &Presets,
        place: &str,
    ) -> Result<Self, QuestionError> {
        if let Some(preset) = presets.racks().find(|preset| preset.record.name.eq_ignore_ascii_case(name)) {
            return Ok(Self::of_preset(preset.record, presets));
        }
        let catalog = &inputs.catalog;
        match catalog.get::<Rack>(name).or_else(|error| rack_with(name, catalog).ok_or(error)) {
            Ok(rack) => Self::of_rack(rack, catalog).map_err(|error| catalog_error(place, error)),
            Err(error) => match presets.rack(name).or_else(|_| presets.rack_of_gpu(name)) {
                Ok(preset) => Ok(Self::of_preset(preset.record, presets)),
                Err(_) => Err(catalog_error(place, error)),
            },
        }
    }

    pub(crate) fn of_preset(rack: &founding::Rack, presets: &Presets) -> Self {
        let gpu = presets.gpu(&rack.gpu).expect("a test holds every preset's GPU to exist").record.clone();
        Self::Founding(Box::new(FoundingMachine { rack: rack.clone(), gpu }))
    }

    pub(crate) fn of_rack(rack: Entry<Rack>, catalog: &Catalog) -> Result<Self, CatalogError> {
        let gpu = catalog.get::<Gpu>(&rack.record.gpu)?;
        Ok(Self::Real(Box::new(RealMachine { rack, gpu })))
    }

    /// Marks the entries that an answer rests on.
    pub(crate) fn note_use(&self, notes: &mut Notes) {
        if let Machine::Real(real) = self {
            notes.use_entry(Kind::Racks, &real.rack.id, &real.rack.overlays);
            notes.use_entry(Kind::Gpus, &real.gpu.id, &real.gpu.overlays);
        }
    }

    /// Catalog id, or the founding preset's name.
    pub(crate) fn id(&self) -> &str {
        match self {
            Machine::Founding(machine) => &machine.rack.name,
            Machine::Real(machine) => &machine.rack.id,
        }
    }

    /// Its accelerator, where it is a real one.
    pub(crate) fn real_gpu(&self) -> Option<&Entry<Gpu>> {
        match self {
            Machine::Founding(_) => None,
            Machine::Real(machine) => Some(&machine.gpu),
        }
    }

    /// The oversubscription of a level, as the catalog knows it.
    pub(crate) fn ratio(&self, level: Level) -> f64 {
        match self {
            Machine::Founding(_) => 1.0,
            Machine::Real(machine) => machine.rack.record.link(level).oversubscription.unwrap_or(1.0),
        }
    }

    /// For the answer.
    pub(crate) fn hardware(&self) -> Hardware {
        let (name, gpu, gpus_per_server, servers_per_rack) = match self {
            Machine::Founding(m) => {
                (&m.rack.name, &m.gpu.name, m.rack.gpus_per_server, m.rack.servers_per_rack)
            }
            Machine::Real(m) => {
                let rack = &m.rack.record;
                (&rack.name, &m.gpu.record.name, rack.layout.gpus_per_server, rack.layout.servers_per_rack)
            }
        };
        Hardware {
            id: self.id().to_owned(),
            name: name.clone(),
            preset: matches!(self, Machine::Founding(_)),
            gpu: gpu.clone(),
            gpus_per_server: gpus_per_server.into(),
            servers_per_rack: servers_per_rack.into(),
        }
    }
}

/// The preset that stands for the same rack in the founding documents, if there is one.
pub(crate) fn founding_rack_of(catalog_id: &str, presets: &Presets) -> Option<Machine> {
    let twin = presets.racks().find(|preset| preset.record.stands_for.as_deref() == Some(catalog_id))?;
    Some(Machine::of_preset(twin.record, presets))
}

/// The first rack, by id, that holds the accelerator of this name.
fn rack_with(name: &str, catalog: &Catalog) -> Option<Entry<Rack>> {
    let gpu = catalog.resolve(Kind::Gpus, name).ok()?;
    let racks = catalog.ids(Kind::Racks).into_iter().filter_map(|id| catalog.get::<Rack>(&id).ok());
    racks.into_iter().find(|rack| rack.record.gpu == gpu)
}

impl RealMachine {
    /// The rates that an accelerator sustains with weights of a format.
    ///
    /// FLOP/s: what large matrix multiplications of the kernel sustain; HBM: the measured rate of streaming weights. What
    /// nobody measured on this accelerator takes the median share of the peak over those that were measured.
    pub(crate) fn gpu(&self, format: WeightFormat, inputs: &Inputs, notes: &mut Notes) -> method::Gpu {
        let gpu = &self.gpu.record;
        method::Gpu {
            flops_sustained: self.flops(format, inputs, notes),
            hbm_bandwidth: gpu.memory.bandwidth * memory_share(&self.gpu, inputs, notes),
            hbm_capacity: gpu.memory.capacity,
        }
    }

    fn flops(&self, format: WeightFormat, inputs: &Inputs, notes: &mut Notes) -> FlopsPerSecond {
        let gpu = &self.gpu.record;
        let (kind, unpacked) = format.kernel(gpu);
        if unpacked {
            let text =
                format!("{} has no {} arithmetic; weights are unpacked to bf16", self.gpu.id, format.name());
            notes.warn(text);
        }
        let peak = gpu
            .peak(kind.format())
            .or_else(|| gpu.compute.dense.values().next().copied())
            .unwrap_or_default();
        if let Some(share) = gpu.gemm_sustained_share(kind) {
            return peak * share;
        }
        let others = |kind| typical(inputs, |gpu| gpu.gemm_sustained_share(kind));
        let share = others(kind).or_else(|| others(GemmKind::Bf16)).unwrap_or(1.0);
        let why = format!(
            "no {} multiplication was measured on {}; median of the others",
            format.name(),
            self.gpu.id
        );
        notes.assume("gemm_share", hundredths(share), &why);
        peak * share
    }

    /// The rack with its links at the rates that were measured on them.
    pub(crate) fn rack(&self, catalog: &Catalog, notes: &mut Notes) -> method::Rack {
        let rack = &self.rack.record;
        let in_domain = rack.is_one_scale_up_domain();
        let scale_up = fabric_share(&self.gpu.record);
        let link = |link: &RackLink, fabric: bool| {
            let share = if fabric { scale_up } else { line_share(link, catalog) };
            method::Link { bandwidth: link.bandwidth_one_way * share, latency: link.latency }
        };
        if rack.host.as_ref().is_none_or(|host| host.storage_servers_per_rack.is_none()) {
            notes.assume("storage_servers", 0, "the catalog knows of none in this rack");
        }
        method::Rack {
            gpus_per_server: rack.layout.gpus_per_server,
            servers_per_rack: rack.layout.servers_per_rack,
            intra_server: link(&rack.links.intra_server, true),
            inter_server: link(&rack.links.inter_server, in_domain),
            inter_rack: link(&rack.links.inter_rack, false),
            storage_servers: rack.host.as_ref().and_then(|host| host.storage_servers_per_rack).unwrap_or(0),
            storage_server_capacity: Bytes::default(),
        }
    }

    /// Host memory as a KV system: each accelerator's share, over its host link.
    pub(crate) fn host_memory(&self) -> Option<method::KvSystem> {
        let dram = self.rack.record.host.as_ref()?.memory_per_gpu?;
        let link = self.gpu.record.host_bandwidth_one_way()?;
        Some(method::KvSystem {
            dram,
            gpu_link: link,
            cpu_link: link,
            dram_link: link,
            fabric: link,
            dma: link,
        })
    }
}

/// Share of the fabric's line rate that the widest measured all-reduce reaches; the line rate where nobody measured.
fn fabric_share(gpu: &Gpu) -> f64 {
    let measured = || {
        let widest = gpu.effective.as_ref()?.all_reduce.as_ref()?.widest()?;
        Some((widest.busbw / gpu.scale_up.as_ref()?.bandwidth_one_way).min(1.0))
    };
    measured().unwrap_or(1.0)
}

/// Share of a network link's line rate that transfers reach.
fn line_share(link: &RackLink, catalog: &Catalog) -> f64 {
    let known = link.link.as_deref().and_then(|id| catalog.get::<LinkType>(id).ok());
    known.and_then(|entry| Some(entry.record.reached?.share)).unwrap_or(1.0)
}

fn memory_share(gpu: &Entry<Gpu>, inputs: &Inputs, notes: &mut Notes) -> f64 {
    if let Some(share) = gpu.record.memory_share() {
        return share;
    }
    let share = typical(inputs, Gpu::memory_share).unwrap_or(1.0);
    notes.assume(
        "memory_share",
        hundredths(share),
        &format!("no streaming was measured on {}; median of the others", gpu.id),
    );
    share
}

/// A share as people read it.
fn hundredths(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

/// Median of a measured share over the accelerators that have it.
fn typical(inputs: &Inputs, share: impl Fn(&Gpu) -> Option<f64>) -> Option<f64> {
    let mut shares: Vec<f64> = inputs.every_gpu().iter().filter_map(share).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied()
}

/// A named link in place of a rack's.
pub(crate) fn link_of(entry: &LinkType) -> method::Link {
    method::Link { bandwidth: entry.bandwidth_reached(), latency: entry.line.latency }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Result<Machine, QuestionError> {
        let inputs = Inputs::default();
        let presets = Presets::read(&inputs.catalog).expect("a test holds the presets to be readable");
        Machine::find(name, &inputs, &presets, "--hardware")
    }

    fn real(name: &str) -> RealMachine {
        match find(name) {
            Ok(Machine::Real(machine)) => *machine,
            other => panic!("{name} is no rack of the catalog: {other:?}"),
        }
    }

    #[test]
    fn hand_names_find_presets_racks_and_the_racks_of_an_accelerator() {
        let id = |name: &str| find(name).map(|machine| machine.id().to_owned());
        assert_eq!(id("NVIDIA GB200 NVL72"), Ok("NVIDIA GB200 NVL72".to_owned()));
        assert_eq!(id("gb200_nvl72"), Ok("gb200_nvl72".to_owned()));
        assert_eq!(id("h200_sxm"), Ok("h200_hgx".to_owned()));
        assert!(id("h300").is_err_and(|error| error.to_string().starts_with("--hardware: ")));
    }

    #[test]
    fn law_every_accelerator_and_rack_of_the_catalog_gives_usable_rates() {
        let inputs = Inputs::default();
        for id in inputs.catalog.ids(Kind::Racks) {
            let machine = real(&id);
            let gpu = &machine.gpu.record;
            for format in WeightFormat::ALL {
                let mut notes = Notes::default();
                let used = machine.gpu(format, &inputs, &mut notes);
                let fastest = gpu.compute.dense.values().map(|peak| peak.get()).fold(0.0, f64::max);
                let flops = used.flops_sustained.get();
                assert!(flops > 0.0 && flops <= fastest, "{id} {}: {flops}", format.name());
                let (held, line) = (used.hbm_bandwidth.get(), gpu.memory.bandwidth.get());
                assert!(held > 0.0 && held <= line, "{id}: {held} of {line} B/s");
            }
            let rack = machine.rack(&inputs.catalog, &mut Notes::default());
            for link in [rack.intra_server, rack.inter_server, rack.inter_rack] {
                assert!(link.bandwidth.get() > 0.0 && link.latency.get() >= 0.0, "{id}: {link:?}");
            }
            assert!(machine.host_memory().is_none_or(|host| host.dram.get() > 0.0), "{id}");
        }
    }

    #[test]
    fn hand_what_nobody_measured_is_said() {
        let inputs = Inputs::default();
        let keys = |name: &str| {
            let mut notes = Notes::default();
            real(name).gpu(WeightFormat::Bf16, &inputs, &mut notes);
            notes.assumptions.into_iter().map(|assumed| assumed.key).collect::<Vec<_>>()
        };
        assert_eq!(keys("gb200_nvl72"), Vec::<String>::new());
        assert_eq!(keys("tpu_v6e_pod"), ["gemm_share", "memory_share"]);
    }

    #[test]
    fn hand_founding_racks_stand_for_racks_of_the_catalog() {
        let catalog = Catalog::builtin();
        let presets = Presets::read(&catalog).expect("a test holds the presets to be readable");
        let twin = |id: &str| founding_rack_of(id, &presets).map(|machine| machine.id().to_owned());
        assert_eq!(twin("gb200_nvl72").as_deref(), Some("NVIDIA GB200 NVL72"));
        assert_eq!(twin("h200_hgx"), None);
        for preset in presets.racks() {
            let named = preset.record.stands_for.as_deref();
            assert!(
                named.is_none_or(|id| catalog.get::<Rack>(id).is_ok_and(|rack| rack.id == id)),
                "{named:?}"
            );
        }
    }
}
