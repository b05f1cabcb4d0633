//! A question made ready to be planned: names looked up, values in range, gaps filled and noted.

use super::demand::check_range;
use super::format::{KvFormat, Quant, WeightFormat, kv_format};
use super::model::catalog_error;
use super::reader::{Reader, read_oversubscription};
use super::{Inputs, Machine, Notes, Subject};
use crate::QuestionError;
use crate::layers::Layers;
use crate::question::{Mode, Question};
use crate::value::{Count, List};
use rackplan_catalog::Level;
use rackplan_catalog::first_order::Presets;
use rackplan_first_order as method;
use rackplan_first_order::Grid;

/// Batch sizes of the founding documents.
const FOUNDING_BATCHES: [u32; 7] = [1, 2, 4, 8, 10, 12, 16];
/// Batch sizes tried on real hardware, where engines batch further.
const BATCHES: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// KV tokens kept per user of a real model, where nobody says.
const CONTEXT: u64 = 8192;
/// Largest batch, parallel size and context that make sense; far above any machine.
const LARGEST_BATCH: u64 = 1_000_000;
const LARGEST_PARALLEL: u64 = 65_536;
/// Most layouts times batches that are tried on a machine: a second's work.
const MOST_PLANS: usize = 1_000_000;
pub(crate) const LONGEST_CONTEXT: u64 = 1_000_000_000;

/// What a verb takes for granted where nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// Number format of a founding model.
    pub(crate) bits: u32,
    /// Every founding rack and number format, not only the first.
    pub(crate) all: bool,
}

/// The founding documents' defaults of each verb.
impl Defaults {
    pub(crate) const SIZE: Defaults = Defaults { bits: 8, all: false };
    pub(crate) const SWEEP: Defaults = Defaults { bits: 8, all: true };
    pub(crate) const OFFLOAD: Defaults = Defaults { bits: 16, all: false };
}

/// Everything a plan needs but the hardware and the number format.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) layers: &'a Layers,
    pub(crate) question: Question,
    pub(crate) presets: Presets,
    pub(crate) subject: Subject,
    pub(crate) machines: Vec<Machine>,
    pub(crate) quants: Vec<Quant>,
    pub(crate) context: u64,
    pub(crate) batches: Vec<u32>,
    pub(crate) grid: Grid,
    pub(crate) seed: u64,
    pub(crate) control_servers: u64,
    pub(crate) notes: Notes,
    pub(crate) kv_bytes: Option<f64>,
    /// Formats of the KV cache that are asked for; none for what the quantisation implies.
    pub(crate) kv_formats: Vec<KvFormat>,
    pub(crate) links: Vec<LinkChange>,
    pub(crate) oversubscription: Vec<Oversubscribed>,
}

/// A link in place of a rack's.
#[derive(Clone, Debug)]
pub(crate) struct LinkChange {
    pub(crate) level: String,
    /// Id of the link type.
    pub(crate) id: String,
    pub(crate) link: method::Link,
}

/// The oversubscription of a level as the question has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Oversubscribed {
    pub(crate) level: String,
    /// 3 for 3:1.
    pub(crate) ratio: f64,
}

/// A request on one machine in one number format, as the method takes it.
#[derive(Clone, Debug)]
pub(crate) struct Combination {
    pub(crate) machine: Machine,
    pub(crate) quant: Quant,
    pub(crate) quant_name: String,
    pub(crate) setting: method::Setting,
    /// What the levels are oversubscribed by, the nearest first; the setting's links have it in them.
    pub(crate) ratios: [f64; 3],
    pub(crate) kv_system: Option<(String, method::KvSystem)>,
}

impl<'a> Request<'a> {
    /// Reads and checks everything.
    pub(crate) fn new(
        inputs: &'a Inputs,
        layers: &'a Layers,
        defaults: Defaults,
    ) -> Result<Self, QuestionError> {
        let question: Question = layers.read()?;
        let presets = Presets::read(&inputs.catalog).map_err(|error| catalog_error("catalog", error))?;
        let mut notes = Notes::default();
        let name = question.model.as_ref().map_or("1", |text| text.0.as_str());
        if question.model.is_none() {
            notes.assume("model", "1", "the founding documents' default, their Qwen3-235B-A22B");
        }
        let subject = Subject::find(name, inputs, &presets, layers, &mut notes)?;
        let reader =
            Reader { question: &question, layers, inputs, presets: &presets, subject: &subject, defaults };
        let machines = reader.machines(&mut notes)?;
        let quants = reader.quants(&machines, &mut notes)?;
        let links = reader.links()?;
        let oversubscription = read_oversubscription(&question, layers)?;
        let control_servers = reader.control_servers()?;
        let kv_formats = kv_formats(&question, layers)?;
        let mut request = Self {
            inputs,
            layers,
            presets,
            subject,
            machines,
            quants,
            context: 0,
            batches: Vec::new(),
            grid: Grid::default(),
            seed: question.seed.unwrap_or_default().0,
            control_servers,
            notes,
            kv_bytes: kv_formats.first().map(|format| format.bytes),
            kv_formats,
            links,
            oversubscription,
            question,
        };
        request.context = request.read_context()?;
        request.batches = request.read_batches()?;
        request.grid = request.read_grid()?;
        request.check_effort()?;
        Ok(request)
    }

