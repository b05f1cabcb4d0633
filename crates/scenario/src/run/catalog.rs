//! What the catalog knows, for the `catalog` verbs.

use crate::QuestionError;
use rackplan_catalog::first_order::Presets;
use rackplan_catalog::model::to_toml;
use rackplan_catalog::{
    Bands, Catalog, CatalogError, Engine, FigureSource, Framework, Gpu, HostPerSequence, Kind, LinkType,
    Loan, Model, Price, Rack, Steps, StorageTier, Workload, hf_config,
};
use schemars::{Schema, schema_for};

/// A line of `catalog list`.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The kind's folder.
    pub kind: &'static str,
    /// The id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its main figures.
    pub figures: String,
}

/// Entries of one kind, or of all.
pub fn list(catalog: &Catalog, kind: Option<Kind>) -> Vec<Listed> {
    let kinds = kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
    let of = |kind: Kind| catalog.ids(kind).into_iter().map(move |id| listed(catalog, kind, id));
    kinds.into_iter().flat_map(of).collect()
}

fn listed(catalog: &Catalog, kind: Kind, id: String) -> Listed {
    // An entry that cannot be read is still listed; `catalog check` says what is wrong with it.
    let (name, figures) =
        described(catalog, kind, &id).unwrap_or_else(|_| (String::new(), "see `catalog check`".to_owned()));
    Listed { kind: kind.folder(), id, name, figures }
}

fn described(catalog: &Catalog, kind: Kind, id: &str) -> Result<(String, String), CatalogError> {
    Ok(match kind {
        Kind::Gpus => of_gpu(&catalog.get::<Gpu>(id)?.record),
        Kind::Racks => of_rack(&catalog.get::<Rack>(id)?.record),
        Kind::Links => of_link(&catalog.get::<LinkType>(id)?.record),
        Kind::Models => of_model(&catalog.get::<Model>(id)?.record),
        Kind::Storage => {
            let tier = catalog.get::<StorageTier>(id)?.record;
            let kinds: Vec<&str> = tier.bandwidth.keys().map(|scope| scope.key()).collect();
            (tier.name, format!("{:?}, figures {}", tier.tier, kinds.join(", ")).to_lowercase())
        }
        Kind::Prices => of_price(&catalog.get::<Price>(id)?.record),
        Kind::Engines => of_engine(&catalog.get::<Engine>(id)?.record),
        Kind::Frameworks => of_framework(&catalog.get::<Framework>(id)?.record),
        Kind::Workloads => of_workload(&catalog.get::<Workload>(id)?.record),
        Kind::Bands => of_bands(&catalog.get::<Bands>(id)?.record),
        Kind::Loans => of_loan(&catalog.get::<Loan>(id)?.record),
        Kind::Steps => of_steps(&catalog.get::<Steps>(id)?.record),
        Kind::FirstOrder => (format!("founding presets: {id}"), of_presets(catalog, id)?),
    })
}

fn of_gpu(gpu: &Gpu) -> (String, String) {
    let peaks = gpu
        .compute
        .dense
        .iter()
        .map(|(format, peak)| format!("{format:?} {peak}").to_lowercase().replace("flop", "FLOP"));
    let peaks: Vec<String> =
        peaks.map(|text| text.replace("tFLOP", "TFLOP").replace("pFLOP", "PFLOP")).collect();
    let memory = format!("{}, {}", gpu.memory.capacity, gpu.memory.bandwidth);
    (gpu.name.clone(), format!("{memory}; dense {}", peaks.join(", ")))
}

fn of_rack(rack: &Rack) -> (String, String) {
    let layout = &rack.layout;
    let domain = format!("domain {}", layout.scale_up_domain_gpus);
    (
        rack.name.clone(),
        format!("{} x {} {}, {domain}", layout.servers_per_rack, layout.gpus_per_server, rack.gpu),
    )
}

fn of_link(link: &LinkType) -> (String, String) {
    let reached = link
        .reached
        .as_ref()
        .map_or(String::new(), |reached| format!(", {:.0} % reached", reached.share * 100.0));
    (link.name.clone(), format!("{} one way, {}{reached}", link.line.bandwidth_one_way, link.line.latency))
}

fn of_model(model: &Model) -> (String, String) {
    let billions = |parameters: u64| format!("{:.4}B", parameters as f64 / 1e9);
    let kv = model.kv_bytes_per_token(2.0);
    let sizes =
        format!("{} ({} active)", billions(model.parameters_total()), billions(model.parameters_active()));
    (model.name.clone(), format!("{sizes}, KV {kv}/token in bf16"))
}

fn of_price(price: &Price) -> (String, String) {
    let owned = price.owned.as_ref().and_then(|owned| owned.hyperscaler).map(|cost| format!("owned {cost}"));
    let rent = price.rental.as_ref().and_then(|rental| rental.three_years).map(|cost| format!("rent {cost}"));
    let power = price.all_in_power.as_ref().map(|power| format!("all-in {}", power.per_gpu));
    let site = price.electricity.as_ref().map(|electricity| format!("electricity {}", electricity.price));
    let figures: Vec<String> = [owned, rent, power, site].into_iter().flatten().collect();
    (price.name.clone(), figures.join(", "))
}

fn of_engine(engine: &Engine) -> (String, String) {
    let operators: Vec<&str> = engine.operators.keys().map(String::as_str).collect();
    (engine.name.clone(), operators.join(", "))
}

fn of_framework(framework: &Framework) -> (String, String) {
    let scheduler = &framework.scheduler;
    let figures = format!("{} tokens a step, {} sequences", scheduler.token_budget, scheduler.max_sequences);
    (framework.name.clone(), figures)
}

