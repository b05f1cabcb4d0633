//! The same question with something changed, decided again: what reasons, what-ifs and sensitivities are made of.

use super::decision::decision;
use super::size::decided;
use crate::answer::{Decision, SizeAnswer};
use crate::inputs::Inputs;
use crate::layers::{Layers, Origin};
use crate::{OverlayFile, QuestionError};

/// A question that is asked again and again.
#[derive(Clone, Debug)]
pub(crate) struct Trial<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) layers: Layers,
}

/// What differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// Keys of the question with their values.
    pub(crate) keys: Vec<(String, String)>,
    /// Text of a file over the catalog.
    pub(crate) figures: Option<String>,
}

impl Change {
    /// One key.
    pub(crate) fn key(path: &str, value: impl ToString) -> Self {
        Self { keys: vec![(path.to_owned(), value.to_string())], figures: None }
    }

    /// A file over the catalog.
    pub(crate) fn figures(text: String) -> Self {
        Self { keys: Vec::new(), figures: Some(text) }
    }
}

impl<'a> Trial<'a> {
    pub(crate) fn new(inputs: &'a Inputs, layers: &Layers) -> Self {
        Self { inputs, layers: layers.clone() }
    }

    /// The plan of an answer on its hardware and in its number format, and no other.
    pub(crate) fn pinned(&self, answer: &SizeAnswer) -> Option<Self> {
        let d = answer.deployment.as_ref()?;
        // Ceilings lay plans out without attention data parallelism; their number formats have names of their own.
        // How many workers of pools there are cannot be named.
        let dp = d.plan.dp.filter(|_| d.pools.is_none())?;
        let mut layers = self.layers.clone();
        let plan = [("tp", d.plan.tp), ("pp", d.plan.pp), ("ep", d.plan.ep), ("dp", dp)];
        for (key, size) in plan {
            set(&mut layers, &format!("search.{key}"), &size.to_string());
        }
        set(&mut layers, "hardware", &d.hardware.id);
        set(&mut layers, "quant", &d.quant);
        set(&mut layers, "search.mode", "aggregated");
        for (key, _) in plan {
            layers.remove(&format!("search.prefill_{key}"));
        }
        if let Some(latency) = &d.latency {
            set(&mut layers, "backend", &latency.backend);
        }
        Some(Self { inputs: self.inputs, layers })
    }

    /// The answer without alternatives.
    pub(crate) fn ask(&self, change: &Change) -> Result<SizeAnswer, QuestionError> {
        let mut layers = self.layers.clone();
        for (path, value) in &change.keys {
            set(&mut layers, path, value);
        }
        let Some(text) = change.figures.clone() else {
            return decided(self.inputs, &layers);
        };
        let (shown, relative) = ("what-if".to_owned(), "what-if.toml".to_owned());
        let file = OverlayFile { shown, relative, text };
        let inputs = self.inputs.with_overlay(file).map_err(|error| {
            let place = String::new();
            QuestionError::Catalog { place, error }
        })?;
        decided(&inputs, &layers)
    }

    /// What is decided then; nothing where nothing serves or the value makes no sense.
    pub(crate) fn decide(&self, change: &Change) -> Option<Decision> {
        self.ask(change).ok().and_then(|answer| decision(&answer))
    }
}

fn set(layers: &mut Layers, path: &str, value: &str) {
    layers.add(path, value, Origin::Set);
}
