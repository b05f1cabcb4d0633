//! How a row spreads its model: what its columns say, and what an engine would choose where they are blank.

use super::case::{Formats, Layout, Pool, expert_width, has_experts};
use super::fields::{Fields, wrong};
use super::fit::smallest;
use super::formats::is_latent_with_experts;
use super::worker::Worker;
use rackplan_catalog::{Entry, Gpu, Model};
use rackplan_perf::ParallelPlan;

/// Most accelerators of anything.
pub(super) const MOST_GPUS: u32 = 1 << 20;

/// A layout, the accelerators of all replicas, and their number.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) layout: Layout,
    pub(super) gpus: u32,
    pub(super) replicas: u32,
    /// Larger replicas that a submitter may have chosen in place of these.
    pub(super) others: Vec<ParallelPlan>,
}

/// What layouts are chosen for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) model: &'a Entry<Model>,
    pub(super) gpu: &'a Entry<Gpu>,
    pub(super) formats: Formats,
}

/// Reads or chooses the layout.
pub(super) fn layout(
    row: &Fields,
    subject: Subject<'_>,
    assumed: &mut Vec<String>,
) -> Result<Placed, String> {
    if row.truth("disagg")?.unwrap_or(false) {
        disaggregated(row, subject, assumed)
    } else {
        aggregated(row, subject, assumed)
    }
}

fn aggregated(row: &Fields, subject: Subject<'_>, assumed: &mut Vec<String>) -> Result<Placed, String> {
    let gpus = row.count("gpus", 1..=MOST_GPUS)?;
    let column = |name: &str| row.count(name, 0..=MOST_GPUS).map(|size| size.filter(|size| *size > 0));
    let mut said = Worker {
        workers: 1,
        tp: column("tp")?,
        pp: column("pp")?,
        dp: column("dp")?,
        ep: column("ep")?,
        moe_tp: column("moe_tp")?,
        moe_ep: column("moe_ep")?,
        attention_dp: false,
        batch: None,
    };
    if has_experts(&subject.model.record) && row.text("notes").contains("enable_attention_dp") {
        said.attention_dp = true;
        if said.ep.or(said.moe_ep).or(said.moe_tp).is_none() {
            said.ep = said.tp;
            assumed.push("ep: all ranks, as is usual beside attention data parallelism".to_owned());
        }
    }
    let plan = match (said.tp, said.dp.filter(|dp| *dp > 1)) {
        (None, None) => unsaid(row, &said, gpus, subject, assumed),
        _ => said.plan(gpus, expert_width(&subject.model.record), assumed)?,
    };
    let gpus = gpus.unwrap_or_else(|| {
        assumed.push(format!("gpus: {}, one replica", plan.gpus()));
        plan.gpus()
    });
    if !gpus.is_multiple_of(plan.gpus()) {
        let expected = format!("a multiple of the {} accelerators of tp, pp and dp", plan.gpus());
        return Err(wrong("gpus", &gpus.to_string(), &expected));
    }
    let replicas = gpus / plan.gpus();
    if replicas > 1 {
        assumed.push(format!("replicas: {replicas}, of {} accelerators each", plan.gpus()));
    }
    let unsaid = said.tp.is_none() && said.dp.is_none_or(|dp| dp == 1);
    let others = if unsaid && is_mlperf(row) { larger(plan, gpus) } else { Vec::new() };
    Ok(Placed { layout: Layout::Aggregated(plan), gpus, replicas, others })
}

/// Replicas of a server at most.
const SERVER: u32 = 8;

/// Replicas of twice, four times and so on as many accelerators, up to a server; those who submit publish the best.
fn larger(plan: ParallelPlan, gpus: u32) -> Vec<ParallelPlan> {
    let times = |factor: u32| {
        let wider = |size: u32| if size > 1 { size * factor } else { size };
        match plan.dp > 1 {
            true => ParallelPlan { ep: wider(plan.ep), dp: plan.dp * factor, ..plan },
            false => ParallelPlan { tp: plan.tp * factor, ep: wider(plan.ep), ..plan },
        }
    };
    let fits = |plan: &ParallelPlan| plan.gpus() <= SERVER && gpus.is_multiple_of(plan.gpus());
    [2, 4, 8].map(times).into_iter().filter(fits).collect()
}