fn of_bands(bands: &Bands) -> (String, String) {
    let figures: Vec<&str> = bands.bands.keys().map(String::as_str).collect();
    (bands.name.clone(), format!("bands of {}", figures.join(", ")))
}

fn of_steps(steps: &Steps) -> (String, String) {
    let constants = steps.constants;
    let (drift, accepted, skew) = (constants.drift_us, constants.accepted_on_random, constants.skew);
    let HostPerSequence { sglang, trtllm, vllm } = constants.host_us;
    (
        steps.name.clone(),
        format!(
            "ranks drift by {drift} us, {accepted} of drafts accepted on random text, experts met with skew {skew}, hosts \
             take {sglang} us a sequence (SGLang), {trtllm} (TensorRT-LLM), {vllm} (vLLM)"
        ),
    )
}

fn of_loan(loan: &Loan) -> (String, String) {
    let factors = loan.factors;
    let [compute, memory, launch] = [factors.compute, factors.memory, factors.launch];
    (loan.name.clone(), format!("arithmetic x{compute}, memory x{memory}, launches x{launch}"))
}

fn of_workload(workload: &Workload) -> (String, String) {
    let lengths = &workload.lengths;
    let tokens = format!("{:.0} tokens in, {:.0} out", lengths.input.mean(), lengths.output.mean());
    let limits = workload.limits.iter().map(|(scenario, limits)| {
        format!(", {} {} and {}", format!("{scenario:?}").to_lowercase(), limits.ttft_p99, limits.tpot_p99)
    });
    (workload.name.clone(), tokens + &limits.collect::<String>())
}

fn of_presets(catalog: &Catalog, id: &str) -> Result<String, CatalogError> {
    let presets = Presets::read(catalog)?;
    let names: Vec<&str> = match id {
        "racks" => presets.racks().map(|preset| preset.record.name.as_str()).collect(),
        "models" => presets.models().map(|preset| preset.record.name.as_str()).collect(),
        _ => Vec::new(),
    };
    Ok(names.join(", "))
}

/// An entry as TOML, overlays applied; what touched it stands above as comments.
pub fn show(catalog: &Catalog, name: &str) -> Result<String, CatalogError> {
    let (kind, id) = find(catalog, name)?;
    let (table, overlays) = catalog.table(kind, &id)?;
    let mut out = format!("# {kind}/{id}\n");
    for used in overlays {
        out += &format!("# {} sets {}\n", used.file, used.fields.join(", "));
    }
    let text = toml::to_string(&table).expect("what was read as TOML can be written as TOML");
    Ok(out + &text)
}

/// Every figure of an entry with its basis and source.
pub fn sources(catalog: &Catalog, name: &str) -> Result<Vec<FigureSource>, CatalogError> {
    let (kind, id) = find(catalog, name)?;
    catalog.sources(kind, &id)
}

/// The entry of a name among all kinds, or `kind/name`: the first kind that knows it.
fn find(catalog: &Catalog, name: &str) -> Result<(Kind, String), CatalogError> {
    let named = name.split_once('/').and_then(|(folder, rest)| Some((Kind::from_folder(folder)?, rest)));
    if let Some((kind, rest)) = named {
        return catalog.resolve(kind, rest).map(|id| (kind, id));
    }
    // An id of one kind may be an alias in another: `gb200_nvl72` is a rack, and its GPU answers to it too.
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| catalog.ids(*kind).iter().any(|id| id == name)) {
        return Ok((kind, name.to_owned()));
    }
    let mut errors = Vec::new();
    for kind in Kind::ALL {
        match catalog.resolve(kind, name) {
            Ok(id) => return Ok((kind, id)),
            Err(error) => errors.push(error),
        }
    }
    // The kind whose names look most like it has the best advice.
    let rank = |error: &CatalogError| match error {
        CatalogError::AmbiguousName { .. } => 0,
        CatalogError::UnknownName { nearest, .. } if !nearest.is_empty() => 1,
        _ => 2,
    };
    Err(errors.into_iter().min_by_key(rank).expect("there are kinds"))
}

/// The JSON Schema of a kind's entries.
pub fn schema(kind: Kind) -> Schema {
    match kind {
        Kind::Gpus => schema_for!(Gpu),
        Kind::Racks => schema_for!(Rack),
        Kind::Links => schema_for!(LinkType),
        Kind::Models => schema_for!(Model),
        Kind::Storage => schema_for!(StorageTier),
        Kind::Prices => schema_for!(Price),
        Kind::Engines => schema_for!(Engine),
        Kind::Frameworks => schema_for!(Framework),
        Kind::Workloads => schema_for!(Workload),
        Kind::Bands => schema_for!(Bands),
        Kind::Loans => schema_for!(Loan),
        Kind::Steps => schema_for!(Steps),
        Kind::FirstOrder => {
            schema_for!(std::collections::BTreeMap<String, rackplan_catalog::first_order::Model>)
        }
    }
}

/// A `config.json` as a catalog entry; what was guessed stands above as comments.
pub fn import(place: &str, text: &str, id: Option<&str>) -> Result<String, QuestionError> {
    let found = hf_config::import(text, id).map_err(|error| {
        let hint = error.hint();
        let error = QuestionError::value(place, error.to_string());
        hint.into_iter().fold(error, |error, hint| error.with_hint(hint))
    })?;
    let warnings: String = found.warnings.iter().map(|warning| format!("# {warning}\n")).collect();
    Ok(warnings + &to_toml(&found.model))
}
