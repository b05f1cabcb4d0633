//! What the operator-level method is asked: requests, who sends them, how fast answers must come, within which limits.

use super::super::size::read_racks;
use super::classes::Classes;
use super::lengths::{read_request, share};
use super::people::People;
use crate::QuestionError;
use crate::inputs::{Request, check_range, sizes};
use crate::layers::Layers;
use crate::question::{Mode, Objective};
use crate::value::{Count, List};
use rackplan_catalog::Backend;
use rackplan_first_order::RackCount;
use rackplan_plan::{Modes, Request as Asking, Sizes, Targets};
use rackplan_units::Seconds;

/// Targets of a chat, where nobody says: an answer begins within two seconds, and comes faster than people read.
const TTFT: &str = "2 s";
const TPOT: &str = "50 ms";
/// Largest parallel size, and most plans of lists.
const LARGEST_PARALLEL: u64 = 65_536;
const MOST_PLANS: usize = 100_000;
/// Most replicas that are kept spare.
const MOST_SPARES: u64 = 1_000_000;
/// Availability and repair, where spares follow from failures and nobody says.
const AVAILABILITY: f64 = 0.999;
const REPAIR: f64 = 24.0 * 3600.0;

/// What is asked of the plans.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) backends: Vec<Backend>,
    pub(super) request: Asking,
    pub(super) classes: Classes,
    pub(super) people: People,
    pub(super) targets: Targets,
    pub(super) percentile: String,
    /// Chance that the prediction is not too good; nothing for the prediction itself.
    pub(super) confidence: Option<f64>,
    pub(super) racks: RackCount,
    pub(super) budget: Budget,
    pub(super) objective: Objective,
    pub(super) headroom: f64,
    pub(super) spares: Spares,
    pub(super) sizes: Sizes,
    /// Those of workers that compute prompts alone.
    pub(super) prefill_sizes: Sizes,
    pub(super) modes: Modes,
    pub(super) kv: Keeping,
    pub(super) drafts: Drafts,
    /// Batch sizes that were named.
    pub(super) batches: Vec<u32>,
    /// Whether plans are played too.
    pub(super) simulates: bool,
}

/// Limits on what racks draw and cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Budget {
    /// Watts at the meter.
    pub(super) power: f64,
    /// Dollars a second.
    pub(super) cost: f64,
}

/// Replicas beyond those that the load needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spares {
    /// So many.
    Number(u64),
    /// As many as failures ask for.
    Auto { availability: f64, repair: f64 },
}

/// How caches of users who think are to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Keeping {
    pub(super) tier: KvTier,
    /// Share that stays in HBM.
    pub(super) residency: Option<f64>,
}

/// Where those caches go that HBM does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KvTier {
    /// Wherever it is best.
    Auto,
    /// Nowhere.
    None,
    /// There.
    Named(rackplan_plan::TierKind),
}

/// Drafted tokens to try, and the chance that one is accepted where it is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drafts {
    pub(super) depths: Vec<u32>,
    pub(super) chance: Option<f64>,
}

impl Asked {
    pub(super) fn read(request: &mut Request) -> Result<Self, QuestionError> {
        let mut classes = Classes::read(request)?;
        let people = People::read(request, classes.is_empty())?;
        let alike = classes.is_empty();
        classes.weigh_at_first(&people.population);
        let asking = if alike { read_request(request)? } else { classes.blended() };
        let (targets, percentile) = match alike {
            true => read_targets(request)?,
            false => (classes.targets(), read_percentile_name(request)),
        };
        let racks = read_racks(request)?;
        if request.question.search.batch_sizes.is_none() {
            request.notes.forget("search.batch_sizes");
        }
        let batches =
            request.question.search.batch_sizes.as_ref().map_or(Vec::new(), |_| request.batches.clone());
        let limits = request.question.limits.clone();
        let mut asked = Self {
            backends: read_backends(request)?,
            request: asking,
            classes,
            people,
            targets,
            percentile,
            confidence: read_confidence(request)?,
            racks,
            budget: Budget {
                power: limits.max_power.map_or(f64::INFINITY, |power| power.get()),
                cost: limits.max_cost.map_or(f64::INFINITY, |cost| cost.get()),
            },
            objective: request.question.search.objective.unwrap_or_default(),
            headroom: limits.headroom.unwrap_or_default().0,
            spares: read_spares(request)?,
            sizes: read_sizes(request)?,
            prefill_sizes: read_prefill_sizes(request)?,
            modes: read_modes(request)?,
            kv: read_kv(request)?,
            drafts: read_drafts(request)?,
            batches,
            simulates: request.question.search.simulate.unwrap_or_default().0,
        };
        if !alike {
            asked.blend();
        }
        Ok(asked)
    }
}

