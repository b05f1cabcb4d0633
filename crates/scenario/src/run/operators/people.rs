//! Who asks: users, clients or requests a second, at the hour that the deployment is sized for.

use crate::QuestionError;
use crate::inputs::{Arrival, Load, Request, check_range};
use rackplan_plan::Population;
use rackplan_traffic::Arrivals;

/// Most clients of a closed loop.
const MOST_CLIENTS: u64 = 1_000_000_000;
/// Hours of a day.
const HOURS: usize = 24;

/// Who asks, in the busiest hour.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) population: Population,
    /// Users outright; nothing where arrivals or a rate are given.
    pub(super) users: Option<u64>,
    pub(super) arrival: Option<Arrival>,
    /// Load of each hour over that of the busiest.
    pub(super) day: Option<Vec<f64>>,
}

impl People {
    /// Reads who asks; of classes each says for how long its users think.
    pub(super) fn read(request: &mut Request, alike: bool) -> Result<Self, QuestionError> {
        let peak_factor = read_peak_factor(request)?;
        let day = read_day(request)?;
        let (population, users, arrival) = read_population(request, peak_factor, alike)?;
        Ok(Self { population, users, arrival, day })
    }

    /// People who are on in the busiest hour: those asked for, or the 95th percentile of arrivals where that is more.
    pub(super) fn users_sized(&self) -> u64 {
        match self.population {
            Population::Users { users, .. } => users.round() as u64,
            Population::Rate(_) => 0,
        }
    }
}

type Who = (Population, Option<u64>, Option<Arrival>);

fn read_population(request: &mut Request, peak: f64, alike: bool) -> Result<Who, QuestionError> {
    let (layers, workload) = (request.layers, &request.question.workload);
    if let Some(rate) = workload.rate {
        alone(request, "workload.rate")?;
        if rate.0 <= 0.0 || rate.0 > 1e9 {
            let problem = format!("`{}` is out of range", layers.written("workload.rate"));
            let error = QuestionError::value(layers.place("workload.rate"), problem);
            return Err(error.with_hint("expected more than 0 and at most 1e9 requests a second"));
        }
        return Ok((Population::Rate(rate.0 * peak), None, None));
    }
    if let Some(clients) = workload.concurrency {
        alone(request, "workload.concurrency")?;
        check_range(layers, "workload.concurrency", clients.0, 1, MOST_CLIENTS)?;
        let users = clients.0 as f64 * peak;
        return Ok((Population::Users { users, think_time: Default::default() }, Some(clients.0), None));
    }
    let think_time = workload.think_time;
    let load = Load::read(&request.question, layers, request.seed, &mut request.notes)?;
    request.notes.forget("targets.tokens_per_user_rate");
    if think_time.is_none() && alike {
        request.notes.assume("workload.think_time", "0 s", "every user generates all the time");
    }
    let users = (load.users as f64 * peak).max(arrived(load.arrival, peak)).max(1.0);
    let population = Population::Users { users, think_time: think_time.unwrap_or_default() };
    Ok((population, Some(load.users).filter(|users| *users > 0), load.arrival))
}

/// The 95th percentile of users that arrivals bring in the busiest hour.
fn arrived(arrival: Option<Arrival>, peak: f64) -> f64 {
    let Some(arrival) = arrival else { return 0.0 };
    if peak == 1.0 {
        return arrival.exact.p95;
    }
    let given = arrival.given;
    let busiest =
        Arrivals { users_per_minute: given.users_per_minute * peak, session_minutes: given.session_minutes };
    busiest.stationary(Default::default()).p95
}

/// A load that needs nothing else beside it.
fn alone(request: &Request, path: &str) -> Result<(), QuestionError> {
    let layers = request.layers;
    let all = [
        "workload.users",
        "workload.arrival_rate",
        "workload.think_time",
        "workload.rate",
        "workload.concurrency",
    ];
    let other = all.into_iter().find(|other| *other != path && layers.origin(other).is_some());
    other.map_or(Ok(()), |other| {
        let error = QuestionError::value(layers.place(path), "it says already who asks");
        Err(error.with_hint(format!("leave out one of it and {}", layers.place(other))))
    })
}

fn read_peak_factor(request: &Request) -> Result<f64, QuestionError> {
    let Some(factor) = request.question.workload.peak_factor else { return Ok(1.0) };
    if (1.0..=100.0).contains(&factor.0) {
        return Ok(factor.0);
    }
    let error = QuestionError::value(
        request.layers.place("workload.peak_factor"),
        format!("`{}` is out of range", factor.0),
    );
    Err(error.with_hint("the busiest hour has at least the mean of the day: expected 1 to 100, e.g. `2.5`"))
}

fn read_day(request: &Request) -> Result<Option<Vec<f64>>, QuestionError> {
    let Some(profile) = &request.question.workload.day_profile else { return Ok(None) };
    let values: Vec<f64> = profile.0.iter().map(|value| value.0).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    if values.len() != HOURS || most <= 0.0 {
        let place = request.layers.place("workload.day_profile");
        let problem = format!("it has {} values, the largest {most}", values.len());
        let hint = "expected 24, one for each hour, not all of them 0";
        return Err(QuestionError::value(place, problem).with_hint(hint));
    }
    Ok(Some(values.into_iter().map(|value| value / most).collect()))
}