/// Neither tensor nor data parallelism is given. A benchmark of a whole system runs the smallest replicas that hold the
/// weights; a server of one engine is launched over all the accelerators that it is given.
fn unsaid(
    row: &Fields,
    said: &Worker,
    gpus: Option<u32>,
    subject: Subject<'_>,
    assumed: &mut Vec<String>,
) -> ParallelPlan {
    let wide = is_latent_with_experts(&subject.model.record);
    let plan = match gpus {
        Some(gpus) if !is_mlperf(row) => {
            let tp = 1 << gpus.trailing_zeros().min(6);
            let ep = said.ep.or(said.moe_ep).filter(|ep| u32::is_multiple_of(tp, *ep)).unwrap_or(1);
            ParallelPlan { ep, ..ParallelPlan::tensor(tp) }
        }
        gpus => smallest(subject, wide, gpus.unwrap_or(64)),
    };
    let why = if gpus.is_some() && !is_mlperf(row) {
        "all accelerators"
    } else {
        "the fewest that hold the weights"
    };
    assumed.push(format!("tp, dp, ep: {}, {}, {}: {why}", plan.tp, plan.dp, plan.ep));
    plan
}

fn is_mlperf(row: &Fields) -> bool {
    let scenario = matches!(row.text("load"), "offline" | "server" | "interactive");
    scenario || ["version", "source"].iter().any(|name| row.text(name).to_lowercase().contains("mlperf"))
}

fn disaggregated(row: &Fields, subject: Subject<'_>, assumed: &mut Vec<String>) -> Result<Placed, String> {
    let total = row.count("gpus", 1..=MOST_GPUS)?;
    let [prefill, decode] = sizes(row, total)?;
    let prefill = pool(row, "prefill", prefill, subject, assumed)?;
    let decode = pool(row, "decode", decode, subject, assumed)?;
    let layout = Layout::Disaggregated { prefill, decode };
    let gpus = layout.gpus();
    if let Some(total) = total.filter(|total| *total != gpus) {
        assumed.push(format!("gpus: {gpus} of {total}, those of the two layouts"));
    }
    Ok(Placed { layout, gpus, replicas: 1, others: Vec::new() })
}

/// Accelerators of the two pools; the one that is not given is what the other leaves.
fn sizes(row: &Fields, total: Option<u32>) -> Result<[Option<u32>; 2], String> {
    let prefill = row.count("prefill_gpus", 1..=MOST_GPUS)?;
    let decode = row.count("decode_gpus", 1..=MOST_GPUS)?;
    let rest = |other: Option<u32>| total?.checked_sub(other?).filter(|rest| *rest > 0);
    Ok([prefill.or_else(|| rest(decode)), decode.or_else(|| rest(prefill))])
}

/// A pool as its column says, or its line in the notes; else chosen.
fn pool(
    row: &Fields,
    name: &str,
    gpus: Option<u32>,
    subject: Subject<'_>,
    assumed: &mut Vec<String>,
) -> Result<Pool, String> {
    let column = format!("{name}_layout");
    let written = row.text(&column);
    let width = expert_width(&subject.model.record);
    if !written.is_empty() {
        let worker = Worker::parse(written)
            .ok_or_else(|| wrong(&column, written, "e.g. `1w tp1 pp1 dp8 moe_tp1 moe_ep8 bs1`"))?;
        let plan = worker.plan(None, width, assumed).map_err(|problem| format!("{column}: {problem}"))?;
        return Ok(Pool { workers: worker.workers, plan, batch: worker.batch });
    }
    let gpus = gpus
        .ok_or_else(|| wrong(&column, "", &format!("a layout, or `{name}_gpus`, or `gpus` and the other")))?;
    let noted = row.text("notes").split(';').find_map(|part| Worker::parse(part.trim().strip_prefix(name)?));
    if let Some(worker) = noted {
        let plan = worker.plan(None, width, assumed).ok();
        let pool = plan.map(|plan| Pool { workers: worker.workers, plan, batch: worker.batch });
        if let Some(pool) = pool.filter(|pool| pool.gpus() == gpus) {
            return Ok(pool);
        }
    }
    Ok(chosen(name, gpus, subject, assumed))
}

/// Prompts run on the smallest workers that hold the weights; answers of a model like DeepSeek on one wide worker.
fn chosen(name: &str, gpus: u32, subject: Subject<'_>, assumed: &mut Vec<String>) -> Pool {
    let wide = is_latent_with_experts(&subject.model.record);
    let plan = match wide && name == "decode" {
        true => ParallelPlan { tp: 1, pp: 1, ep: gpus, dp: gpus },
        false => smallest(subject, wide, gpus),
    };
    let workers = gpus / plan.gpus();
    let each = format!("tp {}, dp {}, ep {}", plan.tp, plan.dp, plan.ep);
    assumed.push(format!("{name}_layout: {workers} workers of {each}"));
    Pool { workers, plan, batch: None }
}