pub(super) fn read_targets(request: &mut Request) -> Result<(Targets, String), QuestionError> {
    let targets = request.question.targets.clone();
    let ttft = targets.ttft.unwrap_or_else(|| {
        request.notes.assume("targets.ttft", TTFT, "a chat");
        Seconds::new(2.0)
    });
    let promised = targets.tokens_per_user_rate.map(|rate| Seconds::new(1.0 / rate.0));
    let tpot = targets.tpot.or(promised).unwrap_or_else(|| {
        request.notes.assume("targets.tpot", TPOT, "a chat");
        Seconds::new(0.05)
    });
    let e2e = targets.e2e.unwrap_or(Seconds::new(f64::INFINITY));
    for (path, target) in [("targets.ttft", ttft), ("targets.tpot", tpot), ("targets.e2e", e2e)] {
        if target.get() <= 0.0 {
            let error = QuestionError::value(request.layers.place(path), "nothing is that fast");
            return Err(error.with_hint("expected more than 0, e.g. `500ms`"));
        }
    }
    let name = read_percentile_name(request);
    let percentile = read_percentile(request.layers, &name)?;
    Ok((Targets { ttft, tpot, e2e, percentile }, name))
}

fn read_percentile_name(request: &mut Request) -> String {
    request.question.targets.percentile.clone().unwrap_or_else(|| {
        request.notes.assume("targets.percentile", "p95", "usual in agreements on service");
        "p95".to_owned()
    })
}

/// The share of requests that a percentile stands for; none for the mean.
pub(in crate::run) fn read_percentile(layers: &Layers, name: &str) -> Result<Option<f64>, QuestionError> {
    match name {
        "mean" => Ok(None),
        "p50" => Ok(Some(0.5)),
        "p90" => Ok(Some(0.9)),
        "p95" => Ok(Some(0.95)),
        "p99" => Ok(Some(0.99)),
        _ => {
            let place = layers.place("targets.percentile");
            let error = QuestionError::value(place, format!("`{name}` is no percentile"));
            Err(error.with_hint("expected p50, p90, p95, p99 or mean"))
        }
    }
}

fn read_confidence(request: &Request) -> Result<Option<f64>, QuestionError> {
    let Some(confidence) = request.question.targets.confidence else { return Ok(None) };
    if (0.5..=0.99).contains(&confidence.0) {
        return Ok(Some(confidence.0));
    }
    let place = request.layers.place("targets.confidence");
    let error = QuestionError::value(place, format!("`{}` is out of range", confidence.0));
    Err(error.with_hint("expected 0.5, as good as predicted or not, to 0.99"))
}

fn read_backends(request: &mut Request) -> Result<Vec<Backend>, QuestionError> {
    let Some(name) = request.question.backend.clone() else {
        request.notes.assume("backend", Backend::Vllm.name(), "it runs on most accelerators");
        return Ok(vec![Backend::Vllm]);
    };
    if name == "all" {
        return Ok(Backend::ALL.to_vec());
    }
    let known = |name: &str| {
        Backend::from_name(name).ok_or_else(|| {
            let known = Backend::ALL.map(Backend::name).join(", ");
            let place = request.layers.place("backend");
            let error = QuestionError::value(place, format!("`{name}` is no backend"));
            error.with_hint(format!("expected one of {known}, several with commas between, or `all`"))
        })
    };
    name.split(',').map(|name| known(name.trim())).collect()
}

fn read_spares(request: &mut Request) -> Result<Spares, QuestionError> {
    let (limits, targets) = (&request.question.limits, &request.question.targets);
    let Some(text) = limits.spares.as_ref().map(|spares| spares.0.clone()) else {
        return Ok(Spares::Number(0));
    };
    if text != "auto" {
        let spares = rackplan_units::parse_count(&text).ok_or_else(|| {
            let error = QuestionError::value(
                request.layers.place("limits.spares"),
                format!("`{text}` is no number of spares"),
            );
            error.with_hint("expected e.g. `2`, or `auto`")
        })?;
        check_range(request.layers, "limits.spares", spares, 0, MOST_SPARES)?;
        return Ok(Spares::Number(spares));
    }
    let (given, repair) = (targets.availability, limits.repair_time);
    if given.is_none() {
        request.notes.assume("targets.availability", AVAILABILITY, "three nines");
    }
    if repair.is_none() {
        request.notes.assume("limits.repair_time", "24 h", "a day to swap a part");
    }
    let availability = share(request, "targets.availability", given.map_or(AVAILABILITY, |given| given.0))?;
    let repair = repair.map_or(REPAIR, |time| time.get());
    Ok(Spares::Auto { availability: availability.min(0.999_999_999), repair })
}

