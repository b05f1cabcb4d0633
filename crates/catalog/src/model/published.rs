//! Parameter totals as their makers print them, to compare with the computed ones.

use crate::Basis;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What the maker says the model's size is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// All parameters, as printed: `"671B"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<ParameterCount>,
    /// Parameters that one token uses, as printed: `"37B"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<ParameterCount>,
    /// Who says so.
    pub source: String,
    /// How they know.
    pub basis: Basis,
}

/// A number of parameters; in files a text with a suffix, `"671B"` or `"1.6T"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParameterCount(pub u64);

impl Serialize for ParameterCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A billionth of a whole number of millions is exact in the three decimals that people print.
        match self.0 % 1_000_000 {
            0 => serializer.serialize_str(&format!("{}B", self.0 as f64 / 1e9)),
            _ => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for ParameterCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let count = rackplan_units::parse_count(&text);
        count.map(Self).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is no number of parameters; expected text such as `671B`"))
        })
    }
}

impl JsonSchema for ParameterCount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ParameterCount".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["671B", "1.6T"] })
    }
}
