//! What a request holds: its prompt, its answer, and what is computed already before it.

use crate::QuestionError;
use crate::inputs::{LONGEST_CONTEXT, Request, check_range};
use rackplan_plan::Request as Asking;

/// A chat's turn, where nobody says: what its prompt and its answer hold.
const ISL: u64 = 2048;
const OSL: u64 = 512;

/// Lengths: what is said, else a chat's turn. What a context holds beyond prompt and answer is the conversation before
/// them, which is kept for its user; of the prompt a share may have been computed for others.
pub(super) fn read_request(request: &mut Request) -> Result<Asking, QuestionError> {
    let workload = request.question.workload.clone();
    request.notes.forget("workload.context");
    for (path, length) in [("workload.isl", workload.isl), ("workload.osl", workload.osl)] {
        let tokens = length.map(|length| length.mean().0);
        tokens.map_or(Ok(()), |tokens| check_range(request.layers, path, tokens, 1, LONGEST_CONTEXT))?;
    }
    let context = workload.context.map(|tokens| tokens.0).filter(|tokens| *tokens > 0);
    let turn = |usual: u64| usual.min(context.unwrap_or(u64::MAX).div_ceil(2));
    let mut usual = |path: &str, tokens: u64, why: &str| {
        request.notes.assume(path, tokens, why);
        tokens
    };
    let output =
        workload.osl.map_or_else(|| usual("workload.osl", turn(OSL), "a chat's answer"), |l| l.mean().0);
    let input = workload.isl.map_or_else(
        || {
            let left = context.map_or(ISL, |context| context.saturating_sub(output).clamp(1, ISL));
            usual("workload.isl", left, "a chat's turn")
        },
        |length| length.mean().0,
    );
    let kept = context.unwrap_or(0).saturating_sub(input + output) as f64;
    let shared = read_prefix_hit(request)? * input as f64;
    Ok(Asking {
        input: (input as f64 - shared).max(1.0),
        output: output as f64,
        prefix: kept + shared,
        kept,
        input_sigma: workload.isl.map_or(0.0, |length| length.sigma()),
        beside: 0.0,
        output_sigma: workload.osl.map_or(0.0, |length| length.sigma()),
    })
}

fn read_prefix_hit(request: &Request) -> Result<f64, QuestionError> {
    let Some(hit) = request.question.workload.prefix_hit else { return Ok(0.0) };
    share(request, "workload.prefix_hit", hit.0)
}

/// A share from 0 to 1.
pub(super) fn share(request: &Request, path: &str, value: f64) -> Result<f64, QuestionError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let error = QuestionError::value(request.layers.place(path), format!("`{value}` is no share"));
    Err(error.with_hint("expected 0 to 1, e.g. `0.5`"))
}
