//! Collects the layers of a model, finds equal ones and gives each kind a name.

use crate::model::{LayerKind, Pattern};
use std::collections::BTreeMap;

/// The layers in order, equal ones held once.
#[derive(Default)]
pub(super) struct Stack {
    kinds: Vec<Labelled>,
    order: Vec<usize>,
    mtp: Vec<usize>,
}

/// A kind with what its mixer and its feed-forward network are called; an absent half has an empty label.
struct Labelled {
    mixer: &'static str,
    ffn: &'static str,
    kind: LayerKind,
}

/// What a [`Stack`] amounts to.
pub(super) struct Finished {
    pub(super) layers: Pattern,
    pub(super) kinds: BTreeMap<String, LayerKind>,
    pub(super) mtp_kinds: Vec<String>,
}

impl Stack {
    /// Adds a layer.
    pub(super) fn push(&mut self, mixer: &'static str, ffn: &'static str, kind: LayerKind) {
        let at = self.find(mixer, ffn, kind);
        self.order.push(at);
    }

    /// Adds a layer to the MTP module.
    pub(super) fn push_mtp(&mut self, mixer: &'static str, ffn: &'static str, kind: LayerKind) {
        let at = self.find(mixer, ffn, kind);
        self.mtp.push(at);
    }

    fn find(&mut self, mixer: &'static str, ffn: &'static str, kind: LayerKind) -> usize {
        self.kinds.iter().position(|held| held.kind == kind).unwrap_or_else(|| {
            self.kinds.push(Labelled { mixer, ffn, kind });
            self.kinds.len() - 1
        })
    }

    /// Names the kinds: by the half in which they differ, by both where both differ, numbered where that is not
    /// enough.
    pub(super) fn finish(self) -> Finished {
        let both = self.kinds.iter().filter(|k| !k.mixer.is_empty() && !k.ffn.is_empty());
        let one_mixer = all_same(both.clone().map(|k| k.mixer));
        let one_ffn = all_same(both.clone().map(|k| k.ffn));
        let any_both = both.count() > 0;
        let mut names: Vec<String> = Vec::new();
        for kind in &self.kinds {
            let base = match (kind.mixer, kind.ffn) {
                (half, "") | ("", half) if any_both => format!("{half}_only"),
                (half, "") | ("", half) => half.to_owned(),
                (_, ffn) if one_mixer => ffn.to_owned(),
                (mixer, _) if one_ffn => mixer.to_owned(),
                (mixer, ffn) => format!("{mixer}_{ffn}"),
            };
            names.push(unused(base, &names));
        }
        let named = |order: &[usize]| order.iter().map(|at| names[*at].clone()).collect::<Vec<_>>();
        Finished {
            layers: Pattern::compress(&named(&self.order)),
            mtp_kinds: named(&self.mtp),
            kinds: names.iter().cloned().zip(self.kinds.into_iter().map(|held| held.kind)).collect(),
        }
    }
}

fn all_same<'a>(mut labels: impl Iterator<Item = &'a str>) -> bool {
    let first = labels.next();
    labels.all(|label| Some(label) == first)
}

/// `dense`, or `dense_2` if that is taken.
fn unused(base: String, taken: &[String]) -> String {
    let numbered = (2..).map(|n| format!("{base}_{n}"));
    let free = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name));
    free.unwrap_or(base)
}
