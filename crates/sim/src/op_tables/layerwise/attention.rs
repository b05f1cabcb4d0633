//! Attention of decodes and of a chunk beside them, as one kernel takes them.

use super::super::TableError;
use super::super::columns::Columns;
use super::US;
use super::field::Field;
use rackplan_perf::Chunk;

/// The prompts of a step as one chunk behind a prefix, as profiles have it. No tokens: none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prompt {
    pub(super) tokens: f64,
    prefix: f64,
}

impl Prompt {
    /// One chunk with the same pairs of tokens that meet, W = Σ t (p + t/2), and where that is possible the same tokens.
    ///
    /// T = Σ t tokens behind P = W/T - T/2; where whole prompts meet in fewer pairs than so many tokens in a row would,
    /// √(2 W) tokens behind none.
    pub(super) fn of(chunks: &[Chunk]) -> Self {
        let tokens: f64 = chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum();
        let pairs = |chunk: &Chunk| chunk.prompts * chunk.tokens * (chunk.prefix + chunk.tokens / 2.0);
        let pairs: f64 = chunks.iter().map(pairs).sum();
        let prefix = pairs / tokens - tokens / 2.0;
        if prefix >= 0.0 {
            Self { tokens, prefix }
        } else {
            Self { tokens: (2.0 * pairs).sqrt(), prefix: 0.0 }
        }
    }
}

/// Seconds of one layer's attention.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    /// By sequences and cached tokens of each.
    decode: Field<2>,
    /// By tokens and prefix of a chunk.
    prefill: Field<2>,
    /// By tokens and prefix of a chunk, sequences and cached tokens of each; none where this was not measured.
    both: Option<Field<4>>,
}

impl Attention {
    pub(super) fn new(table: &Columns) -> Result<Self, TableError> {
        let (mut decode, mut prefill, mut both) = (vec![], vec![], vec![]);
        let columns = ["prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"];
        for [chunk, prefix, sequences, context, time] in table.of(columns) {
            let time = time * US;
            match (chunk > 0.0, sequences > 0.0) {
                (true, true) => both.push(([chunk, prefix, sequences, context], time)),
                (true, false) => prefill.push(([chunk, prefix], time)),
                (false, true) => decode.push(([sequences, context], time)),
                (false, false) => {}
            }
        }
        let missing = |what: &'static str| {
            TableError::NoRows(what, "steps of one kind alone are needed beside mixed ones")
        };
        if decode.is_empty() {
            return Err(missing("attention with `prefill_chunk` 0"));
        }
        if prefill.is_empty() {
            return Err(missing("attention with `n_decode` 0"));
        }
        let too_many = || table.too_many_points();
        Ok(Self {
            decode: Field::new(&decode).ok_or_else(too_many)?,
            prefill: Field::new(&prefill).ok_or_else(too_many)?,
            both: if both.is_empty() { None } else { Some(Field::new(&both).ok_or_else(too_many)?) },
        })
    }

    /// Chunks of fewer tokens than the least measured take as long as that one: kernels work in tiles.
    pub(super) fn time(&self, sequences: f64, context: f64, prompt: Prompt) -> f64 {
        match (sequences > 0.0, prompt.tokens > 0.0) {
            (false, false) => 0.0,
            (true, false) => self.decode.at([sequences, context]),
            (false, true) => self.prefill.at([prompt.tokens, prompt.prefix]),
            (true, true) => match &self.both {
                Some(both) => both.at([prompt.tokens, prompt.prefix, sequences, context]),
                None => {
                    self.decode.at([sequences, context]) + self.prefill.at([prompt.tokens, prompt.prefix])
                }
            },
        }
    }

    /// The next measured context of steps that only decode.
    pub(super) fn next(&self, context: f64) -> f64 {
        self.decode.axes[1].next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_prompts_as_one_chunk() {
        let chunk = |prompts, tokens, prefix| Chunk { prompts, tokens, prefix };
        assert_eq!(Prompt::of(&[chunk(1.0, 300.0, 700.0)]), Prompt { tokens: 300.0, prefix: 700.0 });
        // 100 behind 400 and 300 whole: 45,000 and 45,000 pairs on 400 tokens, 225 = 25 + 200 each.
        let two = [chunk(1.0, 100.0, 400.0), chunk(1.0, 300.0, 0.0)];
        assert_eq!(Prompt::of(&two), Prompt { tokens: 400.0, prefix: 25.0 });
        // Four of 100: 20,000 pairs, as 200 in a row have.
        assert_eq!(Prompt::of(&[chunk(4.0, 100.0, 0.0)]), Prompt { tokens: 200.0, prefix: 0.0 });
        assert_eq!(Prompt::of(&[]).tokens, 0.0);
    }
}