    /// Whether both sides are founding presets, so that the founding documents' numbers come out.
    pub(crate) fn is_founding(&self) -> bool {
        let machines = self.machines.iter().all(|machine| matches!(machine, Machine::Founding(_)));
        machines && matches!(self.subject, Subject::Founding { .. })
    }

    /// The founding preset among model and hardware that stands for nothing real, if there is one.
    pub(crate) fn only_founding(&self) -> Option<&str> {
        let model = match &self.subject {
            Subject::Founding { preset } if preset.stands_for.is_none() => Some(preset.name.as_str()),
            _ => None,
        };
        let mut racks = self.machines.iter().filter(|machine| match machine {
            Machine::Founding(founding) => founding.rack.stands_for.is_none(),
            Machine::Real(_) => false,
        });
        model.or_else(|| racks.next().map(Machine::id))
    }

    /// The method's inputs on a machine in a number format.
    pub(crate) fn combine(
        &self,
        machine: &Machine,
        quant: Quant,
        mode: Mode,
        notes: &mut Notes,
    ) -> Result<Combination, QuestionError> {
        let catalog = &self.inputs.catalog;
        let bad = |error| catalog_error(&self.layers.place("quant"), error);
        let real_gpu = machine.real_gpu().map(|entry| &entry.record);
        let format = quant.format(real_gpu);
        let (weight_bytes, kv) = self.subject.bytes(quant, &self.presets, real_gpu).map_err(bad)?;
        let (gpu, mut rack, compute_scale) = match machine {
            Machine::Founding(m) => {
                let scale = self.presets.quantisation(quant.bits()).map_err(bad)?.record.compute_scale;
                (method::Gpu::from(&m.gpu), method::Rack::from(&m.rack), scale)
            }
            Machine::Real(m) => (m.gpu(format, self.inputs, notes), m.rack(catalog, notes), 1.0),
        };
        self.replace_links(&mut rack);
        let ratios = Level::ALL.map(|level| self.ratio(machine, level));
        for (link, ratio) in [&mut rack.inter_server, &mut rack.inter_rack].into_iter().zip(&ratios[1..]) {
            link.bandwidth = link.bandwidth * (1.0 / ratio);
        }
        let kv_bytes_per_element = self.kv_bytes.unwrap_or(kv);
        let quantisation = method::Quantisation { weight_bytes, compute_scale, kv_bytes_per_element };
        let model = self.subject.model(self.context, kv_bytes_per_element);
        let mode = match mode {
            Mode::Training => method::Mode::Training,
            _ => method::Mode::Inference,
        };
        Ok(Combination {
            machine: machine.clone(),
            quant,
            quant_name: self.quant_name(quant, format, machine),
            setting: method::Setting { model, quantisation, gpu, rack, mode },
            ratios,
            kv_system: self.kv_system(machine)?,
        })
    }

    /// `8-bit` among founding presets, the format's name on real hardware.
    fn quant_name(&self, quant: Quant, format: WeightFormat, machine: &Machine) -> String {
        match (quant, machine) {
            (Quant::Bits(bits), Machine::Founding(_)) => format!("{bits}-bit"),
            _ => format.name().to_owned(),
        }
    }

    fn replace_links(&self, rack: &mut method::Rack) {
        let levels = [
            ("intra_server", &mut rack.intra_server),
            ("inter_server", &mut rack.inter_server),
            ("inter_rack", &mut rack.inter_rack),
        ];
        for (level, held) in levels {
            if let Some(change) = self.link_change(level) {
                *held = change.link;
            }
        }
    }

    /// The oversubscription of a level: the question's, else the rack's, else none.
    pub(crate) fn ratio(&self, machine: &Machine, level: Level) -> f64 {
        let asked = self.oversubscription.iter().rfind(|change| change.level == level.name());
        asked.map_or_else(|| machine.ratio(level), |change| change.ratio)
    }

    /// The link that replaces the rack's at a level, if any; the last one said.
    pub(crate) fn link_change(&self, level: &str) -> Option<&LinkChange> {
        self.links.iter().rfind(|change| change.level == level || change.level == "all")
    }

