//! What the operator-level method is asked: requests, who sends them, how fast answers must come, within which limits.

use super::super::size::read_racks;
use crate::QuestionError;
use crate::inputs::{Arrival, LONGEST_CONTEXT, Load, Request, check_range, sizes};
use crate::question::Objective;
use rackplan_catalog::Backend;
use rackplan_first_order::RackCount;
use rackplan_plan::{Population, Request as Asking, Sizes, Targets};
use rackplan_units::Seconds;

/// A chat's turn, where nobody says: what its prompt and its answer hold.
const ISL: u64 = 2048;
const OSL: u64 = 512;
/// Targets of a chat, where nobody says: an answer begins within two seconds, and comes faster than people read.
const TTFT: &str = "2 s";
const TPOT: &str = "50 ms";
/// Largest parallel size, and most plans of lists.
const LARGEST_PARALLEL: u64 = 65_536;
const MOST_PLANS: usize = 100_000;
/// Most replicas that are kept spare.
const MOST_SPARES: u64 = 1_000_000;

/// What is asked of the plans.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) backend: Backend,
    pub(super) request: Asking,
    pub(super) population: Population,
    /// Users outright, and those that arrivals bring; neither where a rate is given.
    pub(super) users: Option<u64>,
    pub(super) arrival: Option<Arrival>,
    pub(super) targets: Targets,
    pub(super) percentile: String,
    pub(super) racks: RackCount,
    pub(super) objective: Objective,
    pub(super) headroom: f64,
    pub(super) spares: u64,
    pub(super) sizes: Sizes,
    /// Batch sizes that were named.
    pub(super) batches: Vec<u32>,
}

impl Asked {
    pub(super) fn read(request: &mut Request) -> Result<Self, QuestionError> {
        let asking = read_request(request)?;
        let (population, users, arrival) = read_population(request)?;
        let (targets, percentile) = read_targets(request)?;
        let racks = read_racks(request)?;
        if request.question.search.batch_sizes.is_none() {
            request.notes.forget("search.batch_sizes");
        }
        let (limits, search) = (&request.question.limits, &request.question.search);
        let spares = limits.spares.unwrap_or_default().0;
        check_range(request.layers, "limits.spares", spares, 0, MOST_SPARES)?;
        let batches = if search.batch_sizes.is_some() { request.batches.clone() } else { Vec::new() };
        let (objective, headroom) =
            (search.objective.unwrap_or_default(), limits.headroom.unwrap_or_default().0);
        Ok(Self {
            backend: read_backend(request)?,
            request: asking,
            population,
            users,
            arrival,
            targets,
            percentile,
            racks,
            objective,
            headroom,
            spares,
            sizes: read_sizes(request)?,
            batches,
        })
    }

    /// People who are on: those asked for, or the 95th percentile of arrivals where that is more.
    pub(super) fn users_sized(&self) -> u64 {
        let arrived = self.arrival.map_or(0.0, |arrival| arrival.exact.p95) as u64;
        self.users.unwrap_or(0).max(arrived)
    }
}

/// Lengths: what is said, else a chat's turn; a context without a prompt length is all prompt, and what it holds beyond
/// prompt and answer is in the cache already.
fn read_request(request: &mut Request) -> Result<Asking, QuestionError> {
    let workload = request.question.workload.clone();
    request.notes.forget("workload.context");
    for (path, tokens) in [("workload.isl", workload.isl), ("workload.osl", workload.osl)] {
        tokens.map_or(Ok(()), |tokens| check_range(request.layers, path, tokens.0, 1, LONGEST_CONTEXT))?;
    }
    let context = workload.context.map(|tokens| tokens.0).filter(|tokens| *tokens > 0);
    let output = workload.osl.map_or_else(
        || {
            let osl = OSL.min(context.unwrap_or(u64::MAX).div_ceil(2));
            request.notes.assume("workload.osl", osl, "a chat's answer");
            osl
        },
        |osl| osl.0,
    );
    let input = workload.isl.map_or_else(
        || match context {
            Some(context) => {
                let isl = context.saturating_sub(output).max(1);
                request.notes.assume("workload.isl", isl, "the context, computed anew for every request");
                isl
            }
            None => {
                request.notes.assume("workload.isl", ISL, "a chat's turn");
                ISL
            }
        },
        |isl| isl.0,
    );
    let prefix = context.unwrap_or(0).saturating_sub(input + output);
    Ok(Asking { input: input as f64, output: output as f64, prefix: prefix as f64 })
}

