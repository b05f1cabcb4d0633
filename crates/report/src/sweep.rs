//! Everything that shows the answer of `sweep`: the founding documents' table.

use crate::format::{bytes, count, counted, number};
use crate::html::{Figure, Page, html as page};
use crate::lines::notes;
use crate::section::{self, Section, csv as rows_as_csv};
use crate::svg::{Axis, LineChart, Series, Theme};
use rackplan_scenario::answer::{Answer, LinkLoad, SweepAnswer, SweepRow};

/// What the columns mean, under the table.
const LEGEND: &str = "\
Tok/GPU(avg)  tokens a second of each GPU of an instance, with the batch efficiency
Limit         what binds: compute, hbm or comm
Bounds        ceilings per GPU without the batch efficiency; far above Tok/GPU(avg) means software headroom
Fabric        what an instance puts on the intra-server / inter-server / inter-rack links
Steady decoding or training only: prefill and first-token latency are not modelled.
";

/// The table as text.
pub fn text(answer: &Answer<SweepAnswer>) -> String {
    let mut out = heading(answer) + "\n\n";
    if answer.answer.rows.is_empty() {
        out += "No layout fits: every plan was dropped for memory, divisibility or the number of GPUs.\n";
        return out;
    }
    out += &section::text(&[table(answer)]);
    out += &format!("\n{LEGEND}");
    out.extend(notes(answer).map(|line| line + "\n"));
    out
}

/// The table as Markdown.
pub fn markdown(answer: &Answer<SweepAnswer>) -> String {
    let notes: String = notes(answer).map(|line| format!("- {line}\n")).collect();
    format!("# {}\n\n{}\n{notes}", heading(answer), section::markdown(&[table(answer)]))
}

/// The table as a page.
pub fn html(answer: &Answer<SweepAnswer>) -> String {
    let headline = heading(answer);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: format!("By the {} method; latency is {}.", answer.evidence.method, answer.evidence.band),
        screen: LEGEND.to_owned() + &notes(answer).collect::<Vec<_>>().join("\n"),
        figures: figures(answer, Theme::Auto),
        sections: vec![table(answer)],
        version: answer.tool_version.clone(),
        headline,
    })
}

fn heading(answer: &Answer<SweepAnswer>) -> String {
    let sweep = &answer.answer;
    let (racks, plans) = (counted(sweep.racks, "rack"), count(sweep.plans_considered));
    format!(
        "Best plans, {} on {racks}: {} rows out of {plans} plans considered",
        sweep.mode,
        sweep.rows.len()
    )
}

fn table(answer: &Answer<SweepAnswer>) -> Section {
    let training = answer.answer.mode == "training";
    let mut columns = vec![
        "hardware",
        "quant",
        "batch",
        "TP x PP x EP",
        "Limit",
        "Tok/GPU(avg)",
        "Inst TPS",
        "Total TPS",
        "instances",
        "Bounds tok/GPU(avg)",
        "Fabric GB/s",
        "memory/GPU",
    ];
    if training {
        columns.extend(["Inst Steps/s", "Tot Steps/s", "Tot Samples/s"]);
    }
    Section::new("Plans", &columns, answer.answer.rows.iter().map(|row| cells(row, training)).collect())
        .numbers_from(5)
}

fn cells(row: &SweepRow, training: bool) -> Vec<String> {
    let b = &row.bounds;
    let comm = b.comm_tokens_per_s_per_gpu.map_or("inf".to_owned(), number);
    let bounds = [number(b.compute_tokens_per_s_per_gpu), number(b.hbm_tokens_per_s_per_gpu), comm];
    let fabric: Vec<String> =
        row.links.iter().map(|link: &LinkLoad| number(link.load_bytes_per_s / 1e9)).collect();
    let mut cells = vec![
        row.hardware.clone(),
        row.quant.clone(),
        row.batch.to_string(),
        format!("{} x {} x {}", row.tp, row.pp, row.ep),
        row.limit.clone(),
        number(row.tokens_per_s_per_gpu),
        number(row.instance_tokens_per_s),
        number(row.total_tokens_per_s),
        count(row.instances),
        bounds.join(" / "),
        fabric.join(" / "),
        bytes(row.memory.used_bytes),
    ];
    if training {
        let shown = |value: Option<f64>| value.map_or("-".to_owned(), number);
        cells.extend([row.instance_steps_per_s, row.total_steps_per_s, row.total_samples_per_s].map(shown));
    }
    cells
}

