//! Who sends requests, as the question says it: a rate, users, clients, or people who come and go.

use super::crowd::{Crowd, Kind};
use super::people::{Habits, Who};
use super::tools::Tools;
use crate::QuestionError;
use crate::inputs::check_range;
use crate::lengths::Length;
use crate::question::{Class, classes};
use crate::run::explain::Asked;
use rackplan_traffic::Lengths;

/// A chat's turn, where nobody says, as `size` has it.
const ISL: u64 = 2048;
const OSL: u64 = 512;
/// Longest prompt or answer, in tokens; most users, turns and requests.
const LONGEST: u64 = 100_000_000;
const MOST_USERS: u64 = 10_000_000;
const MOST_TURNS: u64 = 100_000;
const MOST_REQUESTS: u64 = 10_000_000_000;
/// Requests a second or users a minute, and minutes that they stay.
const RATES: std::ops::RangeInclusive<f64> = 1e-6..=1e9;
const STAYS: std::ops::RangeInclusive<f64> = 1e-3..=1e6;
/// Requests, where nobody says: those of an open load, and of each user.
const REQUESTS: u64 = 10_000;
const REQUESTS_OF_USER: u64 = 20;
/// A log-normal length is cut at so many times its mean.
const CUT: f64 = 32.0;

/// Reads who asks, and what each kind of them asks.
pub(super) fn crowd(asked: &mut Asked) -> Result<Crowd, QuestionError> {
    let who = who(asked)?;
    let classes = classes(asked.layers, &asked.question)?;
    let mut kinds = Vec::new();
    for Class { name, share, priority, layers, question } in &classes {
        let habits = asked.of_another(layers, question, |asked| habits(asked, who, *priority))?;
        kinds.push(Kind { name: name.clone(), share: *share, habits });
    }
    if kinds.is_empty() {
        kinds.push(Kind { name: String::new(), share: 1.0, habits: habits(asked, who, 0)? });
    }
    let crowd = Crowd { who, kinds, requests: 0, until: 0.0 };
    let (requests, until) = ends(asked, who, crowd.think())?;
    Ok(Crowd { requests, until, ..crowd })
}

fn habits(asked: &mut Asked, who: Who, priority: u16) -> Result<Habits, QuestionError> {
    let workload = asked.question.workload.clone();
    let turns = workload.turns.map_or(1, |turns| turns.0);
    check_range(asked.layers, "workload.turns", turns, 1, MOST_TURNS)?;
    let think = workload.think_time.map_or(0.0, |time| time.get());
    if workload.think_time.is_none() && (turns > 1 || who.is_closed()) {
        asked.notes.assume("workload.think_time", "0s", "every user asks again at once");
    }
    let shared = workload.prefix_hit.map_or(0.0, |share| share.0);
    if shared > 1.0 {
        let place = asked.layers.place("workload.prefix_hit");
        return Err(
            QuestionError::value(place, format!("`{shared}` is no share")).with_hint("expected 0 to 1")
        );
    }
    Ok(Habits {
        think,
        isl: length(asked, "workload.isl", workload.isl, (ISL, "a chat's turn"))?,
        osl: length(asked, "workload.osl", workload.osl, (OSL, "a chat's answer"))?,
        turns: turns as u32,
        shared,
        tools: Tools::read(asked)?,
        priority,
    })
}

/// When no more requests are sent, in seconds.
pub(super) fn until(asked: &Asked) -> Result<f64, QuestionError> {
    let until = asked.question.workload.duration.map_or(f64::INFINITY, |time| time.get());
    if until > 0.0 {
        return Ok(until);
    }
    let place = asked.layers.place("workload.duration");
    Err(QuestionError::value(place, "nothing is sent in no time").with_hint("expected e.g. `1h`"))
}

