//! The model as the three-ceiling method takes it: a founding preset, or a real architecture.

use super::format::Quant;
use super::{Inputs, Notes};
use crate::QuestionError;
use crate::layers::Layers;
use rackplan_catalog::first_order::{self as founding, Presets};
use rackplan_catalog::model::{CacheBytes, Ffn, Mixer, Moe};
use rackplan_catalog::{CatalogError, Entry, Kind, Model, hf_config};
use rackplan_first_order as method;

/// Messages and bytes of dispatching a token to its experts, over one copy.
/// Source: the founding documents' dispatch factor of Qwen3-235B-A22B, their only one for a model that exists as given.
const DISPATCH_FACTOR: f64 = 2.0;

/// What runs.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A preset of the founding documents.
    Founding { preset: founding::Model },
    /// An architecture, from the catalog or from a `config.json`.
    Real(Box<Entry<Model>>),
}

impl Subject {
    /// The architecture, where it is not a preset.
    pub(crate) fn real(&self) -> Option<&Model> {
        match self {
            Self::Real(entry) => Some(&entry.record),
            Self::Founding { .. } => None,
        }
    }

    /// Looks a name up: founding shortcuts, then files, then the catalog, then the other founding names.
    pub(crate) fn find(
        name: &str,
        inputs: &Inputs,
        presets: &Presets,
        layers: &Layers,
        notes: &mut Notes,
    ) -> Result<Self, QuestionError> {
        let place = layers.place("model");
        if matches!(name, "1" | "2" | "3") {
            return founding_model(name, presets).map_err(|error| catalog_error(&place, error));
        }
        if let Some(text) = inputs.texts.get(name) {
            return imported(name, text, notes);
        }
        match inputs.catalog.get::<Model>(name) {
            Ok(entry) => {
                notes.use_entry(Kind::Models, &entry.id, &entry.overlays);
                Ok(Subject::Real(Box::new(entry)))
            }
            // A short name of several real models must not end up at the one preset that begins like it.
            Err(error @ CatalogError::AmbiguousName { .. }) => Err(catalog_error(&place, error)),
            Err(error) => founding_model(name, presets).map_err(|_| catalog_error(&place, error)),
        }
    }

    /// Id in the catalog, the path of a file, or the founding preset's name.
    pub(crate) fn id(&self) -> &str {
        match self {
            Subject::Founding { preset, .. } => &preset.name,
            Subject::Real(entry) => &entry.id,
        }
    }

    /// Name for people.
    pub(crate) fn name(&self) -> &str {
        match self {
            Subject::Founding { preset } => &preset.name,
            Subject::Real(entry) => &entry.record.name,
        }
    }

    /// A founding shortcut.
    pub(crate) fn founding(name: &str, presets: &Presets) -> Self {
        founding_model(name, presets).expect("the founding shortcuts are among the presets")
    }

    /// As the method takes it, with `context` KV tokens kept per user (0: as the preset says) at `kv_bytes` an element.
    pub(crate) fn model(&self, context: u64, kv_bytes: f64) -> method::Model {
        match self {
            Subject::Founding { preset } => method::Model::from(preset).with_tokens_cached(context),
            Subject::Real(entry) => real(&entry.record, context, kv_bytes),
        }
    }

    /// Bytes of a weight and of a KV element.
    pub(crate) fn bytes(
        &self,
        quant: Quant,
        presets: &Presets,
        gpu: Option<&rackplan_catalog::Gpu>,
    ) -> Result<(f64, f64), CatalogError> {
        match self {
            Subject::Founding { .. } => {
                let preset = presets.quantisation(quant.bits())?.record;
                Ok((preset.weight_bytes, preset.kv_bytes_per_element))
            }
            Subject::Real(_) => {
                let format = quant.format(gpu);
                Ok((format.bytes_per_weight(), format.kv_bytes_per_element()))
            }
        }
    }
}

/// The catalog's look-up failed; the founding names are tried before it is said.
fn founding_model(name: &str, presets: &Presets) -> Result<Subject, CatalogError> {
    let found = presets.model(name)?;
    Ok(Subject::Founding { preset: found.record.clone() })
}

fn imported(name: &str, text: &str, notes: &mut Notes) -> Result<Subject, QuestionError> {
    let found = hf_config::import(text, None).map_err(|error| {
        let hint = error.hint();
        let error = QuestionError::Value { place: name.to_owned(), problem: error.to_string(), hint: None };
        hint.into_iter().fold(error, |error, hint| error.with_hint(hint))
    })?;
    found.warnings.into_iter().for_each(|warning| notes.warn(format!("{name}: {warning}")));
    let mut record = found.model;
    if record.name.is_empty() {
        record.name = name.to_owned();
    }
    Ok(Subject::Real(Box::new(Entry { id: name.to_owned(), record, overlays: Vec::new() })))
}

pub(crate) fn catalog_error(place: &str, error: CatalogError) -> QuestionError {
    QuestionError::Catalog { place: format!("{place}: "), error }
}

/// A real architecture: its own counts. What a sequence of this length keeps (KV cache, index keys, recurrent state) is
/// shared out over its tokens, so that windows, compressed layers and states count as what they hold.
fn real(model: &Model, context: u64, kv_bytes: f64) -> method::Model {
    let tokens = context.max(1);
    let bytes = CacheBytes::with_kv(kv_bytes);
    let sequence = model.kv_bytes_of_sequence(tokens, bytes) + model.state_bytes_of_sequence(bytes);
    method::Model {
        parameters: model.parameters_total() as f64,
        layers: narrow(model.layer_counts().map(|(_, _, count)| count).sum()),
        hidden: narrow(model.hidden),
        heads: narrow(model.layer_counts().find_map(|(_, kind, _)| heads(kind.mixer.as_ref()?)).unwrap_or(1)),
        context: tokens,
        generation: 0,
        kv_elements_per_token: sequence.get() / tokens as f64 / kv_bytes,
        kv_ways: kv_ways_of(model).map(narrow),
        moe: experts(model),
    }
}

