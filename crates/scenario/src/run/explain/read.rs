//! From flags to one deployment and the step that it runs: names looked up, sizes checked, gaps filled and noted.

use super::plan;
use crate::QuestionError;
use crate::inputs::{
    Inputs, Machine, Notes, Quant, RealMachine, Subject, catalog_error, check_range, kv_bytes,
    read_oversubscription,
};
use crate::layers::Layers;
use crate::question::{Phase, Question, no_classes};
use crate::serving::{Formats, Speculative, Words, formats_of};
use rackplan_catalog::first_order::Presets;
use rackplan_catalog::{Backend, Entry, Framework, Gpu, Kind, Model, Rack};
use rackplan_perf::{Batch, Deployment, Device, Oversubscription, ParallelPlan};

/// What is taken where nobody says: the accelerator, prompt and answer, sequences of a decode step.
const GPU: &str = "h200_sxm";
const ISL: u64 = 1024;
const OSL: u64 = 1024;
const BATCH: u32 = 64;
/// Longest prompt or answer, and most sequences.
const LONGEST: u64 = 100_000_000;
const MOST_SEQUENCES: u64 = 1_000_000;

/// One deployment and its step.
#[derive(Clone, Debug)]
pub(in crate::run) struct Target {
    pub(in crate::run) question: Question,
    pub(in crate::run) notes: Notes,
    pub(in crate::run) model: Entry<Model>,
    pub(in crate::run) gpu: Entry<Gpu>,
    pub(in crate::run) device: Device,
    pub(in crate::run) backend: Backend,
    pub(in crate::run) framework: Framework,
    pub(in crate::run) formats: Formats,
    pub(in crate::run) plan: ParallelPlan,
    pub(in crate::run) speculative: Option<Speculative>,
    pub(in crate::run) isl: f64,
    pub(in crate::run) osl: f64,
    /// Sequences of the replica; of a prefill step prompts.
    pub(super) sequences: f64,
    pub(super) phase: Phase,
}

/// The step that is looked at: what it does, mean lengths of prompts and answers, sequences of the replica.
pub(in crate::run) struct StepAsked {
    pub(in crate::run) phase: Phase,
    pub(in crate::run) isl: f64,
    pub(in crate::run) osl: f64,
    pub(in crate::run) sequences: f64,
}

/// What is read from.
pub(in crate::run) struct Asked<'a> {
    pub(in crate::run) inputs: &'a Inputs,
    pub(in crate::run) layers: &'a Layers,
    pub(in crate::run) question: Question,
    pub(in crate::run) notes: Notes,
    verb: &'static str,
}

impl Target {
    /// Reads and checks everything.
    pub(super) fn read(inputs: &Inputs, layers: &Layers) -> Result<Self, QuestionError> {
        let mut asked = Asked::new(inputs, layers, "explain")?;
        no_classes(layers, &asked.question, "explain")?;
        let mut target = Self::lay_out(&mut asked, |asked, plan| {
            let phase = asked.phase();
            let (isl, osl) = asked.lengths()?;
            let sequences = f64::from(asked.sequences(phase, plan)?);
            Ok(StepAsked { phase, isl: isl as f64, osl: osl as f64, sequences })
        })?;
        let mut notes = asked.notes;
        target.question.note_copies(&target.deployment(target.plan), &mut notes);
        target.notes = notes;
        Ok(target)
    }

