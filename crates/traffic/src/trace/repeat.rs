//! A trace played several times, end to end.

use super::{Reader, TraceError};
use crate::{Sent, Source};
use std::io::BufRead;

/// What copies of a trace have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Copies {
    /// Nothing: blocks and sessions of each have numbers of their own, so that none finds another's prefixes.
    #[default]
    Apart,
    /// Blocks and sessions: every copy is the same people with the same prompts.
    Alike,
}

/// A trace in memory, once, that is sent several times. Each copy starts one mean gap after the end of the one before.
#[derive(Clone, Debug)]
pub struct Repeated {
    copy: Vec<Sent>,
    block_tokens: Option<u32>,
    times: u32,
    /// From the start of one copy to the start of the next, in seconds.
    period: f64,
    /// Added to the ids of each next copy.
    blocks: u32,
    sessions: u32,
    /// The copy that is being sent, and the next request in it.
    at: (u32, usize),
}

impl Repeated {
    /// Reads a trace to its end, to be sent this many times.
    pub fn read<R: BufRead>(reader: &mut Reader<R>, times: u32, copies: Copies) -> Result<Self, TraceError> {
        let copy = reader.by_ref().collect::<Result<Vec<Sent>, TraceError>>()?;
        Self::new(reader.name(), copy, reader.block_tokens(), times, copies)
    }

    /// The same for requests in memory, in order of time; the name is for messages.
    pub fn new(
        name: &str,
        copy: Vec<Sent>,
        block_tokens: Option<u32>,
        times: u32,
        copies: Copies,
    ) -> Result<Self, TraceError> {
        let above = |highest: Option<u32>| highest.map_or(0, |id| u64::from(id) + 1);
        let blocks = above(copy.iter().flat_map(|sent| sent.blocks.iter().copied()).max());
        let sessions = above(copy.iter().filter_map(|sent| sent.session).max());
        let apart = |ids: u64, what| match copies {
            Copies::Alike => Ok(0),
            Copies::Apart if times <= 1 => Ok(0),
            Copies::Apart => match ids.checked_mul(u64::from(times)) {
                Some(all) if all <= 1 << 32 => Ok(ids as u32),
                _ => Err(TraceError::TooManyIds { name: name.into(), times, ids, what }),
            },
        };
        let (blocks, sessions) = (apart(blocks, "blocks")?, apart(sessions, "sessions")?);
        let period = period(&copy);
        Ok(Self { copy, block_tokens, times, period, blocks, sessions, at: (0, 0) })
    }

    /// Requests of all copies together.
    pub fn requests(&self) -> u64 {
        self.copy.len() as u64 * u64::from(self.times)
    }

    /// Seconds from the start of one copy to the start of the next.
    pub fn period(&self) -> f64 {
        self.period
    }
}

/// Span and mean gap: n gaps where a copy has n - 1. A single request has no gap, and its copies fall together.
fn period(copy: &[Sent]) -> f64 {
    let (Some(first), Some(last)) = (copy.first(), copy.last()) else { return 0.0 };
    let gaps = copy.len() as f64 - 1.0;
    if gaps > 0.0 { (last.at - first.at) * (1.0 + 1.0 / gaps) } else { 0.0 }
}

impl Source for Repeated {
    fn next_sent(&mut self) -> Option<Sent> {
        let (copy, index) = self.at;
        if copy >= self.times {
            return None;
        }
        let mut sent = self.copy.get(index)?.clone();
        sent.at += f64::from(copy) * self.period;
        sent.session = sent.session.map(|session| session + copy * self.sessions);
        sent.blocks.iter_mut().for_each(|block| *block += copy * self.blocks);
        self.at = if index + 1 < self.copy.len() { (copy, index + 1) } else { (copy + 1, 0) };
        Some(sent)
    }

    fn block_tokens(&self) -> Option<u32> {
        self.block_tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Sent> {
        let first = Sent { at: 0.0, session: Some(0), blocks: Box::new([0, 1]), ..Sent::default() };
        let second = Sent { at: 4.0, session: Some(1), blocks: Box::new([0, 2]), ..Sent::default() };
        vec![first, second]
    }

    #[test]
    fn hand_copies_follow_each_other() {
        // Two requests 4 s apart: span 4 s, mean gap 4 s, so that the next copy starts at 8 s.
        let mut apart = Repeated::new("two", two(), Some(512), 2, Copies::Apart).unwrap();
        assert_eq!((apart.requests(), apart.period(), apart.block_tokens()), (4, 8.0, Some(512)));
        let sent: Vec<Sent> = std::iter::from_fn(|| apart.next_sent()).collect();
        assert_eq!(sent.iter().map(|sent| sent.at).collect::<Vec<_>>(), [0.0, 4.0, 8.0, 12.0]);
        assert_eq!((sent[3].session, &*sent[3].blocks), (Some(3), &[3, 5][..]));
        let mut alike = Repeated::new("two", two(), None, 2, Copies::Alike).unwrap();
        let last = std::iter::from_fn(|| alike.next_sent()).last().unwrap();
        assert_eq!((last.session, &*last.blocks), (Some(1), &[0, 2][..]));
    }

    #[test]
    fn hand_too_many_copies() {
        let error = Repeated::new("two", two(), None, u32::MAX, Copies::Apart).unwrap_err();
        assert_eq!(error.to_string(), "two: 4294967295 copies of 3 ids of blocks are more than 2^32 ids");
        let mut none = Repeated::new("none", Vec::new(), None, 3, Copies::Apart).unwrap();
        assert_eq!(none.next_sent(), None);
    }
}
