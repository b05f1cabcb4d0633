//! The three-ceiling method asked one row at a time: plans, tables, KV offload.
//!
//! A row that cannot be read is an error with its place, value and way out; a plan that does not fit is `null`.

mod fields;
mod outputs;

pub use outputs::{
    Figure, LinkLimitsOut, LoadOut, LoadsOut, MemoryOut, OffloadOut, PlanOut, Prediction, StepsOut, TableOut,
};

use crate::QuestionError;
use fields::Fields;
use rackplan_catalog::first_order::Presets;
use rackplan_catalog::{Catalog, CatalogError};
use rackplan_first_order::{
    Grid, KvSystem, Layout, MAX_RACKS, Mode, OffloadPoint, Setting, evaluate, offload,
};
use serde_json::{Map, Value};

/// What a row asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// One plan: `rack, model, quant_bits, mode, tokens_cached, batch, tp, pp, ep, racks`.
    Plans,
    /// The best plan: `rack, model, mode, racks, quant_bits, batch`.
    Tables,
    /// KV offload on GB200: `model, quant_bits, kv_system, batch, tp, pp, ep, tokens`.
    Offload,
}

/// Most GPUs on one side of a layout, and most sequences of a batch.
const MOST_WAYS: u64 = 65_536;
/// Most tokens cached per sequence.
const MOST_TOKENS: u64 = 1_000_000_000_000;
/// The GPU on which offload is priced.
const OFFLOAD_GPU: &str = "GB200";

/// The method with its presets read once.
#[derive(Clone, Debug)]
pub struct FirstOrder {
    presets: Presets,
    grid: Grid,
}

impl FirstOrder {
    /// Reads the presets of a catalog.
    pub fn new(catalog: &Catalog) -> Result<Self, QuestionError> {
        let presets = Presets::read(catalog).map_err(|error| named("", error))?;
        Ok(Self { presets, grid: Grid::default() })
    }

    /// Answers a row: an object, or one that holds it under `in`; `id` and `out` are left aside.
    pub fn predict(&self, kind: RowKind, row: &Value) -> Result<Prediction, QuestionError> {
        let row = input_of(row)?;
        match kind {
            RowKind::Plans => self.plan(row),
            RowKind::Tables => self.table(row),
            RowKind::Offload => self.offload(row),
        }
    }

    fn plan(&self, row: &Map<String, Value>) -> Result<Prediction, QuestionError> {
        let known =
            ["rack", "model", "quant_bits", "mode", "tokens_cached", "batch", "tp", "pp", "ep", "racks"];
        let fields = Fields::new(row, &known)?;
        let mut setting = self.setting(&fields)?;
        let tokens = fields.optional_count("tokens_cached", 0..=MOST_TOKENS)?;
        setting.model = setting.model.with_tokens_cached(tokens.unwrap_or(0));
        let (batch, layout) = (batch(&fields)?, layout(&fields)?);
        let plan = evaluate(&setting, layout, batch, gpus(&fields, &setting)?).ok();
        Ok(Prediction::Plan(plan.map(|plan| Box::new(PlanOut::new(&setting, &plan, batch)))))
    }

    fn table(&self, row: &Map<String, Value>) -> Result<Prediction, QuestionError> {
        let fields = Fields::new(row, &["rack", "model", "mode", "racks", "quant_bits", "batch"])?;
        let setting = self.setting(&fields)?;
        let batch = batch(&fields)?;
        let plan = self.grid.best_plan(&setting, batch, gpus(&fields, &setting)?);
        Ok(Prediction::Table(plan.map(|plan| Box::new(TableOut::new(&setting, &plan, batch)))))
    }

    fn offload(&self, row: &Map<String, Value>) -> Result<Prediction, QuestionError> {
        let known = ["model", "quant_bits", "kv_system", "batch", "tp", "pp", "ep", "tokens"];
        let fields = Fields::new(row, &known)?;
        let rack = self.presets.rack_of_gpu(OFFLOAD_GPU).map_err(|error| named("", error))?;
        let setting = self.setting_on(&fields, rack.record, Mode::Inference)?;
        let system = fields.text("kv_system")?;
        let system = self.presets.kv_system(system).map_err(|error| named("kv_system: ", error))?;
        let context = fields.count("tokens", 0..=MOST_TOKENS)?;
        let point = OffloadPoint { layout: layout(&fields)?, batch: batch(&fields)?, context };
        let found = offload(&setting, &point);
        let out = OffloadOut::new(context, &setting, &found, &KvSystem::from(system.record));
        Ok(Prediction::Offload(Box::new(out)))
    }

    fn setting(&self, fields: &Fields) -> Result<Setting, QuestionError> {
        let rack = self.presets.rack(fields.text("rack")?).map_err(|error| named("rack: ", error))?;
        self.setting_on(fields, rack.record, mode(fields)?)
    }

    fn setting_on(
        &self,
        fields: &Fields,
        rack: &rackplan_catalog::first_order::Rack,
        mode: Mode,
    ) -> Result<Setting, QuestionError> {
        let presets = &self.presets;
        let model = presets.model(fields.text("model")?).map_err(|error| named("model: ", error))?;
        let bits = fields.count("quant_bits", 0..=u64::from(u32::MAX))? as u32;
        let quantisation = presets.quantisation(bits).map_err(|error| named("quant_bits: ", error))?;
        let gpu = presets.gpu(&rack.gpu).map_err(|error| named("rack: ", error))?;
        Ok(Setting {
            model: model.record.into(),
            quantisation: quantisation.record.into(),
            gpu: gpu.record.into(),
            rack: rack.into(),
            mode,
        })
    }
}

/// The part of a row that asks.
fn input_of(row: &Value) -> Result<&Map<String, Value>, QuestionError> {
    let row = match row {
        Value::Object(map) => map.get("in").unwrap_or(row),
        _ => row,
    };
    row.as_object().ok_or_else(|| {
        QuestionError::value("row", format!("`{row}` is no object"))
            .with_hint("expected `{\"rack\": ..., \"model\": ...}`, or that under `in`")
    })
}

fn mode(fields: &Fields) -> Result<Mode, QuestionError> {
    match fields.text("mode")? {
        "inference" => Ok(Mode::Inference),
        "training" => Ok(Mode::Training),
        other => Err(QuestionError::value("mode", format!("`{other}` is no mode"))
            .with_hint("expected `inference` or `training`")),
    }
}

fn batch(fields: &Fields) -> Result<u32, QuestionError> {
    Ok(fields.count("batch", 1..=MOST_WAYS)? as u32)
}

fn layout(fields: &Fields) -> Result<Layout, QuestionError> {
    let ways = |key| fields.count(key, 1..=MOST_WAYS).map(|ways| ways as u32);
    Ok(Layout { tp: ways("tp")?, pp: ways("pp")?, ep: ways("ep")? })
}

fn gpus(fields: &Fields, setting: &Setting) -> Result<u64, QuestionError> {
    Ok(fields.count("racks", 1..=MAX_RACKS)? * setting.rack.gpus())
}

/// An error of the catalog with its place, which ends in `: ` or is empty.
fn named(place: &str, error: CatalogError) -> QuestionError {
    QuestionError::Catalog { place: place.to_owned(), error }
}