/// A row a plan; bare numbers, units in the heading.
pub fn csv(answer: &Answer<SweepAnswer>) -> String {
    let columns = [
        "hardware",
        "quant",
        "batch",
        "tp",
        "pp",
        "ep",
        "gpus_per_instance",
        "instances",
        "limit",
        "tokens_per_s_per_gpu",
        "instance_tokens_per_s",
        "total_tokens_per_s",
        "compute_bound_tokens_per_s_per_gpu",
        "hbm_bound_tokens_per_s_per_gpu",
        "comm_bound_tokens_per_s_per_gpu",
        "memory_used_bytes",
        "instance_steps_per_s",
        "total_steps_per_s",
        "total_samples_per_s",
    ];
    rows_as_csv(&columns, &answer.answer.rows.iter().map(bare).collect::<Vec<_>>())
}

fn bare(row: &SweepRow) -> Vec<String> {
    let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let names = [row.hardware.clone(), row.quant.clone(), row.batch.to_string()];
    let sizes = [row.tp, row.pp, row.ep].map(|size| size.to_string());
    let counts = [row.gpus_per_instance.to_string(), row.instances.to_string(), row.limit.clone()];
    let rates = [row.tokens_per_s_per_gpu, row.instance_tokens_per_s, row.total_tokens_per_s];
    let b = &row.bounds;
    let bounds =
        [Some(b.compute_tokens_per_s_per_gpu), Some(b.hbm_tokens_per_s_per_gpu), b.comm_tokens_per_s_per_gpu];
    let steps = [row.instance_steps_per_s, row.total_steps_per_s, row.total_samples_per_s];
    let numbers = rates.map(|rate| rate.to_string()).into_iter().chain(bounds.map(optional));
    let memory = std::iter::once(row.memory.used_bytes.to_string());
    names
        .into_iter()
        .chain(sizes)
        .chain(counts)
        .chain(numbers)
        .chain(memory)
        .chain(steps.map(optional))
        .collect()
}

/// Throughput against batch for each hardware, a curve a number format.
pub fn figures(answer: &Answer<SweepAnswer>, theme: Theme) -> Vec<Figure> {
    let rows = &answer.answer.rows;
    let mut hardware: Vec<&str> = rows.iter().map(|row| row.hardware.as_str()).collect();
    hardware.dedup();
    let figure = |(index, name): (usize, &&str)| Figure {
        name: format!("throughput-{}", index + 1),
        caption: format!(
            "Total throughput against batch on {} of {name}.",
            counted(answer.answer.racks, "rack")
        ),
        svg: throughput(name, rows.iter().filter(|row| row.hardware == **name)).to_svg(theme, 760.0),
    };
    hardware.iter().enumerate().map(figure).collect()
}

fn throughput<'a>(name: &str, rows: impl Iterator<Item = &'a SweepRow>) -> LineChart {
    let mut series: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for row in rows {
        let point = (row.batch as f64, row.total_tokens_per_s);
        match series.iter_mut().find(|(quant, _)| *quant == row.quant) {
            Some((_, points)) => points.push(point),
            None => series.push((row.quant.clone(), vec![point])),
        }
    }
    LineChart {
        title: format!("Throughput against batch: {name}"),
        x: Axis::binary("batch per instance"),
        y: Axis::from_zero("throughput", "tokens/s"),
        series: series.into_iter().map(|(quant, points)| Series::new(quant, points)).collect(),
        ..LineChart::default()
    }
}
