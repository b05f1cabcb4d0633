//! An answer of `size` read back from its JSON file: the question to ask again, and the figures to compare.

use crate::QuestionError;
use crate::answer::{SCHEMA_VERSION, SizeAnswer};
use crate::layers::{Layers, Origin};
use serde_json::Value;

/// A file as it was written, whatever version of the program wrote it.
#[derive(Clone, Debug)]
pub struct AnswerFile {
    /// Its name, for messages.
    pub name: String,
    /// What it was asked, without what was assumed.
    pub layers: Layers,
    json: Value,
}

/// Where a value was that nobody gave.
const ASSUMED: &str = "built-in";

impl AnswerFile {
    /// Reads the text of a file.
    pub fn read(name: &str, text: &str) -> Result<Self, QuestionError> {
        let json: Value = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            no_answer(name, &format!("{place}: it is no JSON"))
        })?;
        let version =
            json["schema_version"].as_u64().ok_or_else(|| no_answer(name, "it has no `schema_version`"))?;
        if version != u64::from(SCHEMA_VERSION) {
            let problem = format!("its `schema_version` is {version}, this program reads {SCHEMA_VERSION}");
            return Err(QuestionError::value(name, problem).with_hint("write it again with `rackplan size`"));
        }
        if json.pointer("/answer/demand").is_none() {
            return Err(no_answer(name, "it is no answer of `size`"));
        }
        Ok(Self { name: name.to_owned(), layers: layers(name, &json)?, json })
    }

    /// A figure, `/answer/deployment/capacity/racks`.
    pub(crate) fn figure(&self, pointer: &str) -> Option<&Value> {
        self.json.pointer(pointer).filter(|value| !value.is_null())
    }

    /// The question's values by key, with what was assumed.
    pub(crate) fn question(&self) -> impl Iterator<Item = (&String, &Value)> {
        let all = self.json["question"].as_object().into_iter().flatten();
        all.filter_map(|(key, resolved)| Some((key, resolved.get("value")?)))
    }

    /// Says so where another version of the program wrote it.
    pub(crate) fn other_version(&self) -> Option<String> {
        let (theirs, ours) =
            (self.json["tool_version"].as_str().unwrap_or_default(), env!("CARGO_PKG_VERSION"));
        (theirs != ours).then(|| format!("{} was written by version {theirs}, this is {ours}", self.name))
    }

    /// What is found otherwise now than it was then.
    pub(crate) fn moved(&self, now: &SizeAnswer) -> Vec<String> {
        let now = serde_json::to_value(now).unwrap_or_default();
        let watched = [
            "/deployment/hardware/id",
            "/deployment/plan/tp",
            "/deployment/plan/pp",
            "/deployment/plan/dp",
            "/deployment/plan/ep",
            "/deployment/capacity/gpus_active",
            "/deployment/capacity/racks",
        ];
        let moved = watched.into_iter().filter_map(|pointer| {
            let (then, now) = (self.json["answer"].pointer(pointer), now.pointer(pointer));
            let said = |value: Option<&Value>| value.map_or("nothing".to_owned(), ToString::to_string);
            (then != now).then(|| {
                let name = pointer.trim_start_matches("/deployment/").replace('/', ".");
                format!("{name} was {}, is {}", said(then), said(now))
            })
        });
        moved.collect()
    }
}

fn no_answer(name: &str, problem: &str) -> QuestionError {
    let hint = "expected what `rackplan size ... --format json -o answer.json` writes";
    QuestionError::value(name, problem).with_hint(hint)
}

fn layers(name: &str, json: &Value) -> Result<Layers, QuestionError> {
    let mut layers = Layers::default();
    for (key, resolved) in json["question"].as_object().into_iter().flatten() {
        let given = !resolved["origin"].as_str().unwrap_or(ASSUMED).starts_with(ASSUMED);
        if given {
            let value = toml::Value::try_from(resolved["value"].clone())
                .map_err(|_| no_answer(name, &format!("`question.{key}` has no value")))?;
            layers.add_value(key, value, Origin::File(name.to_owned()));
        }
    }
    for change in json["question"]["catalog"]["value"].as_array().into_iter().flatten() {
        layers.add_assignment(change.as_str().unwrap_or_default())?;
    }
    layers.remove("catalog");
    Ok(layers)
}
