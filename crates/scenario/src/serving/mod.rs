//! Rows of serving configurations, CSV or JSON lines, as checked cases.
//!
//! Names are looked up, blanks are filled as an engine or a benchmark would fill them, and each such choice is listed in
//! [`ServingCase::assumed`]. Columns are those of published result tables; measured ones are left aside here.

mod case;
mod fields;
mod filter;
mod fit;
mod formats;
mod layout;
mod load;
mod single;
mod worker;

pub(crate) use case::situation;
pub use case::{Formats, Layout, Load, Pool, ServingCase, Speculative};
pub use filter::ServingFilter;
pub(crate) use formats::named as formats_named;
pub(crate) use formats::of_checkpoint;
pub(crate) use single::{Words, accepted_per_step, experts_of, formats_of, weights_fit};

use fields::{Fields, wrong};
use layout::{Placed, Subject};
use load::Workloads;
use rackplan_calibrate::Rows;
use rackplan_catalog::{
    Backend, Catalog, CatalogError, Entry, Framework, Gpu, Model, Record, Situation, Steps,
};
use rackplan_perf::ParallelPlan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose measured acceptance stands in for a model that nobody measured.
const MEASURED_MTP: &str = "deepseek-ai/DeepSeek-R1";

/// Catalog id of the constants of steps.
const STEPS: &str = "serving";

/// Tokens of a step: the verified one, and drafted ones up to the first that is refused, 1 + p + p^2 + ...
pub(crate) fn geometric(chance: f64, drafted: u32) -> f64 {
    (0..=drafted.min(64)).map(|place| chance.powi(place.cast_signed())).sum()
}

/// An entry, or why there is none; looked up once for each name.
type Cached<R> = BTreeMap<String, Result<Arc<Entry<R>>, String>>;

/// Reads rows one by one.
#[derive(Debug)]
pub struct ServingReader {
    catalog: Catalog,
    /// Headings of CSV; none for JSON lines.
    heading: Option<Rows>,
    models: Cached<Model>,
    gpus: Cached<Gpu>,
    frameworks: Cached<Framework>,
    workloads: Workloads,
    next: u64,
}

impl ServingReader {
    /// For a file with this first line: headings of CSV, or an object, which is then a row itself.
    pub fn new(first_line: &str, catalog: &Catalog) -> Self {
        let text = first_line.trim_start_matches('\u{feff}');
        Self {
            catalog: catalog.clone(),
            heading: (!text.trim_start().starts_with('{')).then(|| Rows::new(text)),
            models: Cached::new(),
            gpus: Cached::new(),
            frameworks: Cached::new(),
            workloads: Workloads::new(catalog),
            next: 0,
        }
    }

    /// Whether lines are objects, so that the first line is a row.
    pub fn is_jsonl(&self) -> bool {
        self.heading.is_none()
    }

    /// The case of a line; else the row's id, and what is wrong with which column, with a hint.
    pub fn case(&mut self, line: &str) -> Result<ServingCase, (String, String)> {
        let number = self.next.to_string();
        self.next += 1;
        // Out of the reader while it reads, so that cells can be borrowed from it.
        let heading = self.heading.take();
        let case = self.read_line(heading.as_ref(), line, number);
        self.heading = heading;
        case
    }

    fn read_line(
        &mut self,
        heading: Option<&Rows>,
        line: &str,
        number: String,
    ) -> Result<ServingCase, (String, String)> {
        let row = match heading {
            Some(rows) => Fields::Csv(rows.row(line)),
            None => Fields::json(line).map_err(|problem| (number.clone(), problem))?,
        };
        let id = Some(row.text("id")).filter(|id| !id.is_empty()).map_or(number, str::to_owned);
        self.read(&row, id.clone()).map_err(|problem| (id, problem))
    }

    /// A column of a line, for those who score.
    pub fn column(&self, line: &str, name: &str) -> String {
        match &self.heading {
            Some(rows) => rows.row(line).text(name).to_owned(),
            None => Fields::json(line).map_or(String::new(), |row| row.text(name).to_owned()),
        }
    }

    fn read(&mut self, row: &Fields, id: String) -> Result<ServingCase, String> {
        let mut assumed = Vec::new();
        let model = named(&mut self.models, &self.catalog, "model", row.text("model"))?;
        let gpu = named(&mut self.gpus, &self.catalog, "gpu", row.text("gpu"))?;
        let backend = backend(row, &mut assumed)?;
        let framework = named(&mut self.frameworks, &self.catalog, "framework", backend.name())?;
        let inferencex_client = row.text("client").eq_ignore_ascii_case("inferencex");
        let mut formats = formats::weights(row, &model.record, &gpu.record, &mut assumed)?;
        let subject = Subject { model: &model, gpu: &gpu, formats };
        let Placed { layout, gpus, replicas, others } = layout::layout(row, subject, &mut assumed)?;
        let (plan, ranks) = decoding(layout);
        let at = situation(&model, &gpu, formats, plan);
        formats.kv = formats::kv_cache(row, &framework.record, &at, &mut assumed)?;
        let workload = self.workloads.of(&model.id, load::has_rate(row));
        let lengths = load::lengths(row, workload, inferencex_client, &mut assumed)?;
        let load = load::load(row, workload, ranks.saturating_mul(replicas), &mut assumed)?;
        let speculative = self.speculative(row, &model.record, &framework.record, &at, &mut assumed)?;
        Ok(ServingCase {
            id,
            model,
            gpu,
            backend,
            formats,
            isl: lengths.isl,
            osl: lengths.osl,
            input: lengths.input,
            output: lengths.output,
            load,
            layout,
            gpus,
            replicas,
            others,
            speculative,
            inferencex_client,
            warm: row.truth("warm")?,
            assumed,
        })
    }

