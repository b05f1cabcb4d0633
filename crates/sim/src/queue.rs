//! Requests that wait, in order of priority and then of arrival.

use crate::request::Request;
use std::collections::VecDeque;

/// Waiting requests. Priority 0 is served first; of one priority the first that came.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    levels: Vec<VecDeque<u32>>,
    waiting: usize,
    /// Prompt tokens of those that wait.
    tokens: f64,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(crate) fn tokens(&self) -> f64 {
        self.tokens
    }

    /// Whether no other priority than the most urgent has been seen.
    pub(crate) fn has_one_level(&self) -> bool {
        self.levels.len() <= 1
    }

    pub(crate) fn front(&self) -> Option<u32> {
        self.levels.iter().find_map(|level| level.front().copied())
    }

    fn level(&mut self, request: &Request) -> &mut VecDeque<u32> {
        let level = usize::from(request.priority);
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, VecDeque::new);
        }
        self.waiting += 1;
        self.tokens += f64::from(request.prompt());
        &mut self.levels[level]
    }

    pub(crate) fn push_back(&mut self, id: u32, request: &Request) {
        self.level(request).push_back(id);
    }

    pub(crate) fn push_front(&mut self, id: u32, request: &Request) {
        self.level(request).push_front(id);
    }

    /// Takes out the first, which is this one.
    pub(crate) fn pop_front(&mut self, request: &Request) {
        if self.levels[usize::from(request.priority)].pop_front().is_some() {
            self.waiting -= 1;
            self.tokens -= f64::from(request.prompt());
        }
    }
}
