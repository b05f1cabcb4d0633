//! The first screen of `size`: at most 25 lines of 100 columns, the decision first.

use super::{classes, replay};
use crate::format::{bytes, count, counted, dollars, number, percent, power, rate, time, times};
use crate::lines::WIDTH;
use crate::lines::{labelled, wrap};
use rackplan_scenario::answer::{
    Answer, Deployment, Economics, Generating, KvPlacement, Latency, LinkLoad, Plan, Pools, SizeAnswer, Users,
};

/// Lines of the whole screen.
const LINES: usize = 25;
/// Alternatives shown where there is room for them.
const ALTERNATIVES: usize = 3;
/// Warnings shown; the rest is in the wide tables.
const WARNINGS: usize = 2;
/// Inputs that are compared with the founding presets; the rest is in the wide tables.
const DIFFERENCES: usize = 3;

/// What to do next.
const NEXT: &str = "next: --wide for every table, --format html -o plan.html for the page with pictures";

/// The whole screen.
pub(super) fn screen(answer: &Answer<SizeAnswer>, color: bool) -> String {
    let (bold, plain) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let decision = wrap(&decision(answer), WIDTH).join("\n");
    format!("{bold}{decision}{plain}\n{}{NEXT}\n", facts_text(answer))
}

/// The screen between the decision and the next command: as many alternatives as there is room for.
pub(super) fn facts_text(answer: &Answer<SizeAnswer>) -> String {
    let room = LINES - wrap(&decision(answer), WIDTH).len() - 1;
    let deployment = answer.answer.deployment.as_ref();
    let above = deployment.map_or(String::new(), |deployment| facts(answer, deployment))
        + &difficulty(&answer.answer);
    let below = basis(answer);
    let with = |shown: usize| format!("{above}{}{below}", alternatives(&answer.answer, shown));
    let fitting = (1..=ALTERNATIVES).rev().map(with).find(|text| text.lines().count() <= room);
    fitting.unwrap_or_else(|| with(0))
}

/// The answer in one sentence.
pub(super) fn decision(answer: &Answer<SizeAnswer>) -> String {
    let size = &answer.answer;
    let (users, tokens) = (count(size.demand.users_sized), count(size.demand.context_tokens));
    if let Some(generating) = &size.demand.generating {
        return said(size, &people_of(size, generating));
    }
    let people = match size.demand.users_sized {
        // Requests that merely come belong to nobody.
        0 => format!("requests of {tokens} tokens"),
        1 => format!("1 user at {tokens} tokens"),
        _ => format!("{users} users at {tokens} tokens each"),
    };
    said(size, &people)
}

/// Whom it serves, and on what.
fn said(size: &SizeAnswer, people: &str) -> String {
    match &size.deployment {
        Some(d) => {
            let (one, many) =
                if size.feasible { ("serves", "serve") } else { ("falls short of", "fall short of") };
            let verb = if d.capacity.racks == 1 { one } else { many };
            format!("{} {verb} {people} of {} in {}.", machines(d), d.model, d.quant)
        }
        None => format!("No plan serves {people} within the limits."),
    }
}

/// `1,000 users with prompts of 2,048 and answers of 512 tokens`.
fn people_of(size: &SizeAnswer, g: &Generating) -> String {
    let who = match g.users_on {
        Some(_) => counted(size.demand.users_sized, "user"),
        None => format!("{} requests a second", number(g.requests_per_s)),
    };
    format!("{who} with prompts of {} and answers of {} tokens", count(g.isl), count(g.osl))
}

/// `7 racks of NVIDIA GB200 NVL72`.
pub(super) fn machines(deployment: &Deployment) -> String {
    let hardware = &deployment.hardware;
    let preset = if hardware.preset { " (founding preset)" } else { "" };
    format!("{} of {}{preset}", counted(deployment.capacity.racks, "rack"), hardware.name)
}