    /// Reads what runs, with the step that is looked at; notes stay with what is asked.
    pub(in crate::run) fn lay_out(
        asked: &mut Asked,
        step: impl FnOnce(&mut Asked, ParallelPlan) -> Result<StepAsked, QuestionError>,
    ) -> Result<Self, QuestionError> {
        let model = asked.model()?;
        let (gpu, device) = asked.gpu()?;
        let (backend, framework) = asked.backend()?;
        let words = asked.words(&gpu)?;
        let of = |plan| {
            formats_of(Words { weights: &words.0, kv: &words.1 }, &model, &gpu, &framework, plan)
                .map_err(|problem| QuestionError::value(asked.layers.place("quant"), problem))
        };
        let plan = plan::plan(asked, &model, &gpu, (of(ParallelPlan::SINGLE)?.0, &framework))?;
        let (formats, chosen) = of(plan)?;
        asked.note_formats(formats, chosen);
        let speculative = asked.speculative(&model.record)?;
        let StepAsked { phase, isl, osl, sequences } = step(asked, plan)?;
        Ok(Self {
            question: asked.question.clone(),
            notes: Notes::default(),
            model,
            gpu,
            device,
            backend,
            framework,
            formats,
            plan,
            speculative,
            isl,
            osl,
            sequences,
            phase,
        })
    }

    /// The deployment, laid out by a plan.
    pub(in crate::run) fn deployment(&self, plan: ParallelPlan) -> Deployment<'_> {
        Deployment {
            model: &self.model.record,
            gpu: &self.gpu.id,
            device: self.device,
            backend: self.backend,
            plan,
            precision: self.formats.precision(),
            routing: None,
            redundant_experts: self.question.redundant_experts(&self.framework),
            draft_tokens: self.speculative.map_or(0, |speculative| speculative.draft_tokens),
        }
    }

    /// Tokens that a step yields for each sequence.
    pub(in crate::run) fn tokens_per_step(&self) -> f64 {
        self.speculative.map_or(1.0, |speculative| speculative.accepted_per_step)
    }

    /// Most tokens of a step of an attention group, as the framework is launched by default.
    pub(super) fn token_budget(&self) -> f64 {
        f64::from(self.framework.default_launch(self.gpu.record.memory.capacity).token_budget.max(1))
    }

    /// Tokens of each sequence in the cache: half of the answer is written, or none of it where prompts are computed.
    pub(super) fn context(&self) -> f64 {
        if self.phase == Phase::Prefill { self.isl } else { self.isl + 0.5 * self.osl }
    }

    /// What one attention group carries in the step. Prompts longer than what the token budget leaves come as a chunk
    /// with as many tokens before it as it has on average.
    pub(super) fn batch(&mut self) -> Batch {
        let each = self.sequences / f64::from(self.plan.dp);
        let decode = Batch::decode(each, self.context());
        match self.phase {
            Phase::Decode => decode,
            Phase::Mixed => {
                let left = self.token_budget() - each / f64::from(self.plan.pp);
                let chunk = self.isl.min(left).max(1.0);
                Batch { prompts: 1.0, chunk, prefix: 0.5 * (self.isl - chunk), ..decode }
            }
            Phase::Prefill => {
                let chunk = self.isl.min(self.token_budget());
                let most = (self.token_budget() / chunk).floor().max(1.0);
                if each > most {
                    let (budget, name) = (self.token_budget(), &self.framework.name);
                    self.notes.warn(format!(
                        "a step of {name} holds {most} of the {each} prompts of an attention group: its token budget is {budget}"
                    ));
                }
                let prompts = each.min(most);
                Batch { prompts, chunk, prefix: 0.5 * (self.isl - chunk), ..Batch::default() }
            }
        }
    }
}

impl<'a> Asked<'a> {
    /// The question of a verb that looks at one deployment.
    pub(in crate::run) fn new(
        inputs: &'a Inputs,
        layers: &'a Layers,
        verb: &'static str,
    ) -> Result<Self, QuestionError> {
        Ok(Self { inputs, layers, question: layers.read()?, notes: Notes::default(), verb })
    }

