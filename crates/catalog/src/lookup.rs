//! Finding an entry by what people call it: id, alias, short name; and the nearest names when none fits.

/// How a name fits a catalog of (id, aliases).
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    One(String),
    Many(Vec<String>),
    None(Vec<String>),
}

/// Looks a name up: the same id or alias (case and punctuation aside), then a short name that begins only one, then the
/// name without who republished it and in which number format, then without the words of a variant.
///
/// A decimal point counts where it decides: `opt-13b` is not `opt-1.3b`.
pub(crate) fn find(name: &str, entries: &[(String, Vec<String>)]) -> Found {
    let (pointed, wanted) = (with_points(name), normal(name));
    let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<&(String, Vec<String>)> {
        entries.iter().filter(|entry| names(entry).any(fits)).collect()
    };
    let mut matches = matching(&|n| with_points(n) == pointed);
    if matches.is_empty() {
        matches = matching(&|n| normal(n) == wanted);
    }
    if matches.is_empty() && wanted.len() >= 3 {
        matches = matching(&|n| normal(n).starts_with(&wanted));
    }
    for reduced in [without_format(name), without_variant(without_format(name))] {
        if matches.is_empty() && !reduced.is_empty() {
            let pointed = with_points(reduced);
            matches = matching(&|n| with_points(n) == pointed);
        }
        if matches.is_empty() && !reduced.is_empty() {
            let pointed = with_points(reduced);
            matches = matching(&|n| with_points(without_variant(without_format(n))) == pointed);
        }
    }
    match matches.as_slice() {
        [] => {
            Found::None(nearest(name, entries.iter().flat_map(|e| names(e).map(move |n| (n, e.0.as_str())))))
        }
        [one] => Found::One(one.0.clone()),
        many => Found::Many(many.iter().map(|entry| entry.0.clone()).collect()),
    }
}

/// Every name of an entry: its id, the part after the slash, its aliases.
fn names(entry: &(String, Vec<String>)) -> impl Iterator<Item = &str> {
    let short = entry.0.rsplit('/').next();
    std::iter::once(entry.0.as_str()).chain(short).chain(entry.1.iter().map(String::as_str))
}

/// Words at the end of a checkpoint's name that say how its numbers are stored, `DeepSeek-R1-0528-NVFP4-v2`.
const FORMATS: [&str; 18] = [
    "fp8", "fp4", "nvfp4", "mxfp4", "mxfp8", "int4", "int8", "bf16", "fp16", "awq", "gptq", "w4a16", "w8a8",
    "kv", "dynamic", "block", "preview", "mixed",
];

/// Words at the end of a name that say how a model was trained on, which changes none of its shapes.
const VARIANTS: [&str; 6] = ["instruct", "chat", "it", "base", "thinking", "hf"];

/// A name without its owner and the words of a format at its end, and a version of those.
fn without_format(name: &str) -> &str {
    let mut short = name.rsplit('/').next().unwrap_or(name);
    let said = |word: &str| {
        let word = word.strip_prefix("quantized.").unwrap_or(word);
        FORMATS.iter().any(|format| word.eq_ignore_ascii_case(format))
    };
    while let Some((rest, word)) = last_word(short) {
        let of_format = is_version(word) && last_word(rest).is_some_and(|(_, before)| said(before));
        if !said(word) && !of_format {
            break;
        }
        short = rest;
    }
    short
}

/// A name without the words of a variant at its end, and its month, `-0528` or `-2507`.
fn without_variant(name: &str) -> &str {
    let mut short = name;
    while let Some((rest, word)) = last_word(short) {
        if !is_date(word) && !VARIANTS.iter().any(|variant| word.eq_ignore_ascii_case(variant)) {
            break;
        }
        short = rest;
    }
    short
}

/// Whether a word is a month and day, `0528`, or a year and month, `2507`; `6000` is neither.
fn is_date(word: &str) -> bool {
    let Some((first, second)) = word.split_at_checked(2).filter(|_| word.len() == 4) else { return false };
    matches!((first.parse(), second.parse()), (Ok(1..=12), Ok(1..=31_u32)) | (Ok(23..=29_u32), Ok(1..=12)))
}

