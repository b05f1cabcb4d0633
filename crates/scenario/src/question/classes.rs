//! Kinds of requests that one deployment serves: what tells them apart, and the question as each of them asks it.

use super::{Count, List, Number, Question};
use crate::QuestionError;
use crate::layers::{Layers, Origin};
use crate::lengths::Length;
use rackplan_units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One kind of requests. What it does not say is what `[workload]` and `[targets]` say for all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassSettings {
    /// Its part of the users, or of the requests a second, relative to the other classes'.
    pub share: Option<Number>,
    /// Who is let in first: 0 is the most urgent.
    pub priority: Option<Count>,
    /// Prompt tokens of a request.
    pub isl: Option<Length>,
    /// Tokens of an answer.
    pub osl: Option<Length>,
    /// KV tokens kept per user.
    pub context: Option<Count>,
    /// Share of a prompt that other requests have computed already.
    pub prefix_hit: Option<Number>,
    /// Mean time between an answer and the user's next request.
    pub think_time: Option<Seconds>,
    /// Turns of a conversation, each with all before it as its prompt's beginning.
    pub turns: Option<Count>,
    /// Calls of tools between turns, `share=0.5,calls=3,time=2s,tokens=800`.
    pub tools: Option<List<String>>,
    /// Time to first token.
    pub ttft: Option<Seconds>,
    /// Time per output token.
    pub tpot: Option<Seconds>,
    /// From the request to its last token.
    pub e2e: Option<Seconds>,
}

/// Keys of a class, and those of the question that they stand for.
const KEYS: [(&str, &str); 10] = [
    ("isl", "workload.isl"),
    ("osl", "workload.osl"),
    ("context", "workload.context"),
    ("prefix_hit", "workload.prefix_hit"),
    ("think_time", "workload.think_time"),
    ("turns", "workload.turns"),
    ("tools", "workload.tools"),
    ("ttft", "targets.ttft"),
    ("tpot", "targets.tpot"),
    ("e2e", "targets.e2e"),
];
/// Most classes, and least urgent priority.
const MOST_CLASSES: usize = 64;
const LAST_PRIORITY: u64 = 63;

/// A class as the question knows it.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    /// Its part of the load; all add up to 1.
    pub(crate) share: f64,
    pub(crate) priority: u16,
    /// The question as this class alone asks it.
    pub(crate) layers: Layers,
    pub(crate) question: Question,
}

/// The classes of a question, the most urgent first, then by name; none where all requests are alike.
pub(crate) fn classes(layers: &Layers, question: &Question) -> Result<Vec<Class>, QuestionError> {
    if question.classes.len() > MOST_CLASSES {
        let problem = format!("there are {} classes", question.classes.len());
        return Err(QuestionError::value(layers.place("classes"), problem)
            .with_hint(format!("at most {MOST_CLASSES}; take alike ones together")));
    }
    let read = question.classes.iter().map(|(name, settings)| class(layers, name, settings));
    let mut all = read.collect::<Result<Vec<Class>, _>>()?;
    let sum: f64 = all.iter().map(|class| class.share).sum();
    all.iter_mut().for_each(|class| class.share /= sum);
    all.sort_by_key(|class| class.priority);
    Ok(all)
}

/// Says that a verb or a method has no classes, where some are given.
pub(crate) fn no_classes(layers: &Layers, question: &Question, who: &str) -> Result<(), QuestionError> {
    question.classes.keys().next().map_or(Ok(()), |name| {
        let place = layers.place(&format!("classes.{name}"));
        Err(QuestionError::value(place, format!("{who} knows no classes of requests"))
            .with_hint("size by operators and simulate do; leave them out here"))
    })
}

fn class(layers: &Layers, name: &str, settings: &ClassSettings) -> Result<Class, QuestionError> {
    let place = |key: &str| layers.place(&format!("classes.{name}.{key}"));
    let share = settings.share.map_or(0.0, |share| share.0);
    if share <= 0.0 {
        let hint = "expected its part of the load, relative to the other classes': e.g. `share = 0.3`";
        return Err(QuestionError::value(place("share"), "it says nothing of how many requests are its")
            .with_hint(hint));
    }
    let priority = settings.priority.unwrap_or_default().0;
    if priority > LAST_PRIORITY {
        let problem = format!("`{priority}` is out of range");
        return Err(QuestionError::value(place("priority"), problem)
            .with_hint(format!("expected 0, the most urgent, to {LAST_PRIORITY}")));
    }
    let layers = layers.of_class(name, &KEYS);
    let question = layers.read()?;
    Ok(Class { name: name.to_owned(), share, priority: priority as u16, layers, question })
}

impl Layers {
    /// What a class alone asks: what it says itself, else what is said for all.
    fn of_class(&self, name: &str, keys: &[(&str, &str)]) -> Self {
        let mut layers = self.clone();
        layers.remove_group("classes");
        for (key, path) in keys {
            let own = format!("classes.{name}.{key}");
            if let Some(value) = self.value(&own) {
                layers.add_value(path, value.clone(), Origin::Key(self.place(&own)));
            }
        }
        layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Class>, QuestionError> {
        let mut layers = Layers::default();
        layers.add_file("a.toml", text)?;
        let question: Question = layers.read()?;
        classes(&layers, &question)
    }

    #[test]
    fn hand_a_class_says_what_differs() {
        let text = "[workload]\nusers = 100\nisl = 500\nosl = 50\n[classes.rag]\nshare = 1\npriority = 1\nisl = 8000\n\
                    [classes.chat]\nshare = 3\nttft = '1s'";
        let all = read(text).expect("two classes");
        assert_eq!(all.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["chat", "rag"]);
        assert_eq!((all[0].share, all[1].share), (0.75, 0.25));
        let isl = |class: &Class| class.question.workload.isl.map(|isl| isl.mean().0);
        assert_eq!((isl(&all[0]), isl(&all[1])), (Some(500), Some(8000)));
        assert_eq!(all[0].question.targets.ttft, Some(Seconds::new(1.0)));
        assert_eq!(all[1].layers.place("workload.isl"), "a.toml: `classes.rag.isl`");
    }

    #[test]
    fn hand_a_class_without_its_part_is_told_so() {
        let error = read("[classes.chat]\nisl = 5").expect_err("no share").to_string();
        assert!(error.contains("classes.chat.share"), "{error}");
        let error = read("[classes.chat]\nshare = 1\npriority = 99").expect_err("no such").to_string();
        assert!(error.contains("`99`"), "{error}");
        let error = read("[classes.chat]\nshares = 1").expect_err("unknown").to_string();
        assert!(error.contains("classes.chat.shares"), "{error}");
    }
}