    /// Reads something of another question; what is noted stays here.
    pub(in crate::run) fn of_another<R>(
        &mut self,
        layers: &Layers,
        question: &Question,
        read: impl FnOnce(&mut Asked<'_>) -> R,
    ) -> R {
        let notes = std::mem::take(&mut self.notes);
        let mut other =
            Asked { inputs: self.inputs, layers, question: question.clone(), notes, verb: self.verb };
        let read = read(&mut other);
        self.notes = other.notes;
        read
    }

    /// The model that is named.
    pub(in crate::run) fn model(&mut self) -> Result<Entry<Model>, QuestionError> {
        let Some(name) = self.question.model.clone() else {
            return Err(QuestionError::value("--model", "no model is named")
                .with_hint("e.g. `--model deepseek-r1`; `rackplan catalog list models` shows them"));
        };
        let place = self.layers.place("model");
        let presets = Presets::read(&self.inputs.catalog).map_err(|error| catalog_error(&place, error))?;
        match Subject::find(&name.0, self.inputs, &presets, self.layers, &mut self.notes)? {
            Subject::Real(entry) => Ok(*entry),
            Subject::Founding { preset } => {
                let problem = format!("`{}` is a founding preset, without layers to explain", preset.name);
                let real = preset.stands_for.map_or("a catalog model".to_owned(), |id| format!("`{id}`"));
                Err(QuestionError::value(place, problem).with_hint(format!("expected e.g. {real}")))
            }
        }
    }

    fn gpu(&mut self) -> Result<(Entry<Gpu>, Device), QuestionError> {
        let place = self.layers.place("hardware");
        let names = self.question.hardware.clone().map(|list| list.0);
        let name = match names.as_deref() {
            None => {
                self.notes.assume("hardware", GPU, "a common one");
                GPU
            }
            Some([name]) => name,
            Some(names) => return Err(self.one_only(&place, names.len())),
        };
        let catalog = &self.inputs.catalog;
        let of_rack = || catalog.get::<Gpu>(&catalog.get::<Rack>(name).ok()?.record.gpu).ok();
        let entry = catalog
            .get::<Gpu>(name)
            .or_else(|error| of_rack().ok_or(error))
            .map_err(|error| catalog_error(&place, error))?;
        self.notes.use_entry(Kind::Gpus, &entry.id, &entry.overlays);
        let mut device = Device::new(&entry.record).map_err(|missing| {
            QuestionError::value(&place, format!("`{}` has no `{}` in the catalog", entry.id, missing.group))
                .with_hint("add it in an overlay; `rackplan catalog show h200_sxm` has one")
        })?;
        device.oversubscription = self.oversubscription()?;
        Ok((entry, device))
    }

    /// What the network around the accelerator leaves of it.
    fn oversubscription(&self) -> Result<Oversubscription, QuestionError> {
        let asked = read_oversubscription(&self.question, self.layers)?;
        match self.machine()? {
            Some(machine) => Ok(machine.oversubscription(&asked)),
            None if asked.is_empty() => Ok(Oversubscription::NONE),
            None => {
                let problem =
                    "the catalog knows no rack of the accelerator, which would say what is in a server";
                Err(QuestionError::value(self.layers.place("oversubscription"), problem)
                    .with_hint("name a rack as --hardware, e.g. `h100_hgx`, or leave it out"))
            }
        }
    }

    /// The rack that the accelerator is in, where the catalog has one.
    pub(in crate::run) fn machine(&self) -> Result<Option<RealMachine>, QuestionError> {
        let place = self.layers.place("hardware");
        let presets = Presets::read(&self.inputs.catalog).map_err(|error| catalog_error(&place, error))?;
        let names = self.question.hardware.as_ref().map(|list| list.0.as_slice());
        let name = names.and_then(<[String]>::first).map_or(GPU, String::as_str);
        Ok(match Machine::find(name, self.inputs, &presets, &place) {
            Ok(Machine::Real(machine)) => Some(*machine),
            _ => None,
        })
    }

    fn backend(&mut self) -> Result<(Backend, Framework), QuestionError> {
        let place = self.layers.place("backend");
        let backend = match &self.question.backend {
            None => {
                self.notes.assume("backend", Backend::Vllm.name(), "a common one");
                Backend::Vllm
            }
            Some(name) => Backend::from_name(name).ok_or_else(|| {
                QuestionError::value(&place, format!("`{name}` is no framework that is known"))
                    .with_hint("expected vllm, sglang or trtllm")
            })?,
        };
        let found = self.inputs.catalog.get::<Framework>(backend.name());
        Ok((backend, found.map_err(|error| catalog_error(&place, error))?.record))
    }

    /// The words for weights and cache, as serving tables spell them; empty where nobody says.
    fn words(&self, gpu: &Entry<Gpu>) -> Result<(String, String), QuestionError> {
        let place = self.layers.place("quant");
        let weights = match self.question.quant.as_ref().map(|list| list.0.as_slice()) {
            None => String::new(),
            Some([name]) => Quant::parse(&name.0, &place)?.format(Some(&gpu.record)).name().to_owned(),
            Some(names) => return Err(self.one_only(&place, names.len())),
        };
        let kv = self.question.kv_dtype.clone().unwrap_or_default();
        if !kv.is_empty() {
            kv_bytes(&kv, &self.layers.place("kv_dtype"))?;
        }
        Ok((weights, kv))
    }

    /// Sentences about formats, `weight_dtype: as the weights are released`, as assumptions.
    fn note_formats(&mut self, formats: Formats, sentences: Vec<String>) {
        for sentence in sentences {
            let (column, why) = sentence.split_once(": ").unwrap_or(("", &sentence));
            let (key, format) = match column {
                "kv_dtype" => ("kv_dtype", formats.kv.name()),
                _ => ("quant", formats.weights.name()),
            };
            self.notes.assume(key, format, why.trim_start_matches(format).trim_start_matches(", "));
        }
    }

    fn phase(&mut self) -> Phase {
        self.question.search.phase.unwrap_or_else(|| {
            self.notes.assume("search.phase", Phase::Decode.name(), "most steps are");
            Phase::Decode
        })
    }

    fn lengths(&mut self) -> Result<(u64, u64), QuestionError> {
        let said = [
            ("workload.isl", self.question.workload.isl.map(|length| length.mean()), ISL),
            ("workload.osl", self.question.workload.osl.map(|length| length.mean()), OSL),
        ];
        let mut lengths = [ISL, OSL];
        for (length, (path, given, usual)) in lengths.iter_mut().zip(said) {
            match given {
                Some(tokens) => {
                    check_range(self.layers, path, tokens.0, 1, LONGEST)?;
                    *length = tokens.0;
                }
                None => self.notes.assume(path, usual, "a common benchmark's"),
            }
        }
        Ok((lengths[0], lengths[1]))
    }

    fn sequences(&mut self, phase: Phase, plan: ParallelPlan) -> Result<u32, QuestionError> {
        let given = self.question.search.batch_sizes.as_ref().map(|list| list.0.clone());
        if let Some(size) = self.one("search.batch_sizes", given, MOST_SEQUENCES)? {
            return Ok(size);
        }
        let (size, why) = match phase {
            Phase::Prefill => (plan.dp, "a prompt for each attention group"),
            Phase::Decode | Phase::Mixed => (BATCH, "a moderate load"),
        };
        self.notes.assume("search.batch_sizes", size, why);
        Ok(size)
    }

    /// The only value of a list, which is a size; none where nobody gave any.
    pub(super) fn one(
        &self,
        path: &str,
        given: Option<Vec<crate::value::Count>>,
        most: u64,
    ) -> Result<Option<u32>, QuestionError> {
        match given.as_deref() {
            None => Ok(None),
            Some([size]) => {
                check_range(self.layers, path, size.0, 1, most)?;
                Ok(u32::try_from(size.0).ok())
            }
            Some(sizes) => Err(self.one_only(&self.layers.place(path), sizes.len())),
        }
    }

    fn one_only(&self, place: &str, given: usize) -> QuestionError {
        QuestionError::value(place, format!("`{}` takes one, not {given}", self.verb))
            .with_hint("give one; `sweep` compares several")
    }
}
