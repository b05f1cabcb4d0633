//! One request as the engine sees it.

/// A request on its way. Times are in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request {
    pub(crate) input: u32,
    pub(crate) output: u32,
    /// When the client sent it.
    pub(crate) sent: f64,
    /// When the scheduler may see it.
    pub(crate) seen: f64,
    /// When its first token arrived.
    pub(crate) first: Option<f64>,
    /// When its last token arrived.
    pub(crate) last: Option<f64>,
    /// Tokens it had generated when its prompt was last begun.
    made: f64,
    /// Decode steps of its rank when it joined the decoding sequences.
    joined: u64,
    /// How often it was taken back for want of cache.
    pub(crate) taken_back: u32,
}

impl Request {
    pub(crate) fn new(input: u32, output: u32) -> Self {
        Self { input, output: output.max(1), ..Self::default() }
    }

    /// Tokens to compute before it can decode: its prompt, and what it had generated before it was taken back.
    pub(crate) fn prompt(&self) -> f64 {
        f64::from(self.input) + self.made
    }

    /// Output still to come when its prompt is begun.
    pub(crate) fn output_left(&self) -> f64 {
        f64::from(self.output) - self.made
    }

    /// Joins the decoding sequences after the given decode steps of its rank; returns the one that ends it, if any.
    pub(crate) fn join(&mut self, steps: u64, tokens_per_step: f64) -> Option<u64> {
        self.joined = steps;
        // The prompt itself gives one token. A hair less, so that rounding adds no step.
        let left = self.output_left() - 1.0;
        (left > 0.0).then(|| steps + (left / tokens_per_step - 1e-9).ceil().max(1.0) as u64)
    }

    /// Tokens in the cache after the given decode steps.
    pub(crate) fn cached(&self, steps: u64, tokens_per_step: f64) -> f64 {
        self.prompt() + (steps - self.joined) as f64 * tokens_per_step
    }

    /// Loses its cache; what it has generated becomes part of its prompt. One token at least is left to generate.
    pub(crate) fn take_back(&mut self, steps: Option<u64>, tokens_per_step: f64) {
        if let Some(steps) = steps {
            let more = 1.0 + ((steps - self.joined) as f64 * tokens_per_step).floor();
            self.made = (self.made + more).min(f64::from(self.output) - 1.0);
        }
        self.taken_back += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_a_request_that_is_taken_back_goes_on_where_it_was() {
        let mut request = Request::new(100, 10);
        // One token from the prompt, nine more steps.
        assert_eq!((request.prompt(), request.join(5, 1.0)), (100.0, Some(14)));
        assert_eq!(request.cached(9, 1.0), 104.0);
        request.take_back(Some(9), 1.0);
        // 1 + 4 tokens generated; the prompt gives the sixth, four steps are left.
        assert_eq!((request.prompt(), request.join(20, 1.0)), (105.0, Some(24)));
        assert_eq!(Request::new(100, 1).join(3, 1.0), None);
        assert_eq!(Request::new(100, 10).join(0, 3.0), Some(3));
    }
}