fn facts(answer: &Answer<SizeAnswer>, d: &Deployment) -> String {
    let size = &answer.answer;
    let lines = [
        ("arithmetic", arithmetic(d)),
        ("users", size.demand.generating.map_or_else(|| users(size, d), |found| in_flight(size, d, &found))),
        ("speed", speed(size, d)),
        ("latency", d.latency.as_ref().map_or_else(|| answer.evidence.band.clone(), |l| latency(size, l))),
        ("binds", binds(d)),
        ("memory", memory(d)),
        ("network", network(d)),
        ("KV cache", kv(d)),
        ("power", bill_power(d)),
        ("cost", bill_cost(d)),
    ];
    let line = |(label, text): &(&str, String)| labelled(label, text);
    let played = d.latency.as_ref().zip(d.replay.as_ref());
    let played = played.map_or(String::new(), |(l, replay)| labelled("simulated", &replay::line(l, replay)));
    let of_classes = d.latency.as_ref().map_or(String::new(), |l| classes::lines(size, l));
    let (until_latency, rest) = lines.split_at(4);
    until_latency.iter().map(line).chain([of_classes, played]).chain(rest.iter().map(line)).collect()
}

fn bill_power(d: &Deployment) -> String {
    let Some(p) = &d.power else { return format!("no figure for {} in the catalog", d.hardware.id) };
    let peak = power(p.facility_w);
    let (Some(typical), Some(e)) = (p.typical_w, d.economics) else {
        return format!("{peak} at the meter: {}", p.basis);
    };
    let of_tokens = e.joules_per_token.zip(e.tokens_per_s_per_mw).map_or(String::new(), |(joules, rate)| {
        format!("; {} J/token, {} tok/s/MW", number(joules), number(rate))
    });
    format!("{peak} at the meter, typical {}{of_tokens}", power(typical))
}

fn bill_cost(d: &Deployment) -> String {
    let Some(m) = &d.money else { return format!("no figure for {} in the catalog", d.hardware.id) };
    let (hour, million) = (dollars(m.usd_per_hour), dollars(m.usd_per_million_tokens));
    match d.economics.and_then(|e| split(&e)) {
        Some(tokens) => format!("{hour} an hour to own; {tokens}"),
        None => format!("{hour} an hour ({}), {million} per million tokens at this demand", m.basis),
    }
}

/// What a million tokens cost by side, the purchase, and what else is known.
fn split(e: &Economics) -> Option<String> {
    let (input, output) = (e.usd_per_million_input_tokens?, e.usd_per_million_output_tokens?);
    let of = |value: Option<f64>, text: &dyn Fn(f64) -> String| value.map_or(String::new(), text);
    let capex = of(e.capex_usd, &|usd| format!("; {} to buy", dollars(usd)));
    let night = of(e.usd_per_hour_scaled, &|usd| format!("; {} an hour scaled down at night", dollars(usd)));
    let carbon = of(e.carbon_kg_per_hour, &|kg| format!("; {} kg CO2 an hour", number(kg)));
    Some(format!("{} per million tokens in, {} out{capex}{night}{carbon}", dollars(input), dollars(output)))
}

/// GPUs as instances times layout.
pub(super) fn arithmetic(d: &Deployment) -> String {
    let (plan, c) = (&d.plan, &d.capacity);
    let layout = d.pools.map_or_else(|| layout(plan), |pools| units(&pools, plan));
    let spare = match c.gpus_spare {
        0 => String::new(),
        spare => format!("{spare} spare, "),
    };
    let drafts = d.speculative.map_or(String::new(), |s| {
        format!(", {} drafted for {} a step", s.draft_tokens, number(s.accepted_per_step))
    });
    let idle = c.gpus_provisioned.saturating_sub(c.gpus_active + c.gpus_spare);
    format!(
        "{} = {} x {} ({layout}), batch {}{drafts}; {} of {} servers, {spare}{} idle",
        counted(c.gpus_active, "GPU"),
        counted(c.instances_needed, "instance"),
        plan.gpus_per_instance,
        plan.batch,
        count(c.servers_needed),
        count(c.servers_provisioned),
        counted(idle, "GPU"),
    )
}

/// `2 x TP4 for prompts + 3 x TP8`.
fn units(pools: &Pools, decode: &Plan) -> String {
    let (prompts, answers) = (pools.prefill_workers, pools.decode_workers);
    format!("{prompts} x {} for prompts + {answers} x {}", layout(&pools.prefill), layout(decode))
}

