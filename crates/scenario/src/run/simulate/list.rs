//! Requests in memory, sent faster or slower than they came.

use rackplan_traffic::{Sent, Source};

/// Requests in order of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List {
    pub(super) sent: Vec<Sent>,
    pub(super) block_tokens: Option<u32>,
}

impl List {
    /// Requests a second on average: n - 1 gaps over the time between the first and the last.
    pub(super) fn rate(&self) -> Option<f64> {
        let (first, last) = (self.sent.first()?, self.sent.last()?);
        let span = last.at - first.at;
        (span > 0.0).then(|| (self.sent.len() - 1) as f64 / span)
    }

    /// The requests, so many times as fast.
    pub(super) fn faster(&self, by: f64) -> Listed<'_> {
        Listed { list: self, by, next: 0 }
    }
}

/// The requests of a list on their way.
pub(super) struct Listed<'a> {
    list: &'a List,
    by: f64,
    next: usize,
}

impl Source for Listed<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        let sent = self.list.sent.get(self.next)?;
        self.next += 1;
        Some(Sent { at: sent.at / self.by, ..sent.clone() })
    }

    fn block_tokens(&self) -> Option<u32> {
        self.list.block_tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_twice_as_fast_is_half_the_time() {
        let sent = [1.0, 3.0, 5.0].map(|at| Sent { at, ..Sent::default() }).to_vec();
        let list = List { sent, block_tokens: Some(16) };
        assert_eq!(list.rate(), Some(0.5));
        let mut twice = list.faster(2.0);
        let times: Vec<f64> = std::iter::from_fn(|| twice.next_sent()).map(|sent| sent.at).collect();
        assert_eq!((times, twice.block_tokens()), (vec![0.5, 1.5, 2.5], Some(16)));
    }
}
