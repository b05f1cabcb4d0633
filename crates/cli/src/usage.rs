//! What clap found wrong with a command line, in the words and the layout of our other errors.

use clap::Error;
use clap::error::{ContextKind as Part, ContextValue as Said, ErrorKind as Kind};

/// The message and the way out.
pub(crate) fn explain(error: &Error) -> (String, String) {
    let place = part(error, Part::InvalidArg);
    let flag = place.split(' ').next().unwrap_or_default();
    let value = part(error, Part::InvalidValue);
    let (message, way_out) = match error.kind() {
        Kind::UnknownArgument => (format!("unknown argument `{place}`"), alike(error, Part::SuggestedArg)),
        Kind::InvalidSubcommand => {
            let name = part(error, Part::InvalidSubcommand);
            (format!("unknown command `{name}`"), alike(error, Part::SuggestedSubcommand))
        }
        Kind::ArgumentConflict if place == part(error, Part::PriorArg) => {
            (format!("{flag}: it is given twice"), Some("give it once".to_owned()))
        }
        Kind::MissingRequiredArgument => (format!("{place} is missing"), None),
        Kind::InvalidValue if value.is_empty() => (format!("{flag}: its value is missing"), choices(error)),
        Kind::InvalidValue => (format!("{flag}: `{value}` is none of the choices"), choices(error)),
        Kind::InvalidUtf8 => ("an argument is not UTF-8".to_owned(), None),
        // Whoever asks for help in a file of questions.
        Kind::DisplayHelp | Kind::DisplayVersion => ("it asks for help, not for an answer".to_owned(), None),
        _ => (first_line(error), None),
    };
    let help = format!("`{}--help` shows what there is", command(error));
    (message, way_out.unwrap_or(help))
}

fn part(error: &Error, kind: Part) -> String {
    match error.get(kind) {
        Some(Said::String(text)) => text.clone(),
        Some(Said::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

fn alike(error: &Error, kind: Part) -> Option<String> {
    let names = part(error, kind);
    let help = command(error);
    (!names.is_empty())
        .then(|| format!("did you mean `{}`? `{help}--help` shows all", names.replace(", ", "` or `")))
}

fn choices(error: &Error) -> Option<String> {
    let valid = part(error, Part::ValidValue);
    let valid = (!valid.is_empty()).then(|| format!("expected one of {valid}"));
    let alike = part(error, Part::SuggestedValue);
    let alike = (!alike.is_empty()).then(|| format!("did you mean `{alike}`?"));
    match (alike, valid) {
        (Some(alike), Some(valid)) => Some(format!("{alike} {valid}")),
        (alike, valid) => alike.or(valid),
    }
}

/// `rackplan size `, from its usage line; nothing where there is none.
fn command(error: &Error) -> String {
    let usage = match error.get(Part::Usage) {
        Some(Said::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words = usage.split_whitespace().skip_while(|word| *word != "rackplan");
    let names: Vec<&str> = words.take_while(|word| !word.starts_with(['[', '<', '-'])).collect();
    names.iter().map(|name| format!("{name} ")).collect()
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