/// `TP2 x PP1 x EP4`; of the method with attention data parallelism what is not 1.
pub(super) fn layout(plan: &Plan) -> String {
    let Some(dp) = plan.dp else { return format!("TP{} x PP{} x EP{}", plan.tp, plan.pp, plan.ep) };
    let others = [("PP", plan.pp), ("DP", dp), ("EP", plan.ep)].into_iter().filter(|(_, size)| *size > 1);
    others.fold(format!("TP{}", plan.tp), |text, (name, size)| format!("{text} x {name}{size}"))
}

/// From people to requests in flight to instances.
pub(super) fn in_flight(size: &SizeAnswer, d: &Deployment, g: &Generating) -> String {
    let arrival = size.demand.arrival.map_or(String::new(), |a| arrivals(&a));
    let on = match g.users_on {
        Some(users) if g.think_time_s > 0.0 => {
            format!("{} on, thinking {} -> ", count(users), time(g.think_time_s))
        }
        Some(users) => format!("{} on, never thinking -> ", count(users)),
        None => String::new(),
    };
    let (most, unit) = match g.users_on {
        Some(_) => (g.taken_per_instance.floor(), "users"),
        None => (g.taken_per_instance, "req/s"),
    };
    let short = match d.capacity.users_short {
        0 => String::new(),
        short => format!(", {} too many", counted(short, "user")),
    };
    format!(
        "{arrival}{on}{} generating (p95 {}, max {}; {} req/s) -> {} x {}, at most {} {unit} each{short}",
        number(g.in_flight),
        number(g.in_flight_p95),
        number(g.in_flight_max),
        number(g.requests_per_s),
        counted(d.capacity.instances_needed, "instance"),
        counted(d.plan.gpus_per_instance, "GPU"),
        number(most),
    )
}

/// What users see against what they were promised.
pub(super) fn latency(size: &SizeAnswer, l: &Latency) -> String {
    let band = |band: Option<[f64; 2]>| {
        band.map_or(String::new(), |[low, high]| format!(" ({} to {})", time(low), time(high)))
    };
    // Of several classes each has targets of its own.
    let alike = size.classes.is_empty();
    let of = |limit: f64| if alike { format!(" of {}", time(limit)) } else { String::new() };
    let last = l.e2e_target_s.filter(|_| alike);
    let last = last.map_or(String::new(), |limit| format!(", last token {}{}", time(l.e2e_s), of(limit)));
    format!(
        "{} ttft {}{}, tpot {}{}{last}; means {}{} and {}{}, answer after {}; {}",
        l.percentile,
        time(l.ttft_s),
        of(l.ttft_target_s),
        time(l.tpot_s),
        of(l.tpot_target_s),
        time(l.ttft_mean_s),
        band(l.ttft_band_s),
        time(l.tpot_mean_s),
        band(l.tpot_band_s),
        time(l.e2e_mean_s),
        l.backend,
    )
}

fn arrivals(a: &Users) -> String {
    format!(
        "{} users/min x {} min -> on: mean {}, p95 {}, max {}; ",
        number(a.rate_per_min),
        number(a.session_min),
        number(a.mean),
        count(a.p95),
        count(a.max)
    )
}

/// From people to slots.
pub(super) fn users(size: &SizeAnswer, d: &Deployment) -> String {
    let slots = format!(
        "{} ({} x batch {})",
        counted(d.capacity.slots, "slot"),
        counted(d.capacity.instances, "instance"),
        d.plan.batch
    );
    let short = match d.capacity.users_short {
        0 => String::new(),
        short => format!(", {} without one", counted(short, "user")),
    };
    let arrival = size.demand.arrival.map_or(String::new(), |a| arrivals(&a));
    format!("{arrival}{} at once -> {slots}{short}", count(size.demand.users_sized))
}

fn speed(size: &SizeAnswer, d: &Deployment) -> String {
    let (total, asked) = (d.throughput.total_tokens_per_s, size.demand.tokens_per_s);
    if d.bounds.is_none() {
        return format!(
            "{} tok/s of at most {} within the targets ({}); {} per GPU, {} per user",
            number(asked),
            number(total),
            percent(asked / total),
            number(d.throughput.tokens_per_s_per_gpu),
            number(d.throughput.tokens_per_s_per_user),
        );
    }
    format!(
        "{} tok/s against {} asked ({}); {} tok/s per GPU, {} per user",
        number(total),
        number(asked),
        times(total / asked),
        number(d.throughput.tokens_per_s_per_gpu),
        number(d.throughput.tokens_per_s_per_user),
    )
}

