//! Keeps an eye on requests as they are sent: the first of them, and how many there were.

use rackplan_traffic::{Answered, Sent, Source};

/// First requests that are kept.
const MOST_KEPT: usize = 16_384;

/// A source of requests with what has passed.
#[derive(Debug)]
pub(super) struct Tap<S> {
    source: S,
    pub(super) passed: Passed,
}

/// What has passed.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed {
    /// The first requests.
    pub(super) kept: Vec<Sent>,
    /// Requests, and tokens of their prompts and answers.
    pub(super) count: u64,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) block_tokens: Option<u32>,
}

impl<S: Source> Tap<S> {
    pub(super) fn new(source: S) -> Self {
        let block_tokens = source.block_tokens();
        Self { source, passed: Passed { block_tokens, ..Passed::default() } }
    }

    fn see(&mut self, sent: Option<Sent>) -> Option<Sent> {
        let sent = sent?;
        let passed = &mut self.passed;
        passed.count += 1;
        passed.input += u64::from(sent.input);
        passed.output += u64::from(sent.output);
        if passed.kept.len() < MOST_KEPT {
            passed.kept.push(sent.clone());
        }
        Some(sent)
    }
}

impl<S: Source> Source for Tap<S> {
    fn next_sent(&mut self) -> Option<Sent> {
        let sent = self.source.next_sent();
        self.see(sent)
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let sent = self.source.answered(answered);
        self.see(sent)
    }

    fn block_tokens(&self) -> Option<u32> {
        self.source.block_tokens()
    }
}

impl Passed {
    pub(super) fn isl_mean(&self) -> f64 {
        self.input as f64 / self.count.max(1) as f64
    }

    pub(super) fn osl_mean(&self) -> f64 {
        self.output as f64 / self.count.max(1) as f64
    }
}
