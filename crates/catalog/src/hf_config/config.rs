//! Typed access to the fields of a configuration, with errors that name the field, its value and what would do.
//!
//! Every accessor takes several spellings and uses the first that is there and not null.

use super::ImportError;
use super::json::kind;
use serde_json::{Map, Value};

/// More than any count in a configuration; what is larger is a mistake.
const LARGEST: u64 = 1 << 40;

/// An object of the file, the path to it, and the object around it that may hold common fields.
#[derive(Clone, Copy)]
pub(super) struct Config<'a> {
    map: &'a Map<String, Value>,
    path: &'a str,
    outer: Option<&'a Map<String, Value>>,
}

impl<'a> Config<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, path: "", outer: None }
    }

    /// An object inside, by one of several names.
    pub(super) fn inside(&self, names: &'static [&'static str]) -> Option<Config<'a>> {
        let (name, value) = self.find(names)?;
        Some(Config { map: value.as_object()?, path: name, outer: Some(self.map) })
    }

    fn find(&self, names: &'static [&'static str]) -> Option<(&'static str, &'a Value)> {
        names.iter().find_map(|name| Some((*name, self.map.get(*name).filter(|value| !value.is_null())?)))
    }

    fn place(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether one of the fields is there.
    pub(super) fn has(&self, names: &'static [&'static str]) -> bool {
        self.find(names).is_some()
    }

    /// A count of at least 1 that must be there.
    pub(super) fn count(&self, names: &'static [&'static str]) -> Result<u64, ImportError> {
        self.optional(names)?.ok_or_else(|| self.missing(names))
    }

    /// A count of at least 1 that may be absent.
    pub(super) fn optional(&self, names: &'static [&'static str]) -> Result<Option<u64>, ImportError> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        match whole(value) {
            Some(count @ 1..=LARGEST) => Ok(Some(count)),
            _ => Err(self.bad(name, value, "expected a whole number of at least 1, at most 2^40")),
        }
    }

    /// A count that may be 0, which stands for absent.
    pub(super) fn or_zero(&self, names: &'static [&'static str]) -> Result<u64, ImportError> {
        let Some((name, value)) = self.find(names) else { return Ok(0) };
        match whole(value) {
            Some(count @ 0..=LARGEST) => Ok(count),
            _ => Err(self.bad(name, value, "expected a whole number of at least 0, at most 2^40")),
        }
    }

    /// A number that need not be whole.
    pub(super) fn number(&self, names: &'static [&'static str]) -> Result<f64, ImportError> {
        let (name, value) = self.find(names).ok_or_else(|| self.missing(names))?;
        match value.as_f64() {
            Some(number) if number > 0.0 && number < LARGEST as f64 => Ok(number),
            _ => Err(self.bad(name, value, "expected a number above 0 and below 2^40")),
        }
    }

    /// True or false, with a default.
    pub(super) fn flag(&self, names: &'static [&'static str], default: bool) -> Result<bool, ImportError> {
        match self.find(names) {
            None => Ok(default),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((name, value)) => Err(self.bad(name, value, "expected `true` or `false`")),
        }
    }

    /// As [`Config::flag`], but the object around this one counts too.
    pub(super) fn outer_flag(
        &self,
        names: &'static [&'static str],
        default: bool,
    ) -> Result<bool, ImportError> {
        match self.outer {
            Some(outer) if !self.has(names) => Config::new(outer).flag(names, default),
            _ => self.flag(names, default),
        }
    }

    /// A text, here or in the object around this one.
    pub(super) fn text(&self, names: &'static [&'static str]) -> Option<&'a str> {
        let here = self.find(names).and_then(|(_, value)| value.as_str());
        here.or_else(|| self.outer.and_then(|outer| Config::new(outer).text(names)))
    }

    /// Whether a list of texts has one that contains `part`.
    pub(super) fn list_mentions(&self, names: &'static [&'static str], part: &str) -> bool {
        let list = self.find(names).and_then(|(_, value)| value.as_array());
        list.into_iter().flatten().any(|item| item.as_str().is_some_and(|text| text.contains(part)))
    }

    /// A list of texts, if it is there.
    pub(super) fn texts(&self, names: &'static [&'static str]) -> Result<Option<Vec<&'a str>>, ImportError> {
        self.list(names, "a list of texts", Value::as_str)
    }

    /// A list of counts, zeros allowed, if it is there.
    pub(super) fn counts(&self, names: &'static [&'static str]) -> Result<Option<Vec<u64>>, ImportError> {
        self.list(names, "a list of whole numbers", |value| whole(value).filter(|count| *count <= LARGEST))
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &'static str) -> Result<Vec<Config<'a>>, ImportError> {
        let items = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.bad(name, other, "expected a list of objects")),
        };
        let item = |value: &'a Value| match value {
            Value::Object(map) => Ok(Config { map, path: name, outer: Some(self.map) }),
            other => Err(self.bad(name, other, "expected a list of objects")),
        };
        items.iter().map(item).collect()
    }

    fn list<T>(
        &self,
        names: &'static [&'static str],
        what: &str,
        item: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ImportError> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        let items = value.as_array().map(|items| items.iter().map(&item).collect::<Option<Vec<T>>>());
        match items.flatten() {
            Some(items) => Ok(Some(items)),
            None => Err(self.bad(name, value, &format!("expected {what}"))),
        }
    }

    /// The field is needed and not there.
    pub(super) fn missing(&self, names: &'static [&'static str]) -> ImportError {
        let others: Vec<String> = names.iter().skip(1).map(|name| format!("`{name}`")).collect();
        let hint = (!others.is_empty()).then(|| format!("{} would do too", others.join(", ")));
        ImportError::Missing { field: self.place(names.first().copied().unwrap_or("")), hint }
    }

    /// The value of a field does not fit.
    pub(super) fn misfit(&self, name: &'static str, hint: impl Into<String>) -> ImportError {
        let value = self.map.get(name).unwrap_or(&Value::Null);
        self.bad(name, value, &hint.into())
    }

    fn bad(&self, name: &str, value: &Value, hint: &str) -> ImportError {
        let written = match value {
            Value::Object(_) | Value::Array(_) => kind(value).to_owned(),
            Value::String(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
            other => other.to_string(),
        };
        ImportError::BadValue { field: self.place(name), value: written, hint: hint.to_owned() }
    }
}

/// A whole number, also where it is written as `4096.0`.
fn whole(value: &Value) -> Option<u64> {
    let from_float = |float: f64| {
        (float.fract() == 0.0 && (0.0..=LARGEST as f64).contains(&float)).then_some(float as u64)
    };
    value.as_u64().or_else(|| value.as_f64().and_then(from_float))
}
