//! Requests that wait, in order of class and then of arrival.

use crate::request::Request;
use std::collections::VecDeque;

/// Waiting requests. Class 0 is served first; within a class the first that came.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: Vec<VecDeque<u32>>,
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

    /// Whether no other class than the most urgent has been seen.
    pub(crate) fn has_one_class(&self) -> bool {
        self.classes.len() <= 1
    }

    pub(crate) fn front(&self) -> Option<u32> {
        self.classes.iter().find_map(|class| class.front().copied())
    }

    fn class(&mut self, request: &Request) -> &mut VecDeque<u32> {
        let class = usize::from(request.class);
        if self.classes.len() <= class {
            self.classes.resize_with(class + 1, VecDeque::new);
        }
        self.waiting += 1;
        self.tokens += request.prompt();
        &mut self.classes[class]
    }

    pub(crate) fn push_back(&mut self, id: u32, request: &Request) {
        self.class(request).push_back(id);
    }

    pub(crate) fn push_front(&mut self, id: u32, request: &Request) {
        self.class(request).push_front(id);
    }

    /// Takes out the first, which is this one.
    pub(crate) fn pop_front(&mut self, request: &Request) {
        if self.classes[usize::from(request.class)].pop_front().is_some() {
            self.waiting -= 1;
            self.tokens -= request.prompt();
        }
    }
}
