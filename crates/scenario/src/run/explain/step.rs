//! The step of an explained deployment: its parts as rows, its totals, and how they share it out.

use super::read::Target;
use crate::answer::{
    DeviceRoofs, ExplainPart, ExplainStep, ExplainedBatch, FamilyShare, FormatPeak, LayerShare, Share,
};
use rackplan_catalog::Format;
use rackplan_perf::{Batch, Compiled, Evidence, ExplainedPart};

/// A part whose share of a step is below this says nothing about the evidence of the whole.
const SMALL: f64 = 0.1;
/// What stands for the parts before and after the layers, and for a module that drafts tokens.
const ENDS: &str = "ends";
const DRAFT: &str = "draft";

/// The parts as rows.
pub(super) fn parts(target: &Target, explained: &[ExplainedPart], time: f64) -> Vec<ExplainPart> {
    let kinds: Vec<&str> = target.model.record.layer_counts().map(|(name, ..)| name).chain([DRAFT]).collect();
    let row = |found: &ExplainedPart| {
        let part = &found.part;
        let kind = found.layer_kind.and_then(|place| kinds.get(usize::from(place)));
        ExplainPart {
            name: part.name.to_owned(),
            layer_kind: kind.map_or(ENDS, |kind| *kind).to_owned(),
            family: found.part.family.name().to_owned(),
            count: part.count,
            each_s: part.time.get() / part.count,
            time_s: part.time.get(),
            exposed_s: found.exposed.get(),
            share: found.exposed.get() / time,
            bound: part.bound.name().to_owned(),
            evidence: part.evidence.name().to_owned(),
            band_p10: part.band.p10,
            band_p90: part.band.p90,
            arithmetic: found.arithmetic.map(|format| format.name().to_owned()),
            flops: found.amounts.flops,
            bytes: found.amounts.bytes,
            wire_bytes: found.amounts.wire,
            formula: found.formula.clone(),
        }
    };
    explained.iter().map(row).collect()
}

/// Totals of the step. With pipeline stages as many micro-batches are on their way as there are stages, each on one of
/// them, so that what one passes through is what an accelerator does in that time.
///
/// Padding computes, but is no use, so that MFU is without it.
pub(super) fn totals(target: &Target, compiled: &Compiled, batch: &Batch, time: f64) -> ExplainStep {
    let explained = &compiled.without_padding().explain(batch);
    let of = |amount: &dyn Fn(&ExplainedPart) -> f64| -> f64 {
        explained.iter().map(|part| part.part.count * amount(part)).sum()
    };
    let flops = of(&|part| part.amounts.flops);
    let bytes = of(&|part| part.amounts.bytes);
    let plan = target.plan;
    let generated = batch.decodes * target.tokens_per_step();
    let tokens = f64::from(plan.dp) * (generated + f64::from(plan.pp) * batch.prompts * batch.chunk);
    ExplainStep {
        time_s: time,
        tokens,
        tokens_per_s: tokens / time,
        tokens_per_s_per_gpu: tokens / time / f64::from(plan.gpus()),
        mfu: flops / (time * widest_peak(target, explained)),
        mbu: bytes / (time * target.device.bandwidth),
        flops,
        bytes,
        wire_bytes: of(&|part| part.amounts.wire),
    }
}

/// The peak of the arithmetic that most FLOPs run in.
pub(in crate::run) fn widest_peak(target: &Target, explained: &[ExplainedPart]) -> f64 {
    let done = |format: Format| -> f64 {
        let parts = explained.iter().filter(|part| part.arithmetic == Some(format));
        parts.map(|part| part.part.count * part.amounts.flops).sum()
    };
    let formats = [Format::Bf16, Format::Int8, Format::Fp8, Format::Fp4];
    let most = formats.into_iter().max_by(|a, b| done(*a).total_cmp(&done(*b)));
    target.device.peak(most.unwrap_or(Format::Bf16))
}

/// What the replica carries.
pub(super) fn carried(target: &Target, compiled: &Compiled, batch: &Batch) -> ExplainedBatch {
    let groups = f64::from(target.plan.dp);
    ExplainedBatch {
        decodes: groups * batch.decodes,
        context_tokens: batch.context,
        prompts: groups * batch.prompts,
        chunk_tokens: batch.chunk,
        prefix_tokens: batch.prefix,
        padding_tokens: groups * compiled.padding(batch),
    }
}