/// Attention heads, which tensor parallelism shares out.
fn heads(mixer: &Mixer) -> Option<u64> {
    match mixer {
        Mixer::Gqa(gqa) => Some(gqa.heads),
        Mixer::Mla(mla) => Some(mla.heads),
        Mixer::Compressed(compressed) => Some(compressed.heads),
        _ => None,
    }
}

/// The most GPUs over which engines can share out the KV cache of every attention layer.
fn kv_ways_of(model: &Model) -> Option<u64> {
    model.layer_counts().filter_map(|(_, kind, _)| kv_ways(kind.mixer.as_ref()?)).min()
}

/// KV heads, one for a latent or compressed cache; a recurrent layer has no cache to share out.
fn kv_ways(mixer: &Mixer) -> Option<u64> {
    match mixer {
        Mixer::Gqa(gqa) => Some(gqa.kv_heads),
        Mixer::Mla(_) | Mixer::Compressed(_) => Some(1),
        _ => None,
    }
}

fn experts(model: &Model) -> Option<method::Moe> {
    let moe: &Moe = model.layer_counts().find_map(|(_, kind, _)| match kind.ffn.as_ref()? {
        Ffn::Moe(moe) => Some(moe),
        Ffn::Dense(_) => None,
    })?;
    let routed = model.parameters_routed() as f64 / model.parameters_total() as f64;
    Some(method::Moe {
        experts: narrow(moe.experts),
        active: narrow(moe.experts_per_token),
        expert_fraction: routed,
        shared_fraction: 1.0 - routed,
        dispatch_factor: DISPATCH_FACTOR,
    })
}

/// Counts of a model stay far below 2^32: its check bounds them.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).expect("a model's check bounds its counts")
}

/// The preset that stands for the same model in the founding documents, if there is one.
pub(crate) fn founding_model_of(catalog_id: &str, presets: &Presets) -> Option<Subject> {
    let twin = presets.models().find(|preset| preset.record.stands_for.as_deref() == Some(catalog_id))?;
    Some(Subject::Founding { preset: twin.record.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_catalog::Catalog;

    fn find(name: &str) -> Subject {
        let inputs = Inputs::default();
        let presets = Presets::read(&inputs.catalog).expect("a test holds the presets to be readable");
        let found = Subject::find(name, &inputs, &presets, &Layers::default(), &mut Notes::default());
        found.expect("it is a name of one model")
    }

    #[test]
    fn hand_shortcuts_are_presets_and_ids_are_architectures() {
        assert!(matches!(find("2"), Subject::Founding { .. }));
        assert!(matches!(find("Qwen/Qwen3-235B-A22B"), Subject::Real(_)));
        assert!(matches!(find("deepseek-v3.2-exp-685b"), Subject::Founding { .. }));
    }

    #[test]
    fn hand_a_sliding_window_holds_no_more_than_the_window() {
        // gemma-3-27b-it: 10 of 62 layers see everything, 52 the last 1,024 tokens; 2 x 16 KV heads x 128 each.
        let elements = |context: u64| find("google/gemma-3-27b-it").model(context, 2.0).kv_elements_per_token;
        let layer = 2.0 * 16.0 * 128.0;
        assert_eq!(elements(1_024), 62.0 * layer);
        assert_eq!(elements(102_400), (10.0 + 52.0 / 100.0) * layer);
    }

    #[test]
    fn hand_an_architecture_has_its_own_counts() {
        let model = find("Qwen/Qwen3-235B-A22B").model(8_192, 1.0);
        assert_eq!((model.layers, model.heads, model.hidden), (94, 64, 4_096));
        // 94 layers x 2 x 4 KV heads x 128.
        assert_eq!(model.kv_elements_per_token, 96_256.0);
        let moe = model.moe.expect("it has experts");
        assert_eq!((moe.experts, moe.active), (128, 8));
        assert!((moe.expert_fraction + moe.shared_fraction - 1.0).abs() < 1e-12);
        assert!(find("meta-llama/Meta-Llama-3.1-8B").model(1, 1.0).moe.is_none());
    }

    #[test]
    fn hand_the_cache_divides_over_kv_heads() {
        assert_eq!(find("Qwen/Qwen3-235B-A22B").model(1, 2.0).kv_ways, Some(4));
        assert_eq!(find("deepseek-ai/DeepSeek-V3").model(1, 2.0).kv_ways, Some(1));
        assert_eq!(find("1").model(0, 2.0).kv_ways, None);
    }

    #[test]
    fn law_every_model_of_the_catalog_can_be_planned() {
        let catalog = Catalog::builtin();
        for id in catalog.ids(Kind::Models) {
            let entry = catalog.get::<Model>(&id).expect("a test reads every entry");
            let model = Subject::Real(Box::new(entry)).model(4_096, 1.0);
            assert!(model.layers > 0 && model.heads > 0 && model.parameters > 0.0, "{id}");
            assert!(model.kv_elements_per_token.is_finite() && model.kv_elements_per_token >= 0.0, "{id}");
        }
    }
}
