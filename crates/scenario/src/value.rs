//! Values as people write them in flags and files: counts with suffixes, lists with commas, words from a fixed set.

use rackplan_units::parse_count;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Above 2^53 not every whole number can be told from its neighbours.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A whole number, written `128000`, `128k` or `32Ki`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written("a whole number, e.g. `1000` or `32k`")).and_then(|text| {
            parse_count(&text).map(Count).ok_or_else(|| {
                let is = match text.trim().parse::<f64>() {
                    Ok(value) if value < 0.0 => "negative",
                    Ok(value) if value > MOST => "too large",
                    _ => "not a whole number",
                };
                de::Error::custom(format!("`{text}` is {is}; expected e.g. `1000` or `32k`"))
            })
        })
    }
}

/// A finite number of at least 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(Written("a number, e.g. `12.5`"))?;
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Number(value)),
            _ => Err(de::Error::custom(format!(
                "`{text}` is not a finite number of at least 0; expected e.g. `12.5`"
            ))),
        }
    }
}

/// A yes or no; a flag without a value means yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Switch(pub bool);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Written("`true` or `false`"))?.as_str() {
            "true" => Ok(Switch(true)),
            "false" => Ok(Switch(false)),
            other => {
                Err(de::Error::custom(format!("`{other}` is neither yes nor no; expected `true` or `false`")))
            }
        }
    }
}

/// A list, written `1,2,4` in a flag and `[1, 2, 4]` in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Listed(std::marker::PhantomData)).map(List)
    }
}

/// The schema of a value that may also be written as text.
macro_rules! schema_of {
    ($name:literal, $type:ty, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}
pub(crate) use schema_of;

schema_of!("Count", Count, {
    "description": "A whole number, or text with a suffix: 128k is 128,000 and 32Ki is 32,768.",
    "type": ["integer", "string"],
    "minimum": 0
});
schema_of!("Number", Number, {
    "description": "A finite number of at least 0, or the same as text.",
    "type": ["number", "string"],
    "minimum": 0
});
schema_of!("Switch", Switch, { "description": "Yes or no.", "enum": [true, false, "true", "false"] });

impl<T: JsonSchema> JsonSchema for List<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list, or its values as one text with commas between.",
            "anyOf": [
                { "type": "array", "items": generator.subschema_for::<T>() },
                { "type": ["string", "number"] }
            ]
        })
    }
}

/// Reads a scalar as the text it was written as.
pub(crate) struct Written(pub(crate) &'static str);

impl Visitor<'_> for Written {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }
}

struct Listed<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Listed<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, e.g. `1,2,4`")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        let parts = text.split(',').map(str::trim);
        if parts.clone().any(str::is_empty) {
            return Err(E::custom(format!(
                "an item of `{text}` is empty; expected values with commas between, e.g. `1,2,4`"
            )));
        }
        parts.map(|part| T::deserialize(de::value::StrDeserializer::new(part))).collect()
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Vec<T>, E> {
        self.visit_str(&value.to_string())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Vec<T>, E> {
        self.visit_str(&value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Vec<T>, E> {
        self.visit_str(&value.to_string())
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}