/// Time to the first token of a prompt that comes alone: its chunks of at most the token budget one after the other,
/// and the front end.
pub(super) fn alone(target: &Target, compiled: &Compiled) -> f64 {
    let (front, budget) = (&target.framework.front_end, target.token_budget());
    let (mut done, mut time) = (0.0, front.first_token.get() + target.isl * front.tokenise_per_token.get());
    // Far more chunks than any prompt has are priced as one, so that no length takes long.
    let chunk = budget.max(target.isl / MOST_CHUNKS);
    while done < target.isl {
        let now = chunk.min(target.isl - done);
        let batch = Batch { prompts: 1.0, chunk: now, prefix: done, ..Batch::default() };
        time += compiled.step(&batch).get();
        done += now;
    }
    time
}

const MOST_CHUNKS: f64 = 1000.0;

/// Shares of the step by what a part says of itself, the largest first.
pub(super) fn shares<'a>(
    parts: &'a [ExplainPart],
    time: f64,
    name: impl Fn(&'a ExplainPart) -> &'a String,
) -> Vec<Share> {
    let mut found: Vec<Share> = Vec::new();
    for part in parts {
        let name = name(part);
        match found.iter_mut().find(|share| share.name == *name) {
            Some(share) => share.time_s += part.exposed_s,
            None => found.push(Share { name: name.clone(), time_s: part.exposed_s, share: 0.0 }),
        }
    }
    found.iter_mut().for_each(|share| share.share = share.time_s / time);
    found.sort_by(|a, b| b.time_s.total_cmp(&a.time_s));
    found
}

/// Shares by kind of work, each with what most of it waits for.
pub(super) fn families(parts: &[ExplainPart], time: f64) -> Vec<FamilyShare> {
    let bound = |family: &str| {
        let own: Vec<ExplainPart> = parts.iter().filter(|part| part.family == family).cloned().collect();
        shares(&own, time, |part| &part.bound).first().map_or_else(String::new, |share| share.name.clone())
    };
    let all = shares(parts, time, |part| &part.family);
    all.into_iter()
        .map(|Share { name, time_s, share }| FamilyShare { bound: bound(&name), name, time_s, share })
        .collect()
}

/// Shares by layer kind, in the order of the model, what is outside the layers last.
pub(super) fn layer_kinds(target: &Target, parts: &[ExplainPart], time: f64) -> Vec<LayerShare> {
    let of = |name: &str, layers: u64| {
        let time_s: f64 =
            parts.iter().filter(|part| part.layer_kind == name).map(|part| part.exposed_s).sum();
        LayerShare { name: name.to_owned(), layers, time_s, share: time_s / time }
    };
    let kinds = target.model.record.layer_counts().map(|(name, _, count)| of(name, count));
    let draft = target.speculative.map(|_| of(DRAFT, target.model.record.mtp_layers));
    kinds.chain(draft).chain([of(ENDS, 0)]).collect()
}

/// The weakest evidence that more than a tenth of the step rests on.
pub(super) fn weakest(parts: &[ExplainPart]) -> &'static str {
    let share = |evidence: Evidence| -> f64 {
        parts.iter().filter(|part| part.evidence == evidence.name()).map(|part| part.share).sum()
    };
    let weakest = [Evidence::Unvalidated, Evidence::Across, Evidence::SameArchitecture];
    weakest.into_iter().find(|evidence| share(*evidence) > SMALL).unwrap_or(Evidence::OwnGpu).name()
}

/// What the accelerator can do at most.
pub(super) fn roofs(target: &Target) -> DeviceRoofs {
    let peak = |format: Format| {
        let flops_per_s = target.gpu.record.peak(format)?.get();
        Some(FormatPeak { format: format.name().to_owned(), flops_per_s })
    };
    let formats = [Format::Bf16, Format::Fp8, Format::Int8, Format::Fp4];
    DeviceRoofs {
        peaks: formats.into_iter().filter_map(peak).collect(),
        memory_bandwidth_bytes_per_s: target.device.bandwidth,
        link_bytes_per_s: target.device.link,
    }
}