fn who(asked: &Asked) -> Result<Who, QuestionError> {
    let (layers, workload) = (asked.layers, &asked.question.workload);
    let given = [
        ("workload.rate", workload.rate.is_some()),
        ("workload.users", workload.users.is_some()),
        ("workload.concurrency", workload.concurrency.is_some()),
        ("workload.arrival_rate", workload.arrival_rate.is_some()),
    ];
    let said: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(path, _)| *path).collect();
    if let [first, second, ..] = said[..] {
        return Err(QuestionError::value(layers.place(first), "it says already who asks")
            .with_hint(format!("leave out one of it and {}", layers.place(second))));
    }
    if let Some(rate) = workload.rate {
        return if RATES.contains(&rate.0) {
            Ok(Who::Rate(rate.0))
        } else {
            let problem = format!("`{}` is out of range", layers.written("workload.rate"));
            Err(QuestionError::value(layers.place("workload.rate"), problem)
                .with_hint("expected 1e-6 to 1e9 requests a second"))
        };
    }
    for (path, count) in [("workload.users", workload.users), ("workload.concurrency", workload.concurrency)]
    {
        if let Some(count) = count {
            check_range(layers, path, count.0, 1, MOST_USERS)?;
            return Ok(Who::Users(count.0 as u32));
        }
    }
    match (workload.arrival_rate, workload.avg_session_min) {
        (Some(rate), Some(stay)) if RATES.contains(&rate.0) && STAYS.contains(&stay.0) => {
            Ok(Who::Visitors(rate.0 / 60.0, stay.0 * 60.0))
        }
        (Some(_), Some(_)) => Err(QuestionError::value(layers.place("workload.arrival_rate"), "it is out of range, or nobody stays")
            .with_hint("expected 1e-6 to 1e9 users a minute who stay for 1e-3 to 1e6 minutes")),
        (Some(_), None) => {
            Err(QuestionError::value(layers.place("workload.arrival_rate"), "it is half of an arrival law")
                .with_hint("add --avg-session-min MINUTES"))
        }
        (None, _) => Err(QuestionError::value("--rate", "nobody is said to use it").with_hint(
            "add --rate REQ/S, --users N with --think-time, --concurrency N, --arrival-rate with --avg-session-min, or --trace FILE",
        )),
    }
}

fn length(
    asked: &mut Asked,
    path: &str,
    given: Option<Length>,
    (usual, why): (u64, &str),
) -> Result<Lengths, QuestionError> {
    let Some(length) = given else {
        asked.notes.assume(path, usual, why);
        return Ok(Lengths::Fixed(usual as u32));
    };
    check_range(asked.layers, path, length.mean().0, 1, LONGEST)?;
    let mean = length.mean().0 as f64;
    Ok(match length {
        Length::Fixed(tokens) => Lengths::Fixed(tokens.0 as u32),
        Length::LogNormal { .. } => {
            Lengths::LogNormal { mean, sigma: length.sigma(), longest: (CUT * mean) as u32 }
        }
    })
}

/// How many are sent at most, where somebody says.
pub(super) fn requests_given(asked: &Asked) -> Result<Option<u64>, QuestionError> {
    let Some(requests) = asked.question.workload.requests else { return Ok(None) };
    check_range(asked.layers, "workload.requests", requests.0, 1, MOST_REQUESTS)?;
    Ok(Some(requests.0))
}

/// Most requests, and when no more are sent. Users who think end at a time, unless somebody says a number: the last ones of a
/// number are sent one after the other by fewer and fewer users.
fn ends(asked: &mut Asked, who: Who, think: f64) -> Result<(u64, f64), QuestionError> {
    let until = until(asked)?;
    if let Some(requests) = requests_given(asked)? {
        return Ok((requests, until));
    }
    if asked.question.workload.duration.is_some() {
        return Ok((MOST_REQUESTS, until));
    }
    let of_user = |users: u32| REQUESTS_OF_USER.max(REQUESTS / u64::from(users.max(1)));
    let requests = match who {
        Who::Users(users) if think > 0.0 => {
            let until = of_user(users) as f64 * think;
            asked.notes.assume("workload.duration", format!("{until} s"), "enough for a 99th percentile");
            return Ok((MOST_REQUESTS, until));
        }
        Who::Users(users) => of_user(users) * u64::from(users),
        Who::Rate(_) | Who::Visitors(..) => REQUESTS,
    };
    asked.notes.assume("workload.requests", requests, "enough for a 99th percentile");
    Ok((requests, f64::INFINITY))
}