/// What is before the last word of a name, and the word.
fn last_word(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once(['-', '_', ' ']).filter(|(rest, _)| !rest.is_empty())
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix(['v', 'V']).unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Letters and digits in lower case, and the points between them.
fn with_points(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || *c == '.').flat_map(char::to_lowercase).collect()
}

fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Up to three results whose name looks like the one that was written, the likeliest first.
///
/// `candidates` pairs each name with what to suggest for it.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let wanted = normal(name);
    let mut scored: Vec<(f64, &str)> =
        candidates.map(|(known, suggest)| (strsim::jaro_winkler(&wanted, &normal(known)), suggest)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let mut result: Vec<String> = Vec::new();
    for (score, suggest) in scored {
        if score > 0.75 && result.len() < 3 && !result.iter().any(|held| held == suggest) {
            result.push(suggest.to_owned());
        }
    }
    result
}

/// `a`, `b` or `c`; at most eight of them.
pub(crate) fn quoted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
    match shown.as_slice() {
        [rest @ .., last] if !rest.is_empty() && more.is_empty() => format!("{} or {last}", rest.join(", ")),
        all => all.join(", ") + &more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<(String, Vec<String>)> {
        [
            ("meta-llama/Meta-Llama-3.1-70B", vec!["Llama-3.1-70B"]),
            ("Qwen/Qwen3.5-397B-A17B", vec![]),
            ("Qwen/Qwen3-32B", vec![]),
            ("Qwen/Qwen3-235B-A22B", vec![]),
        ]
        .map(|(id, aliases)| (id.to_owned(), aliases.into_iter().map(str::to_owned).collect()))
        .to_vec()
    }

    #[test]
    fn hand_names_people_use() {
        let one = |id: &str| Found::One(id.to_owned());
        assert_eq!(find("llama-3.1-70b", &entries()), one("meta-llama/Meta-Llama-3.1-70B"));
        assert_eq!(find("qwen3.5-397b", &entries()), one("Qwen/Qwen3.5-397B-A17B"));
        assert_eq!(find("QWEN3_32B", &entries()), one("Qwen/Qwen3-32B"));
        assert!(matches!(find("qwen3", &entries()), Found::Many(many) if many.len() == 3));
    }

    #[test]
    fn hand_a_decimal_point_decides_between_two_that_differ_in_nothing_else() {
        let entries = ["facebook/opt-1.3b", "facebook/opt-13b"].map(|id| (id.to_owned(), Vec::new()));
        assert_eq!(find("OPT-13B", &entries), Found::One("facebook/opt-13b".to_owned()));
        assert_eq!(find("opt 1.3b", &entries), Found::One("facebook/opt-1.3b".to_owned()));
    }

    #[test]
    fn hand_checkpoints_of_others_are_the_model_that_they_hold() {
        let one = |id: &str| Found::One(id.to_owned());
        let qwen = one("Qwen/Qwen3-235B-A22B");
        for name in
            ["Qwen/Qwen3-235B-A22B-FP8", "nvidia/Qwen3-235B-A22B-NVFP4-v2", "Qwen3-235B-A22B Thinking 2507"]
        {
            assert_eq!(find(name, &entries()), qwen, "{name}");
        }
        let llama = one("meta-llama/Meta-Llama-3.1-70B");
        for name in
            ["amd/Llama-3.1-70B-Instruct-FP8-KV", "RedHatAI/Meta-Llama-3.1-70B-Instruct-quantized.w8a8"]
        {
            assert_eq!(find(name, &entries()), llama, "{name}");
        }
        // Another model of the same words is none of them.
        assert!(matches!(find("Qwen3-236B-A22B-FP8", &entries()), Found::None(_)));
        assert!(matches!(find("FP8", &entries()), Found::None(_)));
    }

    #[test]
    fn hand_a_typo_finds_its_neighbour() {
        let Found::None(nearest) = find("Qwen3-235B-A2B2", &entries()) else { panic!("it is no name") };
        assert_eq!(nearest[0], "Qwen/Qwen3-235B-A22B");
        assert_eq!(find("zzz", &entries()), Found::None(Vec::new()));
        assert_eq!(find("", &entries()), Found::None(Vec::new()));
    }
}
