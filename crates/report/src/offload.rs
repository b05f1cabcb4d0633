//! Everything that shows the answer of `offload`.

use crate::format::{bytes, count, number, percent, rate, time};
use crate::html::{Figure, Page, html as page};
use crate::lines::notes;
use crate::section::{self, Section, csv as rows_as_csv};
use crate::svg::{Axis, LineChart, Series, Theme};
use rackplan_scenario::answer::{Answer, OffloadAnswer, OffloadRow, SwapAnswer};

/// The tables as text.
pub fn text(answer: &Answer<OffloadAnswer>) -> String {
    let mut out = heading(answer) + "\n\n" + &section::text(&sections(answer));
    out.push('\n');
    out.extend(notes(answer).map(|line| line + "\n"));
    out
}

/// The tables as Markdown.
pub fn markdown(answer: &Answer<OffloadAnswer>) -> String {
    let notes: String = notes(answer).map(|line| format!("- {line}\n")).collect();
    format!("# {}\n\n{}\n{notes}", heading(answer), section::markdown(&sections(answer)))
}

/// The tables as a page.
pub fn html(answer: &Answer<OffloadAnswer>) -> String {
    let headline = heading(answer);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: format!("By the {} method; latency is {}.", answer.evidence.method, answer.evidence.band),
        screen: notes(answer).collect::<Vec<_>>().join("\n"),
        figures: figures(answer, Theme::Auto),
        sections: sections(answer),
        version: answer.tool_version.clone(),
        headline,
    })
}

fn heading(answer: &Answer<OffloadAnswer>) -> String {
    let o = &answer.answer;
    let plan = &o.plan;
    format!(
        "KV offload of {} ({}), TP{} x PP{} x EP{}, batch {}: {} of HBM for KV per GPU, {} per token",
        o.model,
        o.quant,
        plan.tp,
        plan.pp,
        plan.ep,
        plan.batch,
        bytes(o.kv_available_bytes),
        bytes(o.kv_bytes_per_token_per_gpu),
    )
}

fn sections(answer: &Answer<OffloadAnswer>) -> Vec<Section> {
    let o = &answer.answer;
    let mut all = vec![systems(o), traffic(o)];
    all.extend(["gpu_dram", "gpu_cpu", "cpu_dram"].map(|path| delays(o, path)));
    all.extend(o.swaps.iter().map(swaps));
    all
}

fn systems(o: &OffloadAnswer) -> Section {
    let row = |s: &rackplan_scenario::answer::KvSystemColumn| {
        vec![
            s.id.clone(),
            s.name.clone(),
            bytes(s.capacity_bytes),
            rate(s.gpu_dram_bytes_per_s),
            rate(s.gpu_cpu_bytes_per_s),
            rate(s.cpu_dram_bytes_per_s),
        ]
    };
    let columns = ["system", "name", "DRAM per GPU", "GPU-DRAM", "GPU-CPU", "CPU-DRAM"];
    Section::new("KV systems", &columns, o.systems.iter().map(row).collect()).numbers_from(2)
}

fn traffic(o: &OffloadAnswer) -> Section {
    let row = |r: &OffloadRow| {
        vec![
            r.system.clone(),
            count(r.context_tokens),
            count(r.tokens_cached),
            number(r.tokens_on_gpu),
            number(r.tokens_offloaded),
            percent(r.offload_fraction),
            if r.fits { "yes" } else { "no" }.to_owned(),
            number(r.tokens_per_s_per_gpu),
            rate(r.evict_bytes_per_s),
            rate(r.worst_total_bytes_per_s),
            rate(r.amortized_total_bytes_per_s),
            percent(r.tier_utilization),
        ]
    };
    let columns = [
        "system",
        "context",
        "cached",
        "on GPU",
        "offloaded",
        "share",
        "fits",
        "tok/s/GPU",
        "evict",
        "worst total",
        "amortised total",
        "tier",
    ];
    Section::new("Traffic of one GPU", &columns, o.rows.iter().map(row).collect()).numbers_from(1)
}

fn delays(o: &OffloadAnswer, path: &str) -> Section {
    let row = |r: &OffloadRow| {
        let delay = r.delays.iter().find(|delay| delay.path == path);
        let cells = delay.map_or(vec!["-".to_owned(); 4], |d| {
            vec![time(d.amortized_s), percent(d.amortized_share), time(d.worst_s), percent(d.worst_share)]
        });
        [vec![r.system.clone(), count(r.context_tokens)], cells].concat()
    };
    let columns = ["system", "context", "amortised", "of generation", "worst case", "of generation"];
    let title = format!("Added delay over {}", path.replace('_', "-"));
    Section::new(&title, &columns, o.rows.iter().map(row).collect()).numbers_from(1)
}

