//! A model as the text of a catalog entry: one field a line, one half of a layer a line, the same bytes every time.

use super::Model;
use serde::Serialize;
use std::fmt::Write as _;

/// The catalog entry of a model; it reads back as the same model.
pub fn to_toml(model: &Model) -> String {
    let mut text = String::new();
    names(&mut text, model);
    shape(&mut text, model);
    origin(&mut text, model);
    if let Some(published) = &model.published {
        text.push_str("\n[published]\n");
        optional(&mut text, "total", published.total.as_ref());
        optional(&mut text, "active", published.active.as_ref());
        line(&mut text, "source", &published.source);
        line(&mut text, "basis", &published.basis);
    }
    for (name, kind) in &model.layer_kinds {
        let _ = write!(text, "\n[layer_kinds.{name}]\n");
        optional(&mut text, "mixer", kind.mixer.as_ref());
        optional(&mut text, "ffn", kind.ffn.as_ref());
    }
    text
}

fn names(text: &mut String, model: &Model) {
    line(text, "name", &model.name);
    line(text, "aliases", &model.aliases);
}

fn shape(text: &mut String, model: &Model) {
    line(text, "hidden", &model.hidden);
    line(text, "vocab", &model.vocab);
    optional(text, "max_context", model.max_context.as_ref());
    line(text, "tied_embeddings", &model.tied_embeddings);
    unless(text, "learned_positions", &model.learned_positions, model.learned_positions == 0);
    unless(text, "norm", &model.norm, model.norm.is_rms());
    unless(text, "post_norm", &model.post_norm, !model.post_norm);
    unless(text, "parallel_block", &model.parallel_block, !model.parallel_block);
    unless(text, "residual_streams", &model.residual_streams, model.residual_streams == 0);
    unless(text, "mtp_layers", &model.mtp_layers, model.mtp_layers == 0);
    unless(text, "mtp_kinds", &model.mtp_kinds, model.mtp_kinds.is_empty());
    unless(text, "mtp_accepted", &model.mtp_accepted, model.mtp_accepted.is_empty());
    line(text, "weight_dtype", &model.weight_dtype);
    optional(text, "expert_weight_dtype", model.expert_weight_dtype.as_ref());
    optional(text, "fp8_weight_dtype", model.fp8_weight_dtype.as_ref());
    optional(text, "layer_count", model.layer_count.as_ref());
    line(text, "layers", &model.layers);
}

fn origin(text: &mut String, model: &Model) {
    line(text, "source", &model.source);
    line(text, "basis", &model.basis);
    optional(text, "notes", model.notes.as_ref());
    unless(text, "other_sources", &model.other_sources, model.other_sources.is_empty());
}

fn line(text: &mut String, key: &str, value: &impl Serialize) {
    let mut written = String::new();
    // Our own types have no form that TOML lacks, so that this cannot fail; the reading test would show it.
    if value.serialize(toml::ser::ValueSerializer::new(&mut written)).is_ok() {
        let _ = writeln!(text, "{key} = {written}");
    }
}

fn optional(text: &mut String, key: &str, value: Option<&impl Serialize>) {
    if let Some(value) = value {
        line(text, key, value);
    }
}

fn unless(text: &mut String, key: &str, value: &impl Serialize, absent: bool) {
    if !absent {
        line(text, key, value);
    }
}