fn read_sizes(request: &Request) -> Result<Sizes, QuestionError> {
    request.question.check_copies(request.layers)?;
    let search = &request.question.search;
    let lists = [
        ("search.tp", &search.tp),
        ("search.pp", &search.pp),
        ("search.ep", &search.ep),
        ("search.dp", &search.dp),
    ];
    sizes_of(request, lists)
}

fn read_prefill_sizes(request: &Request) -> Result<Sizes, QuestionError> {
    let search = &request.question.search;
    let lists = [
        ("search.prefill_tp", &search.prefill_tp),
        ("search.prefill_pp", &search.prefill_pp),
        ("search.prefill_ep", &search.prefill_ep),
        ("search.prefill_dp", &search.prefill_dp),
    ];
    let named = lists.iter().find(|(_, list)| list.is_some());
    if let (Some((path, _)), Modes::Aggregated) = (named, read_modes(request)?) {
        let problem = "workers compute prompts and generate alike";
        return Err(QuestionError::value(request.layers.place(path), problem)
            .with_hint("give --mode disaggregated or --mode auto"));
    }
    sizes_of(request, lists)
}

fn sizes_of(request: &Request, lists: [(&str, &Option<List<Count>>); 4]) -> Result<Sizes, QuestionError> {
    let read = |(path, list): (&str, &Option<_>)| {
        list.as_ref().map_or(Ok(Vec::new()), |list| sizes(request.layers, path, list, LARGEST_PARALLEL))
    };
    let [tp, pp, ep, dp] = lists.map(read);
    let sizes = Sizes { tp: tp?, pp: pp?, ep: ep?, dp: dp? };
    let lengths = [sizes.tp.len(), sizes.pp.len(), sizes.ep.len(), sizes.dp.len()];
    let plans = lengths.into_iter().fold(1_usize, |plans, length| plans.saturating_mul(length.max(1)));
    if plans > MOST_PLANS {
        let flags =
            lists.map(|(path, _)| format!("--{}", path.trim_start_matches("search.").replace('_', "-")));
        let problem = format!("{}, {}, {} and {} make {plans} plans", flags[0], flags[1], flags[2], flags[3]);
        return Err(QuestionError::value("search", problem)
            .with_hint(format!("at most {MOST_PLANS} are tried; shorten the lists")));
    }
    Ok(sizes)
}

fn read_modes(request: &Request) -> Result<Modes, QuestionError> {
    match request.question.search.mode {
        None | Some(Mode::Aggregated | Mode::Inference) => Ok(Modes::Aggregated),
        Some(Mode::Disaggregated) => Ok(Modes::Disaggregated),
        Some(Mode::Auto) => Ok(Modes::Auto),
        Some(Mode::Training) => {
            let error = QuestionError::value(request.layers.place("search.mode"), "`size` serves users only");
            Err(error.with_hint("expected aggregated, disaggregated or auto; `sweep` knows training"))
        }
    }
}

fn read_kv(request: &Request) -> Result<Keeping, QuestionError> {
    use rackplan_plan::TierKind;
    let question = &request.question;
    let tier = match question.kv_tier.as_deref() {
        None | Some("auto") => KvTier::Auto,
        Some("none") => KvTier::None,
        Some("host") => KvTier::Named(TierKind::Host),
        Some("nvme") => KvTier::Named(TierKind::Nvme),
        Some("remote") => KvTier::Named(TierKind::Remote),
        Some(other) => {
            let error =
                QuestionError::value(request.layers.place("kv_tier"), format!("`{other}` is no tier"));
            return Err(error.with_hint("expected host, nvme, remote, none or auto"));
        }
    };
    let residency = question.hbm_residency.map(|part| share(request, "hbm_residency", part.0)).transpose()?;
    Ok(Keeping { tier, residency })
}

/// Depths that `auto` tries.
const DEPTHS: [u32; 4] = [0, 1, 2, 3];

fn read_drafts(request: &Request) -> Result<Drafts, QuestionError> {
    let none = Drafts { depths: vec![0], chance: None };
    let place = request.layers.place("speculative");
    match request.question.speculative.as_deref() {
        None | Some("none") => Ok(none),
        Some("auto") => Ok(Drafts { depths: DEPTHS.to_vec(), chance: None }),
        Some(text) => {
            let (depth, chance) = super::super::explain::drafted(text).ok_or_else(|| {
                QuestionError::value(&place, format!("`{text}` is no way to draft tokens")).with_hint(
                    "expected none, auto, mtp:N with N from 1 to 16, or mtp:N,accept=CHANCE, e.g. `mtp:2,accept=0.7`",
                )
            })?;
            Ok(Drafts { depths: vec![depth], chance })
        }
    }
}