fn swaps(s: &SwapAnswer) -> Section {
    let row = |p: &rackplan_scenario::answer::SwapPath| {
        vec![p.path.replace('_', "-"), time(p.mean_s), time(p.p95_s), time(p.run_mean_s), time(p.run_p95_s)]
    };
    let arrivals = count(s.steps);
    let title = format!(
        "Random swaps between {} on {} at {} tokens ({arrivals} arrivals, seed {})",
        s.models.join(" and "),
        s.system,
        count(s.context_tokens),
        s.seed
    );
    let columns = ["path", "mean, exact", "p95, exact", "mean, run", "p95, run"];
    Section::new(&title, &columns, s.paths.iter().map(row).collect()).numbers_from(1)
}

/// A row a context and system; bare numbers, units in the heading.
pub fn csv(answer: &Answer<OffloadAnswer>) -> String {
    let columns = [
        "system",
        "context_tokens",
        "tokens_cached",
        "tokens_on_gpu",
        "tokens_offloaded",
        "offload_fraction",
        "fits",
        "tokens_per_s_per_gpu",
        "evict_bytes_per_s",
        "worst_total_bytes_per_s",
        "amortized_total_bytes_per_s",
        "tier_utilization",
        "gpu_dram_amortized_s",
        "gpu_dram_worst_s",
        "gpu_cpu_amortized_s",
        "gpu_cpu_worst_s",
        "cpu_dram_amortized_s",
        "cpu_dram_worst_s",
    ];
    let row = |r: &OffloadRow| {
        let names = vec![r.system.clone(), r.context_tokens.to_string(), r.tokens_cached.to_string()];
        let tokens =
            [r.tokens_on_gpu, r.tokens_offloaded, r.offload_fraction].map(|value| value.to_string()).to_vec();
        let rates = [
            r.tokens_per_s_per_gpu,
            r.evict_bytes_per_s,
            r.worst_total_bytes_per_s,
            r.amortized_total_bytes_per_s,
            r.tier_utilization,
        ];
        let delays = r.delays.iter().flat_map(|d| [d.amortized_s, d.worst_s]);
        let numbers = rates.into_iter().chain(delays).map(|value| value.to_string()).collect();
        [names, tokens, vec![r.fits.to_string()], numbers].concat()
    };
    rows_as_csv(&columns, &answer.answer.rows.iter().map(row).collect::<Vec<_>>())
}

/// Traffic against context, and the delay over the path that reloads take.
pub fn figures(answer: &Answer<OffloadAnswer>, theme: Theme) -> Vec<Figure> {
    let o = &answer.answer;
    let curve = |y: &dyn Fn(&OffloadRow) -> f64, name: &str, id: &str| {
        let rows = o.rows.iter().filter(|row| row.system == id);
        Series::new(name, rows.map(|row| (row.context_tokens as f64, y(row))).collect::<Vec<_>>())
    };
    let read = |row: &OffloadRow| row.amortized_total_bytes_per_s / 1e9;
    let delay = |row: &OffloadRow| row.delays.first().map_or(f64::NAN, |delay| delay.amortized_s);
    let chart = |title: &str, y: Axis, value: &dyn Fn(&OffloadRow) -> f64| {
        let chart = LineChart {
            title: title.to_owned(),
            x: Axis::from_zero("context", "tokens"),
            y,
            series: o.systems.iter().map(|system| curve(value, &system.id, &system.id)).collect(),
            ..LineChart::default()
        };
        chart.to_svg(theme, 760.0)
    };
    let figure =
        |name: &str, caption: &str, svg| Figure { name: name.to_owned(), caption: caption.to_owned(), svg };
    vec![
        figure(
            "offload-traffic",
            "Eviction and amortised reads of one GPU against context.",
            chart("KV traffic against context", Axis::from_zero("traffic per GPU", "GB/s"), &read),
        ),
        figure(
            "offload-delay",
            "Delay of bringing the offloaded slice back from DRAM once a generation.",
            chart("Reload delay against context", Axis::from_zero("added delay", "s"), &delay),
        ),
    ]
}
