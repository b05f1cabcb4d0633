//! Layouts that somebody serves with and published, each in a file of `validation/layouts/`: their rank among the layouts that
//! we would rank, what choosing them gives away by our figures, and our figures beside the published ones. Nothing of it was
//! fitted. The table in `docs/best-plans.md` is made here: `UPDATE=1 cargo test -p rackplan-scenario --test layouts`.

use rackplan_scenario::answer::PlanRow;
use rackplan_scenario::{Inputs, Layers, Origin, run};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    source: String,
    published: String,
    notes: String,
    question: toml::Table,
    layout: Pair,
    among: Pairs,
    figures: Figures,
}

/// Accelerators of a worker for prompts and of one that generates.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Pair {
    prefill: u32,
    decode: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pairs {
    prefill: Vec<u32>,
    decode: Vec<u32>,
}

/// Tokens a second of an accelerator: of all of them, and of either pool with the other one large enough.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    output_tokens_per_s_per_gpu: f64,
    input_tokens_per_s_per_prefill_gpu: f64,
    output_tokens_per_s_per_decode_gpu: f64,
}

const BACKENDS: [&str; 3] = ["vllm", "sglang", "trtllm"];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn published(name: &str) -> Published {
    let text = fs::read_to_string(file(&format!("validation/layouts/{name}.toml"))).expect("it can be read");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Published {
    /// Every plan that serves, of layouts with attention groups of so many accelerators; of any without a list.
    fn rows(&self, inputs: &Inputs, backend: &str, pair: Option<Pair>) -> Vec<PlanRow> {
        let mut layers = Layers::default();
        layers.add_file("question", &self.question.to_string()).expect("it is a question");
        layers.add("backend", backend, Origin::Set);
        let mut add = |path: &str, size: u32| layers.add(path, &size.to_string(), Origin::Set);
        match pair {
            None => layers.add("search.tp", "1,2,4,8", Origin::Set),
            Some(Pair { prefill, decode }) => {
                ["search.prefill_dp", "search.prefill_ep"].into_iter().for_each(|path| add(path, prefill));
                ["search.dp", "search.ep"].into_iter().for_each(|path| add(path, decode));
            }
        }
        let mut rows = Vec::new();
        let each = |setup: rackplan_scenario::run::SweptSetup| {
            rows.extend(setup.rows);
            true
        };
        run::sweep_plans(inputs, &layers, 0, each).expect("it has an answer");
        rows
    }

    /// A pair at its best.
    fn at_best(&self, inputs: &Inputs, backend: &str, pair: Pair) -> Figures {
        let isl_per_osl = self.lengths();
        let rows = self.rows(inputs, backend, Some(pair));
        rows.iter().fold(Figures::default(), |best, row| {
            let all = row.tokens_per_s_per_gpu * f64::from(row.gpus_per_instance);
            let prefill = f64::from(row.prefill_workers * pair.prefill);
            let decode = f64::from(row.decode_workers * pair.decode);
            Figures {
                output_tokens_per_s_per_gpu: best.output_tokens_per_s_per_gpu.max(row.tokens_per_s_per_gpu),
                input_tokens_per_s_per_prefill_gpu: best
                    .input_tokens_per_s_per_prefill_gpu
                    .max(all * isl_per_osl / prefill),
                output_tokens_per_s_per_decode_gpu: best.output_tokens_per_s_per_decode_gpu.max(all / decode),
            }
        })
    }

    fn lengths(&self) -> f64 {
        let tokens = |key: &str| self.question["workload"][key].as_integer().expect("a number") as f64;
        tokens("isl") / tokens("osl")
    }

    fn pairs(&self) -> Vec<Pair> {
        let decode = |prefill: u32| self.among.decode.iter().map(move |&decode| Pair { prefill, decode });
        self.among.prefill.iter().flat_map(|&prefill| decode(prefill)).collect()
    }
}

/// How the layout does by one framework.
struct Ranked {
    backend: &'static str,
    rank: usize,
    of: usize,
    best: Pair,
    /// What it gives away of the best of the pairs, and of the best of an open search.
    regret: [f64; 2],
    figures: Figures,
}

fn ranked(published: &Published, inputs: &Inputs, backend: &'static str) -> Ranked {
    let rate = |figures: &Figures| figures.output_tokens_per_s_per_gpu;
    let mut all: Vec<(Pair, Figures)> = published
        .pairs()
        .into_iter()
        .map(|pair| (pair, published.at_best(inputs, backend, pair)))
        .filter(|(_, figures)| rate(figures) > 0.0)
        .collect();
    all.sort_by(|a, b| rate(&b.1).total_cmp(&rate(&a.1)));
    let place = all.iter().position(|(pair, _)| *pair == published.layout);
    let place = place.expect("what is served with serves by our figures");
    let figures = all[place].1;
    let open = published.rows(inputs, backend, None);
    let open = open.iter().map(|row| row.tokens_per_s_per_gpu).fold(0.0, f64::max);
    let regret = [rate(&all[0].1), open.max(rate(&all[0].1))].map(|best| 1.0 - rate(&figures) / best);
    Ranked { backend, rank: place + 1, of: all.len(), best: all[0].0, regret, figures }
}

impl Ranked {
    fn line(&self, measured: &Figures) -> String {
        let beside = |ours: f64, theirs: f64| format!("{ours:.0} ({:+.0} %)", 100.0 * (ours / theirs - 1.0));
        let Figures {
            output_tokens_per_s_per_gpu: all,
            input_tokens_per_s_per_prefill_gpu: input,
            output_tokens_per_s_per_decode_gpu: output,
        } = self.figures;
        format!(
            "| {} | {} of {} | EP{} and EP{} | {:.0} %, {:.0} % | {} | {} | {} |\n",
            self.backend,
            self.rank,
            self.of,
            self.best.prefill,
            self.best.decode,
            100.0 * self.regret[0],
            100.0 * self.regret[1],
            beside(all, measured.output_tokens_per_s_per_gpu),
            beside(input, measured.input_tokens_per_s_per_prefill_gpu),
            beside(output, measured.output_tokens_per_s_per_decode_gpu)
        )
    }
}

const HEAD: &str = "\
| framework | rank | best | regret among them, of an open search | output tok/s of a GPU | input of a prefill GPU | output of a decode GPU |
| --- | ---: | --- | ---: | ---: | ---: | ---: |
";

#[test]
fn val_the_published_layout_of_deepseek_on_h800() {
    let published = published("deepseek-r1-on-h800");
    assert!(!published.source.is_empty() && published.published.starts_with("20"));
    assert!(published.notes.ends_with('.'), "notes are sentences");
    let (inputs, measured) = (Inputs::default(), published.figures);
    let all = BACKENDS.map(|backend| ranked(&published, &inputs, backend));
    let table = all.iter().fold(HEAD.to_owned(), |table, one| table + &one.line(&measured));
    println!("{table}");
    in_docs(&table);
    for one in &all {
        let ratio = one.figures.output_tokens_per_s_per_gpu / measured.output_tokens_per_s_per_gpu;
        // What we claim: not more than they reach, not less than three fifths of it; our choice is worth a tenth more at most.
        assert!((0.6..=1.05).contains(&ratio), "{}: {ratio}", one.backend);
        assert!(one.regret[1] <= 0.1, "{}: {:?}", one.backend, one.regret);
    }
}

/// The page holds the table between its heading and the next empty line.
fn in_docs(table: &str) {
    let page = file("docs/best-plans.md");
    let text = fs::read_to_string(&page).expect("it is part of the project");
    let start = text.find("| framework | rank |").expect("it has the table");
    let end = start + text[start..].find("\n\n").expect("text follows it") + 1;
    if std::env::var_os("UPDATE").is_some() {
        let new = format!("{}{table}{}", &text[..start], &text[end..]);
        fs::write(&page, new).expect("it can be written");
        return;
    }
    assert_eq!(&text[start..end], table, "docs/best-plans.md is not what is predicted; UPDATE=1 writes it");
}
