//! Lines that are JSON objects: a fast way for what is right, a slow one that finds what is wrong.

use super::format::{Clock, Names};
use super::ids::{Blocks, Chats};
use super::stamp::Stamp;
use super::{Fault, Format, Problem, Row, number};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What the lines so far have shown.
pub(crate) struct Objects {
    format: Format,
    names: Names,
    blocks: Blocks,
    chats: Chats,
}

/// The keys of all formats; which there must be, the format says.
#[derive(Debug, Default, Deserialize)]
struct Keys {
    #[serde(alias = "arrival_time")]
    timestamp: f64,
    #[serde(alias = "input_toks")]
    input_length: u32,
    #[serde(alias = "output_toks")]
    output_length: u32,
    hash_ids: Option<Vec<u64>>,
    chat_id: Option<i64>,
    parent_chat_id: Option<i64>,
}

impl Keys {
    fn whole(&self, format: Format) -> bool {
        self.input_length > 0
            && self.output_length > 0
            && (self.hash_ids.is_some() || !format.keys().contains(&"hash_ids"))
            && (self.chat_id.and(self.parent_chat_id).is_some() || !format.keys().contains(&"chat_id"))
    }
}

impl Objects {
    /// Finds the format in the keys of a line.
    pub(crate) fn new(line: &[u8]) -> Option<(Format, Self)> {
        let object: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let format = Format::of(true, |name| object.contains_key(name))?;
        let (blocks, chats) = (Blocks::default(), Chats::default());
        Some((format, Self { format, names: format.names(), blocks, chats }))
    }

    /// Reads a line that may not be earlier than the last one.
    pub(crate) fn row(&mut self, line: &[u8], last: Option<Stamp>) -> Result<Row, Problem> {
        let keys = match serde_json::from_slice::<Keys>(line) {
            Ok(keys) if keys.whole(self.format) => keys,
            _ => self.slowly(line)?,
        };
        let stamp = self
            .stamp(keys.timestamp, last)
            .map_err(|fault| Problem::value(self.names.at, keys.timestamp.to_string().as_bytes(), fault))?;
        let (session, turn) = match keys.chat_id.zip(keys.parent_chat_id) {
            Some((chat, parent)) => {
                let (session, turn) = self.chats.next(chat, parent);
                (Some(session), turn)
            }
            None => (None, 0),
        };
        let (input, output) = (keys.input_length, keys.output_length);
        let most = self.format.block_tokens().map_or(0, |tokens| input.div_ceil(tokens));
        let blocks = self.blocks.of(&keys.hash_ids.unwrap_or_default(), most as usize);
        Ok(Row { stamp, input, output, session, turn, class: 0, blocks })
    }

    fn stamp(&self, time: f64, last: Option<Stamp>) -> Result<Stamp, Fault> {
        let unit = if self.names.clock == Clock::Milliseconds { 1000.0 } else { 1.0 };
        let stamp = Stamp::of_seconds(time / unit)?;
        if last.is_some_and(|last| stamp < last) { Err(Fault::Backwards) } else { Ok(stamp) }
    }

    /// Key by key, so that a message can name the one that is wrong.
    fn slowly(&self, line: &[u8]) -> Result<Keys, Problem> {
        let object: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| Problem::NotJson(error.to_string()))?;
        let names = self.names;
        let mut keys = Keys {
            timestamp: get(&object, names.at, |value| number::number(&text(value)))?,
            input_length: get(&object, names.input, |value| number::tokens(&text(value)))?,
            output_length: get(&object, names.output, |value| number::tokens(&text(value)))?,
            ..Keys::default()
        };
        for name in self.format.keys() {
            match *name {
                "hash_ids" => keys.hash_ids = Some(get(&object, name, ids)?),
                "chat_id" => keys.chat_id = Some(get(&object, name, whole)?),
                _ => keys.parent_chat_id = Some(get(&object, name, whole)?),
            }
        }
        Ok(keys)
    }
}

fn get<T>(
    object: &Map<String, Value>,
    name: &'static str,
    read: impl Fn(&Value) -> Result<T, Fault>,
) -> Result<T, Problem> {
    let value = object.get(name).ok_or(Problem::Missing(name))?;
    read(value).map_err(|fault| Problem::value(name, &text(value), fault))
}

/// A value as it is written, text without its quotes.
fn text(value: &Value) -> Vec<u8> {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes()
}

fn whole(value: &Value) -> Result<i64, Fault> {
    value.as_i64().ok_or(Fault::NotANumber)
}

fn ids(value: &Value) -> Result<Vec<u64>, Fault> {
    let list = value.as_array().ok_or(Fault::NotIds)?;
    list.iter().map(|id| id.as_u64().ok_or(Fault::NotIds)).collect()
}
