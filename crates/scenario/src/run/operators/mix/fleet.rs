//! The racks that are there and what is asked of them: everything that filling, easing and answering look at.

use super::super::asked::Asked;
use super::super::context::{Context, Shared};
use super::fill::{Draws, Supply};
use super::kind::Kind;
use super::stock::Named;
use crate::QuestionError;
use crate::inputs::Request;
use rayon::prelude::*;

/// A question about racks of several kinds.
#[derive(Clone, Copy)]
pub(super) struct Fleet<'a> {
    pub(super) shared: &'a Shared,
    /// The question about each kind alone.
    pub(super) alone: &'a [Request<'a>],
    pub(super) asked: &'a Asked,
    pub(super) named: &'a [Named],
    /// What its classes are called; none where all requests are alike.
    pub(super) classes: &'a [String],
}

impl<'a> Fleet<'a> {
    /// The question about one of its kinds of rack.
    pub(super) fn about(self, place: usize) -> Context<'a> {
        Context { shared: self.shared, request: &self.alone[place], asked: self.asked }
    }

    /// The same racks asked something else.
    pub(super) fn asking(self, asked: &'a Asked) -> Self {
        Self { asked, ..self }
    }

    pub(super) fn kinds(self) -> Result<Vec<Kind>, QuestionError> {
        let kinds = (0..self.named.len()).into_par_iter();
        kinds.map(|place| Kind::new(self.about(place), self.named[place].racks)).collect()
    }

    pub(super) fn supplies(self, kinds: &[Kind]) -> Vec<Supply> {
        let supply = |(place, kind): (usize, &Kind)| kind.supply(self.about(place), kind.stock);
        kinds.iter().enumerate().map(supply).collect()
    }

    pub(super) fn limits(self) -> Draws {
        [self.asked.budget.power, self.asked.budget.cost]
    }
}