type Who = (Population, Option<u64>, Option<Arrival>);

fn read_population(request: &mut Request) -> Result<Who, QuestionError> {
    let (layers, workload) = (request.layers, &request.question.workload);
    if let Some(rate) = workload.rate {
        let others = ["workload.users", "workload.arrival_rate", "workload.think_time"];
        if let Some(other) = others.into_iter().find(|path| layers.origin(path).is_some()) {
            let error = QuestionError::value(layers.place("workload.rate"), "it says already who asks");
            return Err(error.with_hint(format!("leave out one of it and {}", layers.place(other))));
        }
        if rate.0 <= 0.0 || rate.0 > 1e9 {
            let problem = format!("`{}` is out of range", layers.written("workload.rate"));
            let error = QuestionError::value(layers.place("workload.rate"), problem);
            return Err(error.with_hint("expected more than 0 and at most 1e9 requests a second"));
        }
        return Ok((Population::Rate(rate.0), None, None));
    }
    let think_time = workload.think_time;
    let load = Load::read(&request.question, layers, request.seed, &mut request.notes)?;
    request.notes.forget("targets.tokens_per_user_rate");
    if think_time.is_none() {
        request.notes.assume("workload.think_time", "0 s", "every user generates all the time");
    }
    let arrived = load.arrival.map_or(0.0, |arrival| arrival.exact.p95);
    let users = (load.users as f64).max(arrived).max(1.0);
    let population = Population::Users { users, think_time: think_time.unwrap_or_default() };
    Ok((population, Some(load.users).filter(|users| *users > 0), load.arrival))
}

fn read_targets(request: &mut Request) -> Result<(Targets, String), QuestionError> {
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
    for (path, target) in [("targets.ttft", ttft), ("targets.tpot", tpot)] {
        if target.get() <= 0.0 {
            let error = QuestionError::value(request.layers.place(path), "nothing is that fast");
            return Err(error.with_hint("expected more than 0, e.g. `500ms`"));
        }
    }
    let name = targets.percentile.unwrap_or_else(|| {
        request.notes.assume("targets.percentile", "p95", "usual in agreements on service");
        "p95".to_owned()
    });
    let percentile = match name.as_str() {
        "mean" => None,
        "p50" => Some(0.5),
        "p90" => Some(0.9),
        "p95" => Some(0.95),
        "p99" => Some(0.99),
        _ => {
            let place = request.layers.place("targets.percentile");
            let error = QuestionError::value(place, format!("`{name}` is no percentile"));
            return Err(error.with_hint("expected p50, p90, p95, p99 or mean"));
        }
    };
    Ok((Targets { ttft, tpot, percentile }, name))
}

fn read_backend(request: &mut Request) -> Result<Backend, QuestionError> {
    let Some(name) = request.question.backend.clone() else {
        request.notes.assume("backend", Backend::Vllm.name(), "it runs on most accelerators");
        return Ok(Backend::Vllm);
    };
    Backend::from_name(&name).ok_or_else(|| {
        let known = Backend::ALL.map(Backend::name).join(", ");
        let error = QuestionError::value(request.layers.place("backend"), format!("`{name}` is no backend"));
        error.with_hint(format!("expected one of {known}"))
    })
}

fn read_sizes(request: &Request) -> Result<Sizes, QuestionError> {
    let search = &request.question.search;
    let lists = [
        ("search.tp", &search.tp),
        ("search.pp", &search.pp),
        ("search.ep", &search.ep),
        ("search.dp", &search.dp),
    ];
    let read = |(path, list): (&str, &Option<_>)| {
        list.as_ref().map_or(Ok(Vec::new()), |list| sizes(request.layers, path, list, LARGEST_PARALLEL))
    };
    let [tp, pp, ep, dp] = lists.map(read);
    let sizes = Sizes { tp: tp?, pp: pp?, ep: ep?, dp: dp? };
    let lengths = [sizes.tp.len(), sizes.pp.len(), sizes.ep.len(), sizes.dp.len()];
    let plans = lengths.into_iter().fold(1_usize, |plans, length| plans.saturating_mul(length.max(1)));
    if plans > MOST_PLANS {
        let problem = format!("--tp, --pp, --ep and --dp make {plans} plans");
        return Err(QuestionError::value("search", problem)
            .with_hint(format!("at most {MOST_PLANS} are tried; shorten the lists")));
    }
    Ok(sizes)
}
