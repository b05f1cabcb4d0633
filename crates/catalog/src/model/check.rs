//! What a model's types cannot express: ranges, divisibility, names that must exist.
//!
//! The limits keep every derived number exact: the largest possible total fits a `u64`.

use super::ffn::Ffn;
use super::layer::LayerKind;
use super::mixer::Mixer;
use super::pattern::is_kind_name;
use super::sizes::{Size, ffn_sizes, mixer_divisions, mixer_sizes};
use super::{Model, PatternError};
use crate::Fault;
use crate::reading::explain;

/// More than any width: hidden, intermediate, all heads together.
pub const MAX_WIDTH: u64 = 1 << 18;
/// More than any number of experts.
pub const MAX_EXPERTS: u64 = 1 << 14;
/// More than any vocabulary.
pub const MAX_VOCAB: u64 = 1 << 24;
/// More than any context.
pub const MAX_CONTEXT: u64 = 1 << 40;

/// Checks a model.
pub(super) fn check(model: &Model) -> Result<(), Fault> {
    in_range("hidden", model.hidden, MAX_WIDTH)?;
    in_range("vocab", model.vocab, MAX_VOCAB)?;
    in_range("max_context", model.max_context.unwrap_or(1), MAX_CONTEXT)?;
    in_range("learned_positions", model.learned_positions.max(1), MAX_VOCAB)?;
    in_range("residual_streams", model.residual_streams.max(1), 64)?;
    in_range("mtp_layers", model.mtp_layers.max(1), 64)?;
    check_accepted(&model.mtp_accepted)?;
    check_layers(model)?;
    model.layer_kinds.iter().try_for_each(|(name, kind)| check_kind(name, kind))
}

/// A step yields the verified token, and at most one for each that was drafted.
fn check_accepted(accepted: &[f64]) -> Result<(), Fault> {
    let wrong =
        (1..).zip(accepted).find(|(drafted, yields)| !(1.0..=1.0 + f64::from(*drafted)).contains(*yields));
    wrong.map_or(Ok(()), |(drafted, yields): (u32, &f64)| {
        let problem = format!("{yields} tokens a step with {drafted} drafted");
        Err(Fault::new("mtp_accepted", problem).hint(format!("expected 1 to {}", drafted + 1)))
    })
}

fn check_layers(model: &Model) -> Result<(), Fault> {
    if model.layers.count() == 0 {
        return Err(Fault::new("layers", "there are none").hint("e.g. `layers = [\"3 dense\", \"58 moe\"]`"));
    }
    model
        .layers
        .check(model.layer_kinds.keys(), model.layer_count)
        .map_err(|error| fault("layers", &error))?;
    in_range("mtp_kinds", model.mtp_kinds.len().max(1) as u64, 16)?;
    match model.mtp_kinds.iter().find(|name| !model.layer_kinds.contains_key(*name)) {
        Some(name) => {
            let known = model.layer_kinds.keys().cloned().collect();
            Err(fault("mtp_kinds", &PatternError::UnknownKind { name: name.clone(), known }))
        }
        None => Ok(()),
    }
}

fn fault(field: &str, error: &PatternError) -> Fault {
    let (problem, hint) = explain(&error.to_string());
    Fault { field: field.to_owned(), problem, hint }
}

fn check_kind(name: &str, kind: &LayerKind) -> Result<(), Fault> {
    let place = format!("layer_kinds.{name}");
    if !is_kind_name(name) {
        return Err(Fault::new(place, "a kind's name has lower-case letters, digits and `_`"));
    }
    if kind.mixer.is_none() && kind.ffn.is_none() {
        return Err(Fault::new(place, "it has neither `mixer` nor `ffn`"));
    }
    if let Some(mixer) = &kind.mixer {
        check_mixer(&format!("{place}.mixer"), mixer)?;
    }
    kind.ffn.as_ref().map_or(Ok(()), |ffn| check_ffn(&format!("{place}.ffn"), ffn))
}

fn check_mixer(place: &str, mixer: &Mixer) -> Result<(), Fault> {
    check_sizes(place, &mixer_sizes(mixer))?;
    match mixer_divisions(mixer).into_iter().find(|(whole, part)| whole.value % part.value != 0) {
        Some((whole, part)) => {
            let problem =
                format!("`{}` is {}, which is no multiple of {}", whole.name, whole.value, part.value);
            Err(Fault::new(format!("{place}.{}", whole.name), problem)
                .hint(format!("`{}` must divide it", part.name)))
        }
        None => Ok(()),
    }
}

fn check_ffn(place: &str, ffn: &Ffn) -> Result<(), Fault> {
    check_sizes(place, &ffn_sizes(ffn))?;
    match ffn.moe() {
        Some(moe) if moe.experts_per_token > moe.experts => {
            let problem = format!("it is {} of {} experts", moe.experts_per_token, moe.experts);
            Err(Fault::new(format!("{place}.experts_per_token"), problem).hint("at most `experts`"))
        }
        _ => Ok(()),
    }
}

fn check_sizes(place: &str, sizes: &[Size]) -> Result<(), Fault> {
    sizes.iter().try_for_each(|size| in_range(&format!("{place}.{}", size.name), size.value, size.limit))
}

fn in_range(field: &str, value: u64, limit: u64) -> Result<(), Fault> {
    match value {
        0 => Err(Fault::new(field, "it is 0").hint("expected a whole number of at least 1")),
        _ if value > limit => {
            Err(Fault::new(field, format!("it is {value}")).hint(format!("expected at most {limit}")))
        }
        _ => Ok(()),
    }
}
