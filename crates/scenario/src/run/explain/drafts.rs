//! Drafted tokens as people write them, and how many of them a step yields.

use super::read::Asked;
use crate::QuestionError;
use crate::serving::{Speculative, accepted_per_step};
use rackplan_catalog::Model;

impl Asked<'_> {
    /// `none`, `mtp:2`, `mtp:2,accept=0.7`.
    pub(super) fn speculative(&mut self, model: &Model) -> Result<Option<Speculative>, QuestionError> {
        let place = self.layers.place("speculative");
        let Some(text) = self.question.speculative.clone() else {
            if model.mtp_layers > 0 {
                self.notes.assume("speculative", "none", "as nothing is said");
            }
            return Ok(None);
        };
        if text == "none" {
            return Ok(None);
        }
        let (draft_tokens, chance) = drafted(&text).ok_or_else(|| {
            QuestionError::value(&place, format!("`{text}` is no way to draft tokens")).with_hint(
                "expected none, mtp:N with N from 1 to 16, or mtp:N,accept=CHANCE, e.g. `mtp:2,accept=0.7`",
            )
        })?;
        if model.mtp_layers == 0 {
            let problem = format!("{} has no modules that draft tokens", model.name);
            return Err(QuestionError::value(&place, problem).with_hint("leave it out, or give `none`"));
        }
        let (accepted_per_step, why) = accepted_per_step(model, draft_tokens, chance, &self.inputs.catalog);
        if let Some(why) = why {
            let shown = (accepted_per_step * 100.0).round() / 100.0;
            self.notes.assume("speculative", format!("{shown} tokens a step"), &why);
        }
        Ok(Some(Speculative { draft_tokens, accepted_per_step, random: false }))
    }
}

/// Tokens drafted, and the chance that one is accepted where it is given.
pub(in crate::run) fn drafted(text: &str) -> Option<(u32, Option<f64>)> {
    let (drafts, accept) = match text.split_once(',') {
        Some((drafts, rest)) => (drafts, Some(rest.trim().strip_prefix("accept=")?)),
        None => (text, None),
    };
    let tokens =
        drafts.trim().strip_prefix("mtp:")?.parse().ok().filter(|tokens| (1..=16).contains(tokens))?;
    match accept.map(str::parse::<f64>) {
        None => Some((tokens, None)),
        Some(Ok(chance)) if (0.0..=1.0).contains(&chance) => Some((tokens, Some(chance))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_drafted_tokens_as_people_write_them() {
        assert_eq!(drafted("mtp:2"), Some((2, None)));
        assert_eq!(drafted("mtp:3,accept=0.7"), Some((3, Some(0.7))));
        for wrong in
            ["mtp", "mtp:0", "mtp:17", "eagle:2", "mtp:2,0.7", "mtp:2,accept=1.1", "mtp:2,accept=NaN", ""]
        {
            assert_eq!(drafted(wrong), None, "{wrong}");
        }
    }
}
