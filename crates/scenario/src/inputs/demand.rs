//! Who is to be served: users outright, or arriving and leaving.

use super::Notes;
use crate::QuestionError;
use crate::answer::Users;
use crate::layers::Layers;
use crate::question::Question;
use rackplan_first_order::{ArrivalInputs, MAX_USERS};
use rackplan_traffic::{ActiveUsers, Arrivals, Window};

/// Tokens a second promised to each user, where nobody says.
/// Source: the founding documents, default of `--tokens-per-user-rate`.
const TOKENS_PER_USER: f64 = 12.0;
/// Users and what each is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) users: u64,
    pub(crate) rate: f64,
    pub(crate) arrival: Option<Arrival>,
}

/// Users who come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) given: ArrivalInputs,
    pub(crate) exact: ActiveUsers,
    pub(crate) path: ActiveUsers,
}

impl From<Arrival> for Users {
    fn from(arrival: Arrival) -> Self {
        let Arrival { given, exact, path } = arrival;
        Self {
            rate_per_min: given.users_per_minute,
            session_min: given.session_minutes,
            mean: exact.mean,
            p95: exact.p95 as u64,
            max: exact.max as u64,
            path_mean: path.mean,
            path_p95: path.p95,
            path_max: path.max as u64,
        }
    }
}

impl Load {
    pub(crate) fn read(
        question: &Question,
        layers: &Layers,
        seed: u64,
        notes: &mut Notes,
    ) -> Result<Self, QuestionError> {
        let workload = &question.workload;
        let users = workload.users.map(|count| count.0);
        let arrival = read_arrival(question, layers, seed, notes)?;
        if users.is_none() && arrival.is_none() {
            let hint = "add --users N, or --arrival-rate USERS/MIN with --avg-session-min MINUTES";
            return Err(QuestionError::value("--users", "nobody is said to use it").with_hint(hint));
        }
        if let Some(users) = users {
            check_range(layers, "workload.users", users, 1, MAX_USERS)?;
        }
        let rate = match question.targets.tokens_per_user_rate {
            Some(rate) => rate.0,
            None => {
                notes.assume("targets.tokens_per_user_rate", 12, "the founding documents' default");
                TOKENS_PER_USER
            }
        };
        if rate <= 0.0 || rate > 1e9 {
            let place = layers.place("targets.tokens_per_user_rate");
            let given = layers.written("targets.tokens_per_user_rate");
            let problem = format!("`{given}` is no rate of tokens that a user can be promised");
            return Err(QuestionError::value(place, problem)
                .with_hint("expected more than 0 and at most 1e9, e.g. `12`"));
        }
        Ok(Self { users: users.unwrap_or(0), rate, arrival })
    }
}

fn read_arrival(
    question: &Question,
    layers: &Layers,
    seed: u64,
    notes: &mut Notes,
) -> Result<Option<Arrival>, QuestionError> {
    let workload = &question.workload;
    let (rate, session) = match (workload.arrival_rate, workload.avg_session_min) {
        (None, None) => return Ok(None),
        (Some(rate), Some(session)) => (rate.0, session.0),
        (Some(_), None) => return Err(half(layers, "workload.arrival_rate", "--avg-session-min MINUTES")),
        (None, Some(_)) => return Err(half(layers, "workload.avg_session_min", "--arrival-rate USERS/MIN")),
    };
    check_positive(layers, "workload.arrival_rate", rate)?;
    check_positive(layers, "workload.avg_session_min", session)?;
    let window = read_window(question, layers, notes)?;
    let arrivals = Arrivals { users_per_minute: rate, session_minutes: session };
    let given = ArrivalInputs { users_per_minute: rate, session_minutes: session };
    Ok(Some(Arrival { given, exact: arrivals.stationary(window), path: arrivals.path(window, seed) }))
}

fn read_window(question: &Question, layers: &Layers, notes: &mut Notes) -> Result<Window, QuestionError> {
    let usual = Window::default();
    let Some(minutes) = question.workload.arrival_window_min else {
        notes.assume(
            "workload.arrival_window_min",
            usual.minutes,
            "the founding documents' window, after 30 of warm-up",
        );
        return Ok(usual);
    };
    check_range(layers, "workload.arrival_window_min", minutes.0, 1, 1_000_000)?;
    Ok(Window { minutes: minutes.0 as u32, ..usual })
}

fn half(layers: &Layers, path: &str, missing: &str) -> QuestionError {
    QuestionError::value(layers.place(path), "it is half of an arrival law")
        .with_hint(format!("add {missing}"))
}

fn check_positive(layers: &Layers, path: &str, value: f64) -> Result<(), QuestionError> {
    if value > 0.0 && value <= 1e12 {
        return Ok(());
    }
    let problem = format!("`{}` is out of range", layers.written(path));
    Err(QuestionError::value(layers.place(path), problem).with_hint("expected more than 0 and at most 1e12"))
}

/// A count within its range.
pub(crate) fn check_range(
    layers: &Layers,
    path: &str,
    value: u64,
    least: u64,
    most: u64,
) -> Result<(), QuestionError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let problem = format!("`{value}` is out of range");
    Err(QuestionError::value(layers.place(path), problem).with_hint(format!("expected {least} to {most}")))
}
