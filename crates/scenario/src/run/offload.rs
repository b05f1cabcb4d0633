//! `offload`: what KV beyond HBM costs, over context lengths and KV systems side by side.

use super::envelope::envelope;
use crate::QuestionError;
use crate::answer::{Answer, Delay, KvSystemColumn, OffloadAnswer, OffloadRow, Plan, SwapAnswer, SwapPath};
use crate::inputs::{
    Combination, Defaults, Inputs, LONGEST_CONTEXT, Notes, Request, Subject, catalog_error, check_range,
};
use crate::layers::Layers;
use crate::question::{Mode, no_classes};
use rackplan_first_order as method;
use rackplan_first_order::{KvPath, KvSystem, Layout, OffloadPoint};
use rackplan_units::Seconds;

/// Contexts, batch, KV system and swaps, where nobody says. Source: the founding documents' defaults of `offload`.
const CONTEXTS: [u64; 9] = [8_000, 16_000, 24_000, 32_000, 48_000, 52_000, 64_000, 96_000, 128_000];
const BATCH: u32 = 8;
const KV_SYSTEM: &str = "gb200_host";
const SWAPS: u64 = 2_000;
/// Context of a swapping user, where nobody says: the longest of the table.
const SWAP_CONTEXT: u64 = 128_000;
/// Most arrivals that are played.
const MOST_SWAPS: u64 = 50_000_000;

type System = (String, String, KvSystem);

/// What offload costs.
pub fn offload(inputs: &Inputs, layers: &Layers) -> Result<Answer<OffloadAnswer>, QuestionError> {
    let mut request = Request::new(inputs, layers, Defaults::OFFLOAD)?;
    no_classes(layers, &request.question, "offload")?;
    ["search.batch_sizes", "workload.context"].into_iter().for_each(|key| request.notes.forget(key));
    let layout = read_layout(&request)?;
    let batch = read_batch(&mut request)?;
    let quant = one(&request, "quant", &request.quants)?;
    let contexts = read_contexts(&mut request)?;
    let systems = read_systems(&mut request)?;
    let mut notes = std::mem::take(&mut request.notes);
    let combination = request.combine(&request.machines[0], quant, Mode::Inference, &mut notes)?;
    request.notes = notes;
    let point = |context: u64| OffloadPoint { layout, batch, context };
    let first = method::offload(&combination.setting, &point(contexts[0]));
    doubts(&combination, layout, &first).into_iter().for_each(|doubt| request.notes.warn(doubt));
    let rows = contexts.iter().flat_map(|context| {
        let found = method::offload(&combination.setting, &point(*context));
        systems.iter().map(move |system| row(system, *context, &found)).collect::<Vec<_>>()
    });
    let answer = OffloadAnswer {
        model: request.subject.name().to_owned(),
        quant: combination.quant_name.clone(),
        plan: Plan {
            dp: None,
            tp: layout.tp,
            pp: layout.pp,
            ep: layout.ep,
            batch: batch.into(),
            gpus_per_instance: layout.gpus(),
        },
        kv_bytes_per_token: first.kv_per_token.get(),
        kv_bytes_per_token_per_gpu: first.kv_per_token_per_gpu.get(),
        kv_available_bytes: first.kv_room.get(),
        systems: systems.iter().map(column).collect(),
        rows: rows.collect(),
        swaps: swaps(&mut request, &combination, layout, batch, &systems)?,
    };
    Ok(envelope(request, answer))
}

/// Why the layout could not run at all, whatever is offloaded: the method tabulates it all the same.
fn doubts(combination: &Combination, layout: Layout, found: &method::Offload) -> Vec<String> {
    let model = &combination.setting.model;
    let Layout { tp, pp, ep } = layout;
    let uneven = |count: u32, what: &str, ways: u32, name: &str| {
        (!count.is_multiple_of(ways)).then(|| format!("{count} {what} do not divide over {name}{ways}"))
    };
    let full = (found.kv_room.get() <= 0.0)
        .then(|| "the weights leave no room for KV in HBM: take more GPUs or fewer bits".to_owned());
    let experts = model.moe.map_or(1, |moe| moe.experts);
    let doubts = [
        full,
        uneven(model.heads, "heads", tp, "TP"),
        uneven(model.layers, "layers", pp, "PP"),
        uneven(experts, "experts", ep, "EP"),
    ];
    doubts.into_iter().flatten().collect()
}

fn read_layout(request: &Request) -> Result<Layout, QuestionError> {
    let search = &request.question.search;
    let ways = |path: &str, given: bool, sizes: &[u32]| if given { one(request, path, sizes) } else { Ok(1) };
    Ok(Layout {
        tp: ways("search.tp", search.tp.is_some(), &request.grid.tp)?,
        pp: ways("search.pp", search.pp.is_some(), &request.grid.pp)?,
        ep: ways("search.ep", search.ep.is_some(), &request.grid.ep)?,
    })
}

fn read_batch(request: &mut Request) -> Result<u32, QuestionError> {
    if request.question.search.batch_sizes.is_some() {
        return one(request, "search.batch_sizes", &request.batches);
    }
    request.notes.assume("search.batch_sizes", BATCH, "the founding documents' default");
    Ok(BATCH)
}

/// The only value of a list: this verb compares contexts and KV systems, nothing else.
fn one<T: Copy>(request: &Request, path: &str, values: &[T]) -> Result<T, QuestionError> {
    match values {
        [value] => Ok(*value),
        _ => {
            let problem = format!("`offload` takes one, not {}", values.len());
            Err(QuestionError::value(request.layers.place(path), problem)
                .with_hint("give one; `sweep` compares several"))
        }
    }
}