    /// The KV system asked for, else the rack's own.
    fn kv_system(&self, machine: &Machine) -> Result<Option<(String, method::KvSystem)>, QuestionError> {
        let asked = self.question.kv_system.as_ref().and_then(|list| list.0.first().cloned());
        let preset = |name: &str| {
            let found = self
                .presets
                .kv_system(name)
                .map_err(|e| catalog_error(&self.layers.place("kv_system"), e))?;
            Ok(Some((found.record.name.clone(), method::KvSystem::from(found.record))))
        };
        match (asked.as_deref(), machine) {
            (Some("none"), _) => Ok(None),
            (Some(name), _) => preset(name),
            (None, Machine::Founding(m)) => m.rack.kv_system.as_deref().map_or(Ok(None), preset),
            (None, Machine::Real(m)) => Ok(m.host_memory().map(|system| ("host memory".to_owned(), system))),
        }
    }

    fn read_context(&mut self) -> Result<u64, QuestionError> {
        if let Some(tokens) = self.question.workload.context {
            check_range(self.layers, "workload.context", tokens.0, 0, LONGEST_CONTEXT)?;
            if tokens.0 > 0 || matches!(self.subject, Subject::Founding { .. }) {
                return Ok(tokens.0);
            }
        }
        match &self.subject {
            Subject::Founding { preset, .. } => {
                let tokens = preset.context + preset.generation;
                self.notes.assume("workload.context", tokens, "what the founding preset says");
                Ok(0)
            }
            Subject::Real(_) => {
                self.notes.assume("workload.context", CONTEXT, "a long chat");
                Ok(CONTEXT)
            }
        }
    }

    fn read_batches(&mut self) -> Result<Vec<u32>, QuestionError> {
        if let Some(list) = &self.question.search.batch_sizes {
            return sizes(self.layers, "search.batch_sizes", list, LARGEST_BATCH);
        }
        let (batches, why) = match self.is_founding() {
            true => (FOUNDING_BATCHES.as_slice(), "the founding documents' list"),
            false => (BATCHES.as_slice(), "doubling up to what engines batch by default"),
        };
        self.notes.assume("search.batch_sizes", batches, why);
        Ok(batches.to_vec())
    }

    /// Lists multiply: four of a thousand each would never end.
    fn check_effort(&self) -> Result<(), QuestionError> {
        let lists = [
            ("search.tp", self.grid.tp.len()),
            ("search.pp", self.grid.pp.len()),
            ("search.ep", self.grid.ep.len()),
            ("search.batch_sizes", self.batches.len()),
        ];
        let plans = lists.iter().fold(1, |plans: usize, (_, length)| plans.saturating_mul(*length));
        if plans <= MOST_PLANS {
            return Ok(());
        }
        let (longest, length) = lists.into_iter().max_by_key(|(_, length)| *length).unwrap_or_default();
        let problem = format!("its {length} values make {plans} plans with those of the other lists");
        Err(QuestionError::value(self.layers.place(longest), problem)
            .with_hint(format!("at most {MOST_PLANS} are tried; shorten --tp, --pp, --ep or --batch-sizes")))
    }

    fn read_grid(&self) -> Result<Grid, QuestionError> {
        let mut grid = Grid::default();
        let search = &self.question.search;
        let axes = [
            ("search.tp", &search.tp, &mut grid.tp),
            ("search.pp", &search.pp, &mut grid.pp),
            ("search.ep", &search.ep, &mut grid.ep),
        ];
        for (path, list, axis) in axes {
            if let Some(list) = list {
                *axis = sizes(self.layers, path, list, LARGEST_PARALLEL)?;
            }
        }
        Ok(grid)
    }
}

/// A list of sizes, none of them zero.
pub(crate) fn sizes(
    layers: &Layers,
    path: &str,
    list: &List<Count>,
    most: u64,
) -> Result<Vec<u32>, QuestionError> {
    if list.0.is_empty() {
        return Err(
            QuestionError::value(layers.place(path), "the list is empty").with_hint("expected e.g. `1,2,4`")
        );
    }
    for size in &list.0 {
        check_range(layers, path, size.0, 1, most)?;
    }
    Ok(list.0.iter().map(|size| size.0 as u32).collect())
}

/// Formats of the KV cache to try, in the order in which they are named.
fn kv_formats(question: &Question, layers: &Layers) -> Result<Vec<KvFormat>, QuestionError> {
    let Some(text) = &question.kv_dtype else { return Ok(Vec::new()) };
    let place = layers.place("kv_dtype");
    text.split(',').map(|one| kv_format(one.trim(), &place)).collect()
}
