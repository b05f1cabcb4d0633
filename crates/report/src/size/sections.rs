//! The answer of `size` as tables: what `--wide`, Markdown and HTML print.

use super::screen::{arithmetic, bandwidth, in_flight, latency, users};
use super::{classes, pareto, replay};
use crate::format::{bytes, count, dollars, number, percent, power, rate, time};
use crate::section::{Section, warnings};
use rackplan_scenario::answer::{Answer, Deployment, SizeAnswer, Users};

/// Every table of the answer.
pub(super) fn sections(answer: &Answer<SizeAnswer>) -> Vec<Section> {
    let size = &answer.answer;
    let mut all = Vec::new();
    if let Some(deployment) = &size.deployment {
        all.extend([machines(size, deployment), speed(deployment), seen(size, deployment)]);
        all.extend([
            classes::section(size, deployment.latency.as_ref()),
            replay::section(size, deployment),
            memory(deployment),
            links(deployment),
            kv(deployment),
            load(deployment),
            bill(deployment),
        ]);
    }
    all.extend(difficulty(size));
    all.extend([near_misses(size), chain(size), what_if(size)]);
    all.extend([alternatives(size), pareto::section(size)]);
    all.push(rejected(size));
    all.extend(founding(size));
    all.push(warnings(&answer.warnings));
    all.push(question(answer));
    all.push(assumptions(answer));
    all.extend(estimates(answer));
    all.push(overlays(answer));
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

fn machines(size: &SizeAnswer, d: &Deployment) -> Section {
    let c = &d.capacity;
    Section::pairs(
        "Machines",
        vec![
            ("hardware", format!("{} ({}), {}", d.hardware.name, d.hardware.id, d.hardware.gpu)),
            ("racks", count(c.racks)),
            (
                "servers needed / provisioned",
                format!("{} / {}", count(c.servers_needed), count(c.servers_provisioned)),
            ),
            (
                "GPUs active / provisioned",
                format!("{} / {}", count(c.gpus_active), count(c.gpus_provisioned)),
            ),
            ("instances needed / there", format!("{} / {}", count(c.instances_needed), count(c.instances))),
            ("arithmetic", arithmetic(d)),
            (
                "users",
                size.demand.generating.map_or_else(|| users(size, d), |found| in_flight(size, d, &found)),
            ),
        ]
        .into_iter()
        .chain(size.demand.arrival.map(|a| ("users on one seeded path", path(&a))))
        .collect(),
    )
}

fn path(a: &Users) -> String {
    format!("mean {}, p95 {}, max {}", number(a.path_mean), number(a.path_p95), count(a.path_max))
}

fn speed(d: &Deployment) -> Section {
    let t = &d.throughput;
    let comm = |value: Option<f64>| value.map_or("-".to_owned(), number);
    let row = |what: &str, instance: String, gpu: String| vec![what.to_owned(), instance, gpu];
    let mut rows = vec![row("predicted", number(t.instance_tokens_per_s), number(t.tokens_per_s_per_gpu))];
    if let Some(b) = &d.bounds {
        rows.extend([
            row("compute bound", number(b.compute_tokens_per_s), number(b.compute_tokens_per_s_per_gpu)),
            row("hbm bound", number(b.hbm_tokens_per_s), number(b.hbm_tokens_per_s_per_gpu)),
            row("comm bound", comm(b.comm_tokens_per_s), comm(b.comm_tokens_per_s_per_gpu)),
        ]);
    }
    let title = format!("Tokens a second (limit: {}; total {} tok/s)", d.limit, number(t.total_tokens_per_s));
    Section::new(&title, &["", "per instance", "per GPU"], rows).numbers_from(1)
}

/// What users see, and what a decode step waits for.
fn seen(size: &SizeAnswer, d: &Deployment) -> Section {
    let mut rows = Vec::new();
    if let (Some(l), Some(g)) = (&d.latency, &size.demand.generating) {
        rows.push(("latency", latency(size, l)));
        rows.push(("cached before a request", format!("{} tokens", count(g.prefix_tokens))));
    }
    let shares = d.step_shares.iter().map(|s| format!("{} {}", s.bound, percent(s.share)));
    let shares = shares.collect::<Vec<_>>().join(", ");
    if !shares.is_empty() {
        rows.push(("a decode step waits for", shares));
    }
    Section::pairs("What users see", rows)
}

fn memory(d: &Deployment) -> Section {
    let m = &d.memory;
    Section::pairs(
        "Memory of one GPU",
        vec![
            ("weights", bytes(m.weights_bytes)),
            ("KV cache", bytes(m.kv_bytes)),
            ("reserve", bytes(m.overhead_bytes)),
            ("used / usable", format!("{} / {}", bytes(m.used_bytes), bytes(m.limit_bytes))),
            ("built in", bytes(m.capacity_bytes)),
        ],
    )
    .numbers_from(1)
}

fn links(d: &Deployment) -> Section {
    let row = |link: &rackplan_scenario::answer::LinkLoad| {
        vec![
            link.level.clone(),
            bandwidth(link),
            time(link.latency_s),
            bytes(link.bytes_per_token),
            number(link.messages_per_token),
            rate(link.load_bytes_per_s),
            number(link.messages_per_s / 1e3),
            percent(link.utilization),
        ]
    };
    let columns =
        ["level", "bandwidth", "latency", "bytes/token", "messages/token", "load", "kmsg/s", "utilisation"];
    let title = format!("Network of one instance ({})", d.network);
    Section::new(&title, &columns, d.links.iter().map(row).collect()).numbers_from(1)
}

fn kv(d: &Deployment) -> Section {
    let k = &d.kv;
    let reload = |value: Option<f64>| value.map_or("-".to_owned(), time);
    Section::pairs(
        "KV cache of all users",
        vec![
            ("system", k.system.clone()),
            ("per token", bytes(k.bytes_per_token)),
            ("total", bytes(k.total_bytes)),
            (
                "HBM / host / NVMe",
                format!("{} / {} / {}", bytes(k.hbm_bytes), bytes(k.cache_bytes), bytes(k.nvme_bytes)),
            ),
            (
                "reload of one user from host / NVMe",
                format!("{} / {}", reload(k.cache_reload_s), reload(k.nvme_reload_s)),
            ),
            (
                "storage servers needed / there",
                format!("{} / {}", d.storage.servers_needed, d.storage.servers_provisioned),
            ),
            ("storage there", bytes(d.storage.provisioned_bytes)),
        ],
    )
}

fn load(d: &Deployment) -> Section {
    let Some(u) = &d.utilization else { return Section::pairs("Utilisation", Vec::new()) };
    let row = |what: &str, mean: f64, p95: f64| vec![what.to_owned(), percent(mean), percent(p95)];
    let mut rows = vec![
        row("compute", u.compute_mean, u.compute_p95),
        row("network", u.network_mean, u.network_p95),
        row("HBM for KV", u.storage_mean, u.storage_p95),
    ];
    if let (Some(mean), Some(p95)) = (u.kv_dma_mean, u.kv_dma_p95) {
        rows.push(row("KV DMA", mean, p95));
    }
    Section::new("Utilisation", &["", "mean", "p95"], rows).numbers_from(1)
}

fn bill(d: &Deployment) -> Section {
    let mut rows = Vec::new();
    if let Some(p) = &d.power {
        rows.push(("power at the meter", format!("{}: {}", power(p.facility_w), p.basis)));
        rows.extend(p.rack_w.map(|w| ("racks as rated", power(w))));
    }
    if let Some(m) = &d.money {
        rows.push(("cost an hour", format!("{}: {}", dollars(m.usd_per_hour), m.basis)));
        rows.push(("cost of a million tokens", dollars(m.usd_per_million_tokens)));
    }
    Section::pairs("Power and cost", rows)
}

fn difficulty(size: &SizeAnswer) -> Option<Section> {
    let difficulty = size.difficulty.as_ref()?;
    let binding = vec![("in the way".to_owned(), difficulty.binding.clone())];
    let help = difficulty.relaxations.iter().map(|r| (r.flag.clone(), r.result.clone()));
    let rows = binding.into_iter().chain(help).map(|(a, b)| vec![a, b]).collect();
    Some(Section::new("What is in the way, and what would help", &["change", "result"], rows))
}

fn near_misses(size: &SizeAnswer) -> Section {
    let all = size.difficulty.iter().flat_map(|difficulty| &difficulty.near_misses);
    let rows = all.map(|miss| vec![miss.layout.clone(), miss.misses.clone(), percent(miss.by)]);
    Section::new("Plans that miss by least", &["plan", "misses", "over"], rows.collect()).numbers_from(2)
}

/// From people to GPUs, a step a row.
fn chain(size: &SizeAnswer) -> Section {
    let (Some(g), Some(d)) = (&size.demand.generating, &size.deployment) else {
        return Section::pairs("From people to GPUs", Vec::new());
    };
    let on = g.users_on.map(|users| ("people on", count(users)));
    let think = g.users_on.map(|_| ("think between requests", time(g.think_time_s)));
    let (most, unit) = match g.users_on {
        Some(_) => (g.taken_per_instance.floor(), "people"),
        None => (g.taken_per_instance, "requests a second"),
    };
    let rows = [
        ("requests a second", number(g.requests_per_s)),
        ("prompt and answer", format!("{} and {} tokens", count(g.isl), count(g.osl))),
        ("requests in flight", number(g.in_flight)),
        ("an instance takes at most", format!("{} {unit}", number(most))),
        ("instances", count(d.capacity.instances_needed)),
        ("GPUs of an instance", count(d.plan.gpus_per_instance)),
        ("GPUs active", count(d.capacity.gpus_active)),
        ("racks", count(d.capacity.racks)),
    ];
    Section::pairs("From people to GPUs", on.into_iter().chain(think).chain(rows).collect()).numbers_from(1)
}

fn what_if(size: &SizeAnswer) -> Section {
    let Some(what_if) = &size.what_if else { return Section::new("", &[], Vec::new()) };
    let row = |case: &rackplan_scenario::answer::WhatIfCase| {
        let optional = |value: Option<f64>, show: fn(f64) -> String| value.map_or("-".to_owned(), show);
        let Some(d) = &case.decision else {
            let why = case.binding.clone().unwrap_or_else(|| "serves nobody within the limits".to_owned());
            let rest = vec!["-".to_owned(); 9];
            return [vec![case.case.clone(), why], rest].concat();
        };
        vec![
            case.case.clone(),
            format!("{} {} {}", d.hardware, d.quant, d.layout),
            count(d.racks),
            count(d.gpus_active),
            count(d.gpus_provisioned),
            optional(d.ttft_s, time),
            optional(d.tpot_s, time),
            number(d.tokens_per_s_per_gpu),
            optional(d.communication_share, percent),
            optional(d.power_w, power),
            optional(d.usd_per_hour, dollars),
        ]
    };
    let columns = [
        "",
        "plan",
        "racks",
        "GPUs active",
        "GPUs",
        "ttft",
        "tpot",
        "tok/s/GPU",
        "step waits for network",
        "power",
        "cost an hour",
    ];
    let title = format!("What if: {}", what_if.changes.join(", "));
    Section::new(&title, &columns, what_if.cases.iter().map(row).collect()).numbers_from(2)
}

fn alternatives(size: &SizeAnswer) -> Section {
    let row = |a: &rackplan_scenario::answer::Alternative| {
        vec![
            a.change.clone(),
            a.plan.clone(),
            count(a.racks),
            count(a.gpus_active),
            count(a.gpus_provisioned),
            number(a.total_tokens_per_s),
            number(a.tokens_per_s_per_user),
            a.trade.clone(),
        ]
    };
    let columns = ["change", "plan", "racks", "GPUs active", "GPUs", "tok/s", "tok/s/user", "trade"];
    Section::new("Alternatives", &columns, size.alternatives.iter().map(row).collect())
}

pub(super) fn rejected(size: &SizeAnswer) -> Section {
    let rows = size.rejected.iter().map(|r| vec![r.rule.clone(), count(r.plans)]).collect();
    let title = size.search.map_or("Plans laid out and dropped".to_owned(), |search| {
        format!(
            "Plans laid out and dropped by the best set-up; of {} set-ups {} of {} plans serve",
            count(search.setups),
            count(search.plans_serving),
            count(search.plans_considered)
        )
    });
    Section::new(&title, &["rule", "plans"], rows).numbers_from(1)
}

fn founding(size: &SizeAnswer) -> Option<Section> {
    let founding = size.founding.as_ref()?;
    let rows =
        founding.differences.iter().map(|d| vec![d.input.clone(), d.founding.clone(), d.catalog.clone()]);
    let title =
        format!("Against the founding presets ({}), which would say: {}", founding.presets, founding.answer);
    Some(Section::new(&title, &["input", "founding preset", "here"], rows.collect()))
}

fn question(answer: &Answer<SizeAnswer>) -> Section {
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows =
        answer.question.iter().map(|(key, v)| vec![key.clone(), plain(&v.value), v.origin.clone()]).collect();
    Section::new("Question", &["key", "value", "origin"], rows)
}

fn assumptions(answer: &Answer<SizeAnswer>) -> Section {
    let row = |a: &rackplan_scenario::answer::Assumption| {
        vec![a.key.clone(), a.text(), a.why.clone(), a.flag.clone().unwrap_or_default()]
    };
    let rows = answer.assumptions.iter().map(row).collect();
    Section::new("Assumed", &["key", "value", "why", "set it with"], rows)
}

fn overlays(answer: &Answer<SizeAnswer>) -> Section {
    let rows = answer.evidence.overlays.iter().map(|used| vec![used.file.clone(), used.fields.join(", ")]);
    Section::new("Files of yours that changed the catalog", &["file", "fields"], rows.collect())
}

fn estimates(answer: &Answer<SizeAnswer>) -> Option<Section> {
    let row = |f: &rackplan_scenario::answer::Figure| {
        vec![format!("{}: {}", f.entry, f.figure), f.value.clone(), f.basis.to_string(), f.source.clone()]
    };
    let rows: Vec<_> = answer.evidence.estimates.iter().map(row).collect();
    Some(Section::new("Figures that are estimates, or yours", &["figure", "value", "basis", "source"], rows))
}
