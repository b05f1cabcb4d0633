//! Requests that share a stamp of a coarse clock, spread over the time until the next one.

use crate::{Sent, Stream};
use std::collections::VecDeque;

/// Holds back the requests of one stamp until the next stamp is known.
#[derive(Debug)]
pub(crate) struct Spread {
    /// Step of the clock, in seconds.
    grid: f64,
    random: Stream,
    same: VecDeque<Sent>,
    ready: VecDeque<Sent>,
}

impl Spread {
    pub(crate) fn new(grid: f64, seed: u64) -> Self {
        Self { grid, random: Stream::new(seed, "jitter"), same: VecDeque::new(), ready: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, sent: Sent) {
        if let Some(first) = self.same.front()
            && first.at < sent.at
        {
            self.release((sent.at - first.at).min(self.grid));
        }
        self.same.push_back(sent);
    }

    /// There are no more.
    pub(crate) fn finish(&mut self) {
        self.release(self.grid);
    }

    pub(crate) fn pop(&mut self) -> Option<Sent> {
        self.ready.pop_front()
    }

    /// Uniform over this many seconds, in the order of the file.
    fn release(&mut self, width: f64) {
        let mut shares: Vec<f64> = self.same.iter().map(|_| self.random.unit()).collect();
        shares.sort_by(f64::total_cmp);
        for (sent, share) in self.same.iter_mut().zip(shares) {
            sent.at += share * width;
        }
        self.ready.append(&mut self.same);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_requests_stay_in_order_and_in_their_cell() {
        let mut spread = Spread::new(3.0, 1);
        let stamps = [0.0, 0.0, 0.0, 3.0, 3.04, 3.04, 30.0, 30.0];
        for (at, turn) in stamps.into_iter().zip(0..) {
            spread.push(Sent { at, turn, ..Sent::default() });
        }
        spread.finish();
        let ends = [3.0, 3.0, 3.0, 3.04, 6.04, 6.04, 33.0, 33.0];
        let mut last = 0.0;
        for ((turn, start), end) in (0..).zip(stamps).zip(ends) {
            let sent = spread.pop().unwrap();
            assert_eq!(sent.turn, turn);
            assert!(sent.at >= start.max(last) && sent.at < end, "{sent:?}");
            last = sent.at;
        }
        assert_eq!(spread.pop(), None);
    }
}