pub(super) fn binds(d: &Deployment) -> String {
    let Some(b) = &d.bounds else { return limits(d) };
    let comm = b
        .comm_tokens_per_s_per_gpu
        .map_or("no communication".to_owned(), |comm| format!("comm {}", number(comm)));
    format!(
        "{}; ceilings in tok/s per GPU: compute {}, hbm {}, {comm}",
        d.limit,
        number(b.compute_tokens_per_s_per_gpu),
        number(b.hbm_tokens_per_s_per_gpu),
    )
}

/// What keeps an instance from taking more, and what its steps wait for.
fn limits(d: &Deployment) -> String {
    let shares = d.step_shares.iter().filter(|s| s.share >= 0.005);
    let shares = shares.map(|s| format!("{} {:.0} %", s.bound, s.share * 100.0));
    let what = match d.limit.as_str() {
        "ttft" => "ttft: more users wait too long to begin",
        "tpot" => "tpot: more users slow each other down",
        "e2e" => "e2e: more users wait too long to end",
        "kv_cache" => "kv_cache: it holds no more",
        "kv_tier" => "kv_tier: it holds or moves no more",
        "sequences" => "sequences: the engine runs no more",
        _ => "batch: the sizes named are not larger",
    };
    format!("{what}; steps wait for {}", shares.collect::<Vec<_>>().join(", "))
}

fn memory(d: &Deployment) -> String {
    let m = &d.memory;
    let parts = [m.used_bytes, m.limit_bytes, m.weights_bytes, m.kv_bytes, m.overhead_bytes].map(bytes);
    let [used, limit, weights, kv, reserve] = parts;
    format!("{used} of {limit} usable per GPU: weights {weights}, KV {kv}, reserve {reserve}")
}

fn network(d: &Deployment) -> String {
    let carrying = d.links.iter().filter(|link| link.bytes_per_token > 0.0);
    let loads: Vec<String> = carrying.map(link).collect();
    if d.bounds.is_none() {
        let each = d.plan.gpus_per_instance as f64;
        let loads: Vec<String> =
            d.links.iter().filter(|link| link.bytes_per_token > 0.0).map(|l| per_gpu(l, each)).collect();
        return [d.network.clone()].into_iter().chain(loads).collect::<Vec<_>>().join("; ");
    }
    if loads.is_empty() {
        return "none: an instance stays on one GPU".to_owned();
    }
    format!("{}; {}", d.network, loads.join("; "))
}

/// `intra_server 20 GB/s, 2.4 kmsg/s of 450 GB/s (4.4 %)`, of one GPU.
fn per_gpu(link: &LinkLoad, gpus: f64) -> String {
    let (load, line) = (rate(link.load_bytes_per_s / gpus), bandwidth(link));
    let messages = number(link.messages_per_s / gpus / 1e3);
    format!("{} {load}, {messages} kmsg/s of {line} ({})", link.level, percent(link.utilization))
}

/// `inter_rack 20 MB/s, 2.4 kmsg/s of 628 GB/s (0.5 %)`.
fn link(link: &LinkLoad) -> String {
    let (load, line) = (rate(link.load_bytes_per_s), bandwidth(link));
    let messages = number(link.messages_per_s / 1e3);
    format!("{} {load}, {messages} kmsg/s of {line} ({})", link.level, percent(link.utilization))
}

/// `50 GB/s`, or `50 GB/s at 3:1` where the level is oversubscribed.
pub(super) fn bandwidth(link: &LinkLoad) -> String {
    let line = rate(link.bandwidth_bytes_per_s);
    match link.oversubscription {
        1.0 => line,
        ratio => format!("{line} at {}:1", number(ratio)),
    }
}

/// Where users who think keep their caches: share of them in HBM, the tier, how long a reload takes.
/// `161.3 GB of fp8 in HBM`.
fn in_hbm(d: &Deployment) -> String {
    let format = d.kv_dtype.as_ref().map_or(String::new(), |format| format!(" of {format}"));
    format!("{}{format} in HBM", bytes(d.kv.hbm_bytes))
}

