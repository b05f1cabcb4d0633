//! Vidur's tables and its rules for the time of an iteration.
//!
//! layer = Σ operators at the tokens of the step + decode attention + prefill attention + 2 (all-reduce + launch),
//! stage = layers/pp · layer, with tokens rounded up to 8, decode attention at the batch and its mean cache rounded up
//! to 64, prefill attention at the sum of the caches each rounded up to 64 and √Σ chunk². With grouped heads, attention
//! of more than one sequence takes a tenth longer. Embedding, output layer and sampling are not timed.
//! Source: <https://github.com/microsoft/vidur>, `execution_time_predictor`, version 7d47513.

use super::columns::Columns;
use super::grid::Grid;
use super::{Layout, TableError};
use crate::step::Step;

const TOKENS: f64 = 8.0;
const CACHE: f64 = 64.0;
/// What an all-reduce costs beside its kernel, in milliseconds.
const LAUNCH: f64 = 0.02;
/// What attention of several sequences with grouped heads takes more.
const SEVERAL: f64 = 1.1;
/// A millisecond.
const MS: f64 = 1e-3;

/// Operators of a layer that depend on tokens alone.
const OPERATORS: &[&str] = &[
    "attn_pre_proj",
    "attn_post_proj",
    "attn_rope",
    "attn_kv_cache_save",
    "input_layernorm",
    "mlp_up_proj",
    "mlp_down_proj",
    "mlp_act",
    "post_attention_layernorm",
    "add",
];

/// Tables read so far.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) tokens: Option<Columns>,
    pub(super) decode: Option<Columns>,
    pub(super) prefill: Option<Columns>,
}

impl Reading {
    pub(super) fn finish(self, layout: Layout) -> Result<Vidur, TableError> {
        let tokens = self.tokens.ok_or(TableError::Missing("operators by `num_tokens`"))?;
        let decode = self.decode.ok_or(TableError::Missing("decode attention"))?;
        let prefill = self.prefill.ok_or(TableError::Missing("prefill attention"))?;
        tokens.fits(&[("num_tokens", 1.0)])?;
        let count = tokens.place("num_tokens").unwrap_or(0);
        let of = |name: &str| {
            let cells: Vec<_> = match tokens.place(name) {
                Some(place) => tokens.rows.iter().map(|row| (0.0, row[count], row[place])).collect(),
                None => vec![],
            };
            Grid::new((1.0, 1.0), &cells)
        };
        let operators: Vec<Grid> = OPERATORS.iter().map(|name| of(name)).collect();
        let (all_reduce, send) = (of("all_reduce"), of("send_recv"));
        let longest = tokens.rows.iter().map(|row| row[count]).fold(0.0, f64::max);
        let linear = |at: usize| {
            let at = at as f64 * TOKENS;
            let reduces = if layout.tp > 1 { 2.0 * (all_reduce.at(0.0, at) + LAUNCH) } else { 0.0 };
            operators.iter().map(|operator| operator.at(0.0, at)).sum::<f64>() + reduces
        };
        let points = (longest / TOKENS) as usize + 1;
        let layers = f64::from(layout.layers.max(1)) / f64::from(layout.pp.max(1));
        Ok(Vidur {
            linear: (0..points).map(linear).collect(),
            sends: (0..points).map(|at| send.at(0.0, at as f64 * TOKENS)).collect(),
            decode: attention(&decode, ("batch_size", 1.0), ("kv_cache_size", CACHE))?,
            prefill: attention(&prefill, ("kv_cache_size", CACHE), ("chunk", 1.0))?,
            several: if layout.is_grouped { SEVERAL } else { 1.0 },
            stage: layers * MS,
        })
    }
}

fn attention(columns: &Columns, row: (&str, f64), column: (&str, f64)) -> Result<Grid, TableError> {
    columns.fits(&[row, column])?;
    let cells: Vec<_> =
        columns.of([row.0, column.0, "ms"]).map(|[row, column, ms]| (row, column, ms)).collect();
    Ok(Grid::new((row.1, column.1), &cells))
}

/// Vidur's tables, in milliseconds a layer.
#[derive(Clone, Debug)]
pub(super) struct Vidur {
    /// Σ operators that depend on tokens, at multiples of eight.
    linear: Vec<f64>,
    /// Sending to the next stage, at multiples of eight.
    sends: Vec<f64>,
    /// By sequences and cache.
    decode: Grid,
    /// By cache and chunk.
    prefill: Grid,
    several: f64,
    /// Layers of a stage, and seconds in a millisecond.
    stage: f64,
}

impl Vidur {
    pub(super) fn time(&self, step: &Step<'_>) -> f64 {
        let mut layer = at_tokens(&self.linear, step);
        if step.decodes > 0.0 {
            let several = if step.decodes > 1.0 { self.several } else { 1.0 };
            layer += self.decode.at(step.decodes, cache(step.context)) * several;
        }
        if !step.chunks.is_empty() {
            layer += self.prefill(step);
        }
        layer * self.stage
    }