fn read_contexts(request: &mut Request) -> Result<Vec<u64>, QuestionError> {
    let Some(list) = &request.question.workload.contexts else {
        request.notes.assume("workload.contexts", CONTEXTS.as_slice(), "the founding documents' table");
        return Ok(CONTEXTS.to_vec());
    };
    let contexts: Vec<u64> = list.0.iter().map(|tokens| tokens.0).collect();
    if contexts.is_empty() {
        let error = QuestionError::value(request.layers.place("workload.contexts"), "the list is empty");
        return Err(error.with_hint("expected e.g. `32k,128k`"));
    }
    for context in &contexts {
        check_range(request.layers, "workload.contexts", *context, 1, LONGEST_CONTEXT)?;
    }
    Ok(contexts)
}

fn read_systems(request: &mut Request) -> Result<Vec<System>, QuestionError> {
    let names = match &request.question.kv_system {
        Some(list) if !list.0.is_empty() => list.0.clone(),
        _ => {
            request.notes.assume("kv_system", KV_SYSTEM, "the founding documents' default");
            vec![KV_SYSTEM.to_owned()]
        }
    };
    let place = request.layers.place("kv_system");
    let read = |name: &String| {
        let found = request.presets.kv_system(name).map_err(|error| catalog_error(&place, error))?;
        Ok((found.id.to_owned(), found.record.name.clone(), KvSystem::from(found.record)))
    };
    names.iter().map(read).collect()
}

fn column((id, name, system): &System) -> KvSystemColumn {
    KvSystemColumn {
        id: id.clone(),
        name: name.clone(),
        capacity_bytes: system.dram.get(),
        gpu_dram_bytes_per_s: system.bandwidth(KvPath::GpuDram).get(),
        gpu_cpu_bytes_per_s: system.bandwidth(KvPath::GpuCpu).get(),
        cpu_dram_bytes_per_s: system.bandwidth(KvPath::CpuDram).get(),
    }
}

fn row((id, _, system): &System, context: u64, found: &method::Offload) -> OffloadRow {
    OffloadRow {
        system: id.clone(),
        context_tokens: context,
        tokens_cached: found.tokens_cached as u64,
        tokens_on_gpu: found.tokens_in_hbm,
        tokens_offloaded: found.tokens_offloaded,
        offload_fraction: found.offload_fraction(),
        fits: found.fits,
        tokens_per_s_per_gpu: found.tokens_per_second_per_gpu,
        evict_bytes_per_s: found.evict.get(),
        worst_read_bytes_per_s: found.read_worst_case.get(),
        amortized_read_bytes_per_s: found.read_amortized.get(),
        worst_total_bytes_per_s: found.total_worst_case().get(),
        amortized_total_bytes_per_s: found.total_amortized().get(),
        tier_utilization: found.tier_used(system),
        delays: found.delays(system).iter().map(delay).collect(),
    }
}

fn delay(delay: &method::Delay) -> Delay {
    Delay {
        path: path_name(delay.path).to_owned(),
        amortized_s: delay.amortized.get(),
        amortized_share: delay.amortized_share,
        worst_s: delay.worst_case.get(),
        worst_share: delay.worst_case_share,
    }
}

fn path_name(path: KvPath) -> &'static str {
    match path {
        KvPath::GpuDram => "gpu_dram",
        KvPath::GpuCpu => "gpu_cpu",
        KvPath::CpuDram => "cpu_dram",
    }
}

/// Users of the founding documents' first two models in random order, on each KV system.
fn swaps(
    request: &mut Request,
    combination: &Combination,
    layout: Layout,
    batch: u32,
    systems: &[System],
) -> Result<Vec<SwapAnswer>, QuestionError> {
    let asked = request.question.swaps.clone();
    if !asked.random_swap.unwrap_or_default().0 {
        return Ok(Vec::new());
    }
    let steps = asked.steps.map_or(SWAPS, |count| count.0);
    let context = asked.token.map_or(SWAP_CONTEXT, |count| count.0);
    check_range(request.layers, "swaps.steps", steps, 1, MOST_SWAPS)?;
    check_range(request.layers, "swaps.token", context, 1, LONGEST_CONTEXT)?;
    if asked.token.is_none() {
        request.notes.assume("swaps.token", SWAP_CONTEXT, "the longest context of the table");
    }
    let models = ["1", "2"].map(|name| Subject::founding(name, &request.presets));
    let loads = models.clone().map(|subject| {
        let other = Request { subject, ..request.clone() };
        let found =
            other.combine(&combination.machine, combination.quant, Mode::Inference, &mut Notes::default())?;
        Ok(method::offload(&found.setting, &OffloadPoint { layout, batch, context }))
    });
    let [first, second] = loads;
    let loads: [method::Offload; 2] = [first?, second?];
    let seed = request.seed;
    let answer = |(id, _, system): &System| SwapAnswer {
        system: id.clone(),
        models: models.iter().map(|model| model.name().to_owned()).collect(),
        context_tokens: context,
        steps,
        seed,
        paths: KvPath::ALL.map(|path| swap_path(&loads, system, path, steps as u32, seed)).to_vec(),
    };
    Ok(systems.iter().map(answer).collect())
}

fn swap_path(
    loads: &[method::Offload; 2],
    system: &KvSystem,
    path: KvPath,
    steps: u32,
    seed: u64,
) -> SwapPath {
    let reloads: [Seconds; 2] =
        [loads[0].delay(system, path).amortized, loads[1].delay(system, path).amortized];
    let (exact, run) = (method::swap_delay(reloads), method::simulate_swaps(reloads, steps, seed));
    SwapPath {
        path: path_name(path).to_owned(),
        mean_s: exact.mean.get(),
        p95_s: exact.p95.get(),
        run_mean_s: run.mean.get(),
        run_p95_s: run.p95.get(),
    }
}
