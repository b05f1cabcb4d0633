//! The order of a model's layers as a short text: `["3 dense", "58 moe"]`, `["10 x 5 sliding, 1 full", "2 sliding"]`.
//!
//! An item is `[N x] [count] kind, [count] kind, ...`. Writing one from a long list is in `compress`.

use crate::lookup::quoted;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// More layers than any model has; a pattern beyond it is a typing error.
pub const MAX_LAYERS: u64 = 1024;

/// The order of the layer kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    pub(super) items: Vec<Item>,
}

/// `10 x 5 sliding, 1 full`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) times: u64,
    pub(super) parts: Vec<Part>,
}

/// `5 sliding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) count: u64,
    pub(super) kind: String,
}

/// Why a text is no layer pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing between two commas, or an empty item.
    #[error("`{item}` lacks a layer kind; expected e.g. `3 dense` or `10 x 5 sliding, 1 full`")]
    Empty {
        /// The item as written.
        item: String,
    },
    /// A count that is no whole number of at least 1.
    #[error("`{count}` in `{item}` is no count; expected a whole number of at least 1, e.g. `3 dense`")]
    BadCount {
        /// The item as written.
        item: String,
        /// The count as written.
        count: String,
    },
    /// A word that can be no name of a kind.
    #[error("`{name}` in `{item}` is no name of a layer kind; expected lower-case letters, digits and `_`")]
    BadName {
        /// The item as written.
        item: String,
        /// The name as written.
        name: String,
    },
    /// More layers than a model can have.
    #[error("`{item}` makes more than {MAX_LAYERS} layers; expected at most that many")]
    TooMany {
        /// The item as written.
        item: String,
    },
    /// A kind that the model does not define.
    #[error("the layer kind `{name}` is not defined; expected {}", quoted(known))]
    UnknownKind {
        /// The kind as written.
        name: String,
        /// The kinds that are defined.
        known: Vec<String>,
    },
    /// The layers do not add up to the number stated.
    #[error("the pattern has {found} layers; expected {stated}, as `layer_count` says")]
    WrongTotal {
        /// The sum over the pattern.
        found: u64,
        /// The number stated.
        stated: u64,
    },
}

impl Pattern {
    /// Reads the items of a pattern.
    pub fn parse<S: AsRef<str>>(items: &[S]) -> Result<Self, PatternError> {
        let items = items.iter().map(|item| parse_item(item.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let pattern = Self { items };
        match pattern.count() {
            0..=MAX_LAYERS => Ok(pattern),
            _ => Err(PatternError::TooMany { item: pattern.to_string() }),
        }
    }

    /// The number of layers.
    pub fn count(&self) -> u64 {
        self.items.iter().map(Item::count).fold(0, u64::saturating_add)
    }

    /// The kind of each layer, first to last.
    pub fn sequence(&self) -> Vec<&str> {
        let mut kinds = Vec::new();
        for item in &self.items {
            for _ in 0..item.times {
                for part in &item.parts {
                    kinds.extend((0..part.count).map(|_| part.kind.as_str()));
                }
            }
        }
        kinds
    }

    /// How many layers there are of each kind, in the order of first use.
    pub fn counts(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<(&str, u64)> = Vec::new();
        for (item, part) in self.items.iter().flat_map(|item| item.parts.iter().map(move |part| (item, part)))
        {
            let layers = item.times * part.count;
            match counts.iter_mut().find(|(kind, _)| *kind == part.kind) {
                Some((_, held)) => *held += layers,
                None => counts.push((&part.kind, layers)),
            }
        }
        counts
    }

    /// Checks the names against the kinds that are defined, and the sum against a stated number of layers.
    pub fn check<'a>(
        &self,
        known: impl Iterator<Item = &'a String> + Clone,
        stated: Option<u64>,
    ) -> Result<(), PatternError> {
        if let Some((name, _)) = self.counts().iter().find(|(name, _)| !known.clone().any(|k| k == name)) {
            return Err(PatternError::UnknownKind {
                name: (*name).to_owned(),
                known: known.cloned().collect(),
            });
        }
        match stated {
            Some(stated) if stated != self.count() => {
                Err(PatternError::WrongTotal { found: self.count(), stated })
            }
            _ => Ok(()),
        }
    }

    fn texts(&self) -> Vec<String> {
        self.items.iter().map(Item::to_string).collect()
    }
}

impl Item {
    fn count(&self) -> u64 {
        let once = self.parts.iter().map(|part| part.count).fold(0, u64::saturating_add);
        once.saturating_mul(self.times)
    }
}

fn parse_item(text: &str) -> Result<Item, PatternError> {
    let item = text.trim();
    let (times, parts) = match item.split_once(" x ") {
        Some((times, rest)) => (parse_count(times, item)?, rest),
        None => (1, item),
    };
    let parts = parts.split(',').map(|part| parse_part(part.trim(), item)).collect::<Result<Vec<_>, _>>()?;
    Ok(Item { times, parts })
}

fn parse_part(part: &str, item: &str) -> Result<Part, PatternError> {
    let (count, name) = match part.split_once(char::is_whitespace) {
        Some((count, name)) => (parse_count(count, item)?, name.trim()),
        None if part.starts_with(|c: char| c.is_ascii_digit()) => (parse_count(part, item)?, ""),
        None => (1, part),
    };
    if name.is_empty() {
        return Err(PatternError::Empty { item: item.to_owned() });
    }
    if !is_kind_name(name) {
        return Err(PatternError::BadName { item: item.to_owned(), name: name.to_owned() });
    }
    Ok(Part { count, kind: name.to_owned() })
}

fn parse_count(text: &str, item: &str) -> Result<u64, PatternError> {
    match text.trim().parse::<u64>() {
        Ok(count) if count > MAX_LAYERS => Err(PatternError::TooMany { item: item.to_owned() }),
        Ok(count) if count > 0 => Ok(count),
        _ => Err(PatternError::BadCount { item: item.to_owned(), count: text.trim().to_owned() }),
    }
}

/// Lower-case letters, digits and `_`, not starting with a digit.
pub(super) fn is_kind_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A list of single layers reads better without its ones: `4 x mamba, mlp`.
        let bare = self.times > 1 && self.parts.iter().all(|part| part.count == 1);
        let part = |p: &Part| if bare { p.kind.clone() } else { format!("{} {}", p.count, p.kind) };
        if self.times > 1 {
            write!(f, "{} x ", self.times)?;
        }
        f.write_str(&self.parts.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join("; "))
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": { "type": "string" },
            "description": "Layer kinds in order: `[N x] [count] kind, [count] kind, ...` per item.",
            "examples": [["3 dense", "58 moe"], ["10 x 5 sliding, 1 full", "2 sliding"]],
        })
    }
}