fn placed(d: &Deployment, p: &KvPlacement) -> String {
    let who = format!("{} users who think", number(p.users_thinking));
    let again = format!("{} to compute again", time(p.recompute_s));
    let hbm = in_hbm(d);
    match (p.policy.as_str(), p.reload_s) {
        ("hbm", _) => format!("{hbm}, all {who} included ({}); {again}", bytes(p.resident_bytes)),
        (policy, Some(reload)) => {
            let fill =
                p.tier_utilization.map_or(String::new(), |share| format!(" ({} full)", percent(share)));
            let servers = match d.storage.servers_needed {
                0 => String::new(),
                servers => format!("; {}", counted(servers, "storage server")),
            };
            format!(
                "{hbm}, {} of {who} in {policy}{fill}: reload {}, {again}; DMA read {}, write {}{servers}",
                bytes(p.offloaded_bytes),
                time(reload),
                percent(p.dma_read_utilization),
                percent(p.dma_write_utilization),
            )
        }
        _ => format!(
            "{hbm}; {who} keep {}, the rest is computed again in {}",
            bytes(p.resident_bytes),
            time(p.recompute_s)
        ),
    }
}

fn kv(d: &Deployment) -> String {
    let kv = &d.kv;
    if let Some(placement) = &d.kv_placement {
        return placed(d, placement);
    }
    if d.bounds.is_none() {
        return format!("{} for the requests in flight; nothing is kept between them", in_hbm(d));
    }
    let reload = |label: &str, t: Option<f64>| {
        t.map_or(String::new(), |t| format!(", reload from {label} {}", time(t)))
    };
    format!(
        "{}: HBM {}, host {}, NVMe {} ({}){}{}; {} of {} storage servers",
        bytes(kv.total_bytes),
        bytes(kv.hbm_bytes),
        bytes(kv.cache_bytes),
        bytes(kv.nvme_bytes),
        kv.system,
        reload("host", kv.cache_reload_s),
        reload("NVMe", kv.nvme_reload_s),
        count(d.storage.servers_needed),
        count(d.storage.servers_provisioned),
    )
}

/// What is in the way, where nothing serves.
pub(super) fn difficulty(size: &SizeAnswer) -> String {
    let Some(difficulty) = &size.difficulty else { return String::new() };
    let mut out = labelled("in the way", &difficulty.binding);
    for relaxation in difficulty.relaxations.iter().take(4) {
        out += &labelled("would help", &format!("{}: {}", relaxation.flag, relaxation.result));
    }
    // Where racks are given, what falls short is said already.
    for miss in difficulty.near_misses.iter().filter(|_| size.deployment.is_none()) {
        let by = percent(miss.by);
        out += &labelled("nearly", &format!("{}: {}, {by} over", miss.layout, miss.misses));
    }
    out
}

fn alternatives(size: &SizeAnswer, shown: usize) -> String {
    let lines =
        size.alternatives.iter().take(shown).map(|a| labelled("or", &format!("{}: {}", a.change, a.trade)));
    lines.collect()
}

fn basis(answer: &Answer<SizeAnswer>) -> String {
    let key = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let assumed = answer.assumptions.iter().map(|a| format!("{} {}", key(&a.key), a.text()));
    let assumed = assumed.collect::<Vec<_>>().join("; ");
    let mut out =
        if assumed.is_empty() { String::new() } else { labelled("assumed", &(assumed + " (built-in)")) };
    out += &founding(&answer.answer);
    out + &warnings(&answer.warnings)
}

fn warnings(all: &[String]) -> String {
    // The founding documents' own warnings begin with the word, which stands beside them here.
    let shown = all.iter().take(WARNINGS).map(|text| text.trim_start_matches("WARNING: ").to_owned());
    let more = all.len().saturating_sub(WARNINGS);
    let more = (more > 0).then(|| format!("{more} more in --wide"));
    shown.chain(more).map(|text| labelled("warning", &text)).collect()
}

fn founding(size: &SizeAnswer) -> String {
    let Some(founding) = &size.founding else { return String::new() };
    let shown = founding.differences.iter().take(DIFFERENCES);
    let inputs: Vec<String> =
        shown.map(|d| format!("{} {} (here {})", d.input, d.founding, d.catalog)).collect();
    let more = match founding.differences.len().saturating_sub(DIFFERENCES) {
        0 => String::new(),
        more => format!(" and {more} more inputs differ"),
    };
    labelled("founding", &format!("its presets would say {}: {}{more}", founding.answer, inputs.join(", ")))
}
