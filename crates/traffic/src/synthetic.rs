//! Requests drawn from laws: open arrivals, several classes, and prompts that start alike.

use crate::{Gaps, Lengths, Sent, Source, Stream, Times};
use std::ops::Range;

/// Requests of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Share of requests, relative to the other classes'. What is not positive and finite counts as 0.
    pub share: f64,
    /// Priority class; 0 is the most urgent.
    pub class: u16,
    /// Tokens at the start of every prompt of this class, the same in all.
    pub shared: u32,
    /// Prompt tokens after the shared ones.
    pub input: Lengths,
    /// Answer tokens.
    pub output: Lengths,
}

/// What a [`Synthetic`] source sends. Without `requests` and `duration` it has no end.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticLoad {
    /// Gaps between requests.
    pub gaps: Gaps,
    /// Kinds of requests; each has shared tokens of its own.
    pub classes: Vec<Class>,
    /// The most requests.
    pub requests: Option<u64>,
    /// Seconds after which none is sent.
    pub duration: Option<f64>,
    /// Tokens in a prefix block. Prompts then carry the full blocks of their shared start; what follows is nobody else's.
    pub block_tokens: Option<u32>,
    /// Of all that is drawn.
    pub seed: u64,
}

/// A class with its streams, so that changing one class leaves the draws of the others alone.
#[derive(Clone, Debug)]
struct Kind {
    class: Class,
    /// Shares of this class and those before it.
    up_to: f64,
    blocks: Range<u32>,
    input: Stream,
    output: Stream,
}

/// A source of requests that wait for no answers.
#[derive(Clone, Debug)]
pub struct Synthetic {
    times: Times,
    kinds: Vec<Kind>,
    choice: Stream,
    left: u64,
    duration: f64,
    block_tokens: Option<u32>,
}

impl Synthetic {
    /// Starts at time 0.
    pub fn new(load: SyntheticLoad) -> Self {
        let block_tokens = load.block_tokens.filter(|tokens| *tokens > 0);
        let (mut up_to, mut next) = (0.0, 0_u32);
        let kinds = load.classes.into_iter().zip(0..).map(|(class, number)| {
            up_to += if class.share > 0.0 && class.share.is_finite() { class.share } else { 0.0 };
            let blocks = next..next.saturating_add(block_tokens.map_or(0, |tokens| class.shared / tokens));
            next = blocks.end;
            let [input, output] = ["input", "output"].map(|name| Stream::of(load.seed, name, number));
            Kind { class, up_to, blocks, input, output }
        });
        Self {
            kinds: kinds.collect(),
            times: load.gaps.times(load.seed, "arrivals"),
            choice: Stream::new(load.seed, "class"),
            left: load.requests.unwrap_or(u64::MAX),
            duration: load.duration.unwrap_or(f64::INFINITY),
            block_tokens,
        }
    }

    /// Draws a class by its share.
    fn kind(&mut self) -> Option<&mut Kind> {
        let share = self.choice.unit() * self.kinds.last()?.up_to;
        self.kinds.iter_mut().find(|kind| share < kind.up_to)
    }
}

impl Source for Synthetic {
    fn next_sent(&mut self) -> Option<Sent> {
        if self.left == 0 {
            return None;
        }
        let at = self.times.next().filter(|at| *at <= self.duration)?;
        self.left -= 1;
        let kind = self.kind()?;
        let input = kind.class.input.draw(&mut kind.input).saturating_add(kind.class.shared);
        let output = kind.class.output.draw(&mut kind.output);
        let blocks = kind.blocks.clone().collect();
        let class = kind.class.class;
        Some(Sent { at, input, output, session: None, turn: 0, class, priority: class, blocks })
    }

    fn block_tokens(&self) -> Option<u32> {
        self.block_tokens
    }
}