    fn prefill(&self, step: &Step<'_>) -> f64 {
        let round_up = |tokens: f64| (tokens / CACHE - 1e-9).ceil() * CACHE;
        let prompts: f64 = step.chunks.iter().map(|chunk| chunk.prompts).sum();
        let cached: f64 = step.chunks.iter().map(|chunk| chunk.prompts * round_up(chunk.prefix)).sum();
        let squares: f64 = step.chunks.iter().map(|chunk| chunk.prompts * chunk.tokens * chunk.tokens).sum();
        let several = if prompts > 1.0 + 1e-9 { self.several } else { 1.0 };
        self.prefill.at(cached, squares.sqrt().round()) * several
    }

    /// Time until the next stage has what this one made.
    pub(super) fn sending(&self, step: &Step<'_>) -> f64 {
        at_tokens(&self.sends, step) * MS
    }

    /// Within 64 tokens of the mean cache the time is the same.
    pub(super) fn straight_to(&self, step: &Step<'_>) -> f64 {
        cache(step.context) - 1e-6
    }
}

/// A mean cache as the table is asked for it: with the token at hand, cut to a whole number, rounded up.
///
/// Conversions cut off and need no call, which `floor` and `ceil` do on some processors.
fn cache(context: f64) -> f64 {
    ((context + 1.0 + 1e-9) as u64).div_ceil(CACHE as u64) as f64 * CACHE
}

fn at_tokens(values: &[f64], step: &Step<'_>) -> f64 {
    let prompts: f64 = step.chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum();
    let eights = ((step.decodes + prompts) / TOKENS - 1e-9).max(0.0);
    let below = eights as usize;
    let place = below + usize::from(eights > below as f64);
    values[place.min(values.len() - 1)]
}

#[cfg(test)]
mod tests {
    use crate::op_tables::{Layout, OperatorTables, TableError};
    use crate::step::StepTimes;
    use rackplan_perf::Chunk;

    const LAYOUT: Layout = Layout { layers: 10, tp: 2, pp: 1, is_grouped: true };

    fn files() -> Vec<(String, String)> {
        let tokens = (1..=32).map(|n| format!("{n},1,{},0.5\n", 2 * n)).collect::<String>();
        let decode = (1..=4).flat_map(|b| (0..3).map(move |k| format!("{b},{},{}\n", k * 64, b * 10 + k)));
        let prefill = (0..3).flat_map(|k| (1..=40).map(move |c| format!("{},{c},{}\n", k * 64, k * 100 + c)));
        vec![
            ("tokens".into(), format!("num_tokens,add,mlp_up_proj,all_reduce\n{tokens}")),
            ("decode".into(), format!("batch_size,kv_cache_size,ms\n{}", decode.collect::<String>())),
            ("prefill".into(), format!("kv_cache_size,chunk,ms\n{}", prefill.collect::<String>())),
        ]
    }

    #[test]
    fn hand_a_step_adds_up() {
        let tables = OperatorTables::read(&files(), LAYOUT).expect("good tables");
        // Three decodes round up to 8 tokens: 1 + 16 + 2 (0.5 + 0.02); attention at 3 and 64: 31, a tenth longer.
        let decodes = 10.0 * (1.0 + 16.0 + 1.04 + 31.0 * 1.1) * 1e-3;
        assert!((tables.step(3.0, 50.0, &[]) - decodes).abs() < 1e-12);
        assert!((tables.straight_to(&crate::Step::even(3.0, 50.0, &[])) - 64.0).abs() < 1e-5);
        // With the token at hand 64 are cached; with one more 65, which is the next column.
        assert_eq!(tables.step(3.0, 63.9, &[]), tables.step(3.0, 50.0, &[]));
        assert!(tables.step(3.0, 64.0, &[]) > tables.step(3.0, 63.9, &[]));
        // One prompt: 20 tokens after 30 cached round up to 24 and 64.
        let prompt = [Chunk { prompts: 1.0, tokens: 20.0, prefix: 30.0 }];
        let exact = 10.0 * (1.0 + 48.0 + 1.04 + 120.0) * 1e-3;
        assert!((tables.step(0.0, 0.0, &prompt) - exact).abs() < 1e-12);
        // 3 and 4 tokens are 5 by squares.
        let two = [Chunk { prompts: 49.0 / 25.0, tokens: 25.0 / 7.0, prefix: 0.0 }];
        let exact = 10.0 * (1.0 + 16.0 + 1.04 + 5.0 * 1.1) * 1e-3;
        assert!((tables.step(0.0, 0.0, &two) - exact).abs() < 1e-12);
    }

    #[test]
    fn hand_broken_tables_say_where() {
        let mut broken = files();
        broken[1].1 = broken[1].1.replace("2,64,21", "2,64,soon");
        let error = OperatorTables::read(&broken, LAYOUT).expect_err("broken");
        assert_eq!(error.to_string(), "decode: line 6: `ms` is `soon`; a number of at least 0 belongs there");
        let missing = OperatorTables::read(&files()[..2], LAYOUT).expect_err("two only");
        assert_eq!(missing, TableError::Missing("prefill attention"));
        let other =
            OperatorTables::read(&[("x.csv".into(), "a,b\n1,2".into())], LAYOUT).expect_err("unknown");
        assert!(
            other.to_string().starts_with("x.csv: columns `a,b` are those of no operator table; known are")
        );
        let empty = OperatorTables::read(&[("y".into(), "kv_cache_size,chunk,ms\n".into())], LAYOUT);
        assert_eq!(empty.expect_err("empty"), TableError::Empty("y".into()));
    }
}