    /// `mtp`, `mtp3`, `mtp3-relaxed`, `eagle3`, `none`; blank is none.
    fn speculative(
        &mut self,
        row: &Fields,
        model: &Model,
        framework: &Framework,
        at: &Situation,
        assumed: &mut Vec<String>,
    ) -> Result<Option<Speculative>, String> {
        let written = row.text("spec_decode");
        let word = written.to_lowercase();
        if matches!(word.as_str(), "" | "none" | "off" | "0" | "false") {
            if word.is_empty() && model.mtp_layers > 0 {
                assumed.push("spec_decode: none, as nothing is said".to_owned());
            }
            return Ok(None);
        }
        let plain = word.trim_end_matches("-relaxed");
        let digits = match plain {
            "1" | "true" | "yes" | "on" => Some(""),
            // Drafts of EAGLE are layers of the model's width too.
            _ => ["mtp", "nextn", "eagle3", "eagle"].iter().find_map(|method| plain.strip_prefix(method)),
        };
        let digits = digits.map(|rest| rest.trim_start_matches([':', '=', '-', '_', ' ']));
        let draft_tokens = match digits {
            Some("") => {
                let drafted = framework.benchmark_launch(at).draft_tokens;
                assumed.push(format!(
                    "spec_decode: {drafted} drafted tokens, as {} is launched",
                    framework.name
                ));
                drafted
            }
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|drafted| (1..=64).contains(drafted))
                .ok_or_else(|| unknown_draft(written))?,
            None => return Err(unknown_draft(written)),
        };
        if word.ends_with("-relaxed") {
            assumed.push("spec_decode: accepted as without relaxation".to_owned());
        }
        // InferenceX's client sends random text, of which fewer drafts are accepted than of real text.
        let random = row.text("client").eq_ignore_ascii_case("inferencex");
        let accepted_per_step = if random {
            let chance = self.accepted_on_random()?;
            assumed.push(format!("spec_decode: {chance} of drafted tokens accepted, on random text"));
            geometric(chance, draft_tokens)
        } else {
            self.accepted(model, draft_tokens, assumed)?
        };
        Ok(Some(Speculative { draft_tokens, accepted_per_step, random }))
    }

    /// Chance that a drafted token is accepted on random text.
    fn accepted_on_random(&self) -> Result<f64, String> {
        let steps = self.catalog.get::<Steps>(STEPS).map_err(|error| said("spec_decode", &error))?;
        Ok(steps.record.constants.accepted_on_random)
    }

    fn accepted(&mut self, model: &Model, drafted: u32, assumed: &mut Vec<String>) -> Result<f64, String> {
        if let Some(accepted) = model.accepted_per_step(drafted) {
            return Ok(accepted);
        }
        let measured = named(&mut self.models, &self.catalog, "spec_decode", MEASURED_MTP)?;
        assumed.push(format!("spec_decode: drafted tokens are accepted as by {}", measured.record.name));
        Ok(measured.record.accepted_per_step(drafted).unwrap_or(1.0))
    }
}

fn unknown_draft(written: &str) -> String {
    wrong("spec_decode", written, "none, mtp, or mtp with the number of drafted tokens, e.g. `mtp2`")
}

/// The plan that decodes, and its attention ranks in one replica.
fn decoding(layout: Layout) -> (ParallelPlan, u32) {
    match layout {
        Layout::Aggregated(plan) => (plan, plan.dp),
        Layout::Disaggregated { decode, .. } => (decode.plan, decode.plan.dp.saturating_mul(decode.workers)),
    }
}

fn backend(row: &Fields, assumed: &mut Vec<String>) -> Result<Backend, String> {
    let column = if row.text("framework").is_empty() { "backend" } else { "framework" };
    let written = row.text(column);
    if written.is_empty() {
        assumed.push("framework: vllm".to_owned());
        return Ok(Backend::Vllm);
    }
    Backend::from_name(written)
        .ok_or_else(|| wrong(column, written, "vllm, sglang or TensorRT-LLM, e.g. `dynamo+sglang`"))
}

fn named<R: Record>(
    cache: &mut Cached<R>,
    catalog: &Catalog,
    column: &str,
    name: &str,
) -> Result<Arc<Entry<R>>, String> {
    if name.is_empty() {
        return Err(wrong(column, "", "a name; `rackplan catalog list` shows them"));
    }
    let look_up = || catalog.get::<R>(name).map(Arc::new).map_err(|error| said(column, &error));
    cache.entry(name.to_owned()).or_insert_with(look_up).clone()
}

fn said(column: &str, error: &CatalogError) -> String {
    let hint = error.hint().map_or(String::new(), |hint| format!("; hint: {hint}"));
    format!("`{column}`: {error}{hint}")
}
