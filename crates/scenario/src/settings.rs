//! Every setting of a question, in one table: its key in files and JSON, its flag, and what it means.
//!
//! Flags, `RACKPLAN_*` variables, `--set`, the help texts and the reference page are all made from this table.

use crate::Verb;

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Key in a scenario file, `workload.users`.
    pub path: &'static str,
    /// Flag without dashes, `users`; the variable is `RACKPLAN_USERS`.
    pub flag: &'static str,
    /// Other spellings of the flag.
    pub aliases: &'static [&'static str],
    /// What the value looks like, `N`; empty for a switch.
    pub value: &'static str,
    /// What it means, in one sentence without a full stop.
    pub help: &'static str,
    /// Heading in the help.
    pub group: &'static str,
    /// The verbs that know it.
    pub verbs: &'static [Verb],
}

impl Setting {
    /// The environment variable, `RACKPLAN_MAX_RACKS`.
    pub fn variable(&self) -> String {
        format!("RACKPLAN_{}", self.flag.replace('-', "_").to_uppercase())
    }

    /// Whether the flag stands alone.
    pub fn is_switch(&self) -> bool {
        self.value.is_empty()
    }
}

const ALL: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Offload];
const PLANS: &[Verb] = &[Verb::Size, Verb::Sweep];
const SIZE: &[Verb] = &[Verb::Size];
const SWEEP: &[Verb] = &[Verb::Sweep];
const OFFLOAD: &[Verb] = &[Verb::Offload];
const EXPLAIN: &[Verb] = &[Verb::Explain];
const SIMULATE: &[Verb] = &[Verb::Simulate];
const BATCHES: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Offload, Verb::Explain];
const EVERY: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Offload, Verb::Explain, Verb::Simulate];
const PLANS_AND_EXPLAIN: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Explain, Verb::Simulate];
const PLANS_AND_SIMULATE: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Simulate];
const WITH_SEED: &[Verb] = &[Verb::Size, Verb::Sweep, Verb::Offload, Verb::Simulate];

const WHAT: &str = "What runs";
const WHO: &str = "Who uses it";
const GOOD: &str = "How good";
const WHERE: &str = "On what";
const SEARCH: &str = "Search";
const ENGINE: &str = "How it serves";
const PLAY: &str = "How to play";

macro_rules! setting {
    ($path:literal, $flag:literal, $aliases:expr, $value:literal, $group:expr, $verbs:expr, $help:literal) => {
        Setting {
            path: $path,
            flag: $flag,
            aliases: &$aliases,
            value: $value,
            help: $help,
            group: $group,
            verbs: $verbs,
        }
    };
}

/// The table, in the order in which help prints it.
pub const SETTINGS: &[Setting] = &[
    setting!(
        "model",
        "model",
        [],
        "ID",
        WHAT,
        EVERY,
        "Hugging Face id, catalog name, a config.json, or a founding shortcut 1, 2, 3"
    ),
    setting!(
        "quant",
        "quant",
        ["quant-bits"],
        "FORMAT",
        WHAT,
        EVERY,
        "Weights: bf16, fp8, fp8_block, nvfp4, mxfp4, int8, int4, or 16, 8, 4 as the founding documents have them; `all` for every one that the hardware knows"
    ),
    setting!(
        "kv_dtype",
        "kv-dtype",
        [],
        "FORMAT",
        WHAT,
        PLANS_AND_EXPLAIN,
        "KV cache: bf16, fp16, fp8, int8 or nvfp4 (default: what the quantisation implies); size by operators takes several: bf16,fp8"
    ),
    setting!(
        "backend",
        "backend",
        [],
        "NAME",
        WHAT,
        PLANS_AND_EXPLAIN,
        "Serving framework: vllm, sglang or trtllm; all compares them (size)"
    ),
    setting!(
        "speculative",
        "speculative",
        [],
        "mtp:N",
        WHAT,
        PLANS_AND_EXPLAIN,
        "Drafted tokens: none, mtp:2, or mtp:2,accept=0.7 with the chance that a drafted token is accepted; auto tries several (size)"
    ),
    setting!(
        "redundant_experts",
        "redundant-experts",
        [],
        "N",
        WHAT,
        PLANS_AND_EXPLAIN,
        "Copies of popular experts of a layer that balance the load where tokens are sent to experts on other ranks; 0 for none (default: 32, as recipes for wide workers have it)"
    ),
    setting!(
        "workload.users",
        "users",
        ["active-users"],
        "N",
        WHO,
        PLANS_AND_SIMULATE,
        "People who are on at the same time"
    ),
    setting!(
        "workload.arrival_rate",
        "arrival-rate",
        [],
        "USERS/MIN",
        WHO,
        PLANS_AND_SIMULATE,
        "New users a minute (Poisson); needs --avg-session-min"
    ),
    setting!(
        "workload.avg_session_min",
        "avg-session-min",
        [],
        "MINUTES",
        WHO,
        PLANS_AND_SIMULATE,
        "Mean length of a session"
    ),
    setting!(
        "workload.arrival_window_min",
        "arrival-window-min",
        [],
        "MINUTES",
        WHO,
        PLANS,
        "Window of the seeded arrival path and of its maximum"
    ),
    setting!(
        "workload.rate",
        "rate",
        [],
        "REQ/S",
        WHO,
        PLANS_AND_SIMULATE,
        "Requests a second that arrive at random, in place of users (operators method)"
    ),
    setting!(
        "workload.concurrency",
        "concurrency",
        [],
        "N",
        WHO,
        PLANS_AND_SIMULATE,
        "Clients that each send their next request when the last is answered, in place of users (operators method)"
    ),
    setting!(
        "workload.think_time",
        "think-time",
        [],
        "TIME",
        WHO,
        PLANS_AND_SIMULATE,
        "Mean time between an answer and the user's next request, e.g. 30s (operators method)"
    ),
    setting!(
        "workload.peak_factor",
        "peak-factor",
        [],
        "X",
        WHO,
        PLANS,
        "Busiest hour over the mean of the day, where the load given is that mean (operators method)"
    ),
    setting!(
        "workload.day_profile",
        "day-profile",
        [],
        "24 VALUES",
        WHO,
        PLANS,
        "Load of each hour of the day, relative to one another; the load given is the busiest hour's (operators method)"
    ),
    setting!(
        "workload.isl",
        "isl",
        [],
        "TOKENS",
        WHO,
        PLANS_AND_EXPLAIN,
        "Prompt tokens of a request: a number, or lognormal:mean=4000,p95=12000"
    ),
    setting!(
        "workload.osl",
        "osl",
        [],
        "TOKENS",
        WHO,
        PLANS_AND_EXPLAIN,
        "Tokens of an answer: a number, or lognormal:mean=500,p95=1500"
    ),
    setting!(
        "workload.prefix_hit",
        "prefix-hit",
        [],
        "PART",
        WHO,
        PLANS_AND_SIMULATE,
        "Share of a prompt that other requests have computed already, 0.5 for half (operators method)"
    ),
    setting!(
        "workload.context",
        "context",
        ["tokens-cached"],
        "TOKENS",
        WHO,
        PLANS,
        "KV tokens kept per user"
    ),
    setting!(
        "workload.contexts",
        "contexts",
        ["tokens"],
        "LIST",
        WHO,
        OFFLOAD,
        "Context lengths to tabulate"
    ),
    setting!(
        "workload.trace",
        "trace",
        [],
        "FILE",
        WHO,
        SIMULATE,
        "Requests to play: a trace recognised by its columns, plain, .gz or .zst; - for standard input"
    ),
    setting!(
        "workload.repeat",
        "repeat",
        [],
        "N",
        WHO,
        SIMULATE,
        "Play the trace so often, one time after the other"
    ),
    setting!(
        "workload.rate_scale",
        "rate-scale",
        [],
        "X",
        WHO,
        SIMULATE,
        "Send the trace's requests so many times as fast"
    ),
    setting!(
        "workload.strict",
        "strict",
        [],
        "",
        WHO,
        SIMULATE,
        "A broken line of the trace ends the run; without it such lines are skipped and counted"
    ),
    setting!(
        "workload.turns",
        "turns",
        [],
        "N",
        WHO,
        SIMULATE,
        "Turns of a conversation; each has --isl new tokens behind all that was said before"
    ),
    setting!(
        "workload.tools",
        "tools",
        [],
        "KEY=VALUE[,...]",
        WHO,
        SIMULATE,
        "Calls of tools between turns: share of turns that need some, calls in a row, time of one, tokens of its result, e.g. share=0.5,calls=3,time=2s,tokens=800"
    ),
    setting!("workload.requests", "requests", [], "N", WHO, SIMULATE, "Requests to send"),
    setting!(
        "workload.duration",
        "duration",
        [],
        "TIME",
        WHO,
        SIMULATE,
        "Send requests for so long, e.g. 1h"
    ),
    setting!(
        "targets.tokens_per_user_rate",
        "tokens-per-user-rate",
        [],
        "TOK/S",
        GOOD,
        PLANS,
        "Tokens a second that each user is promised"
    ),
    setting!(
        "targets.ttft",
        "ttft",
        [],
        "TIME",
        GOOD,
        PLANS_AND_SIMULATE,
        "Longest time to first token, e.g. 2s (operators method)"
    ),
    setting!(
        "targets.tpot",
        "tpot",
        [],
        "TIME",
        GOOD,
        PLANS_AND_SIMULATE,
        "Longest time per output token, e.g. 30ms (operators method)"
    ),
    setting!(
        "targets.e2e",
        "e2e",
        [],
        "TIME",
        GOOD,
        PLANS_AND_SIMULATE,
        "Longest time to the last token, e.g. 20s (operators method)"
    ),
    setting!(
        "targets.percentile",
        "percentile",
        [],
        "PERCENTILE",
        GOOD,
        PLANS_AND_SIMULATE,
        "Which requests must be within them: p50, p90, p95, p99 or mean (operators method)"
    ),
    setting!(
        "targets.confidence",
        "confidence",
        [],
        "CHANCE",
        GOOD,
        PLANS,
        "Chance that the deployment keeps its targets, by the band of the prediction: 0.8; without it the prediction is taken as it is (operators method)"
    ),
    setting!(
        "targets.availability",
        "availability",
        [],
        "PART",
        GOOD,
        PLANS,
        "Share of time in which every replica needed is up, for --spares auto (operators method)"
    ),
    setting!(
        "hardware",
        "hardware",
        ["rack-preset", "rack", "gpu"],
        "NAME[,NAME...]",
        WHERE,
        PLANS_AND_EXPLAIN,
        "Rack, server or accelerator by name; several are compared; `all` tries every rack but desktops and GeForce"
    ),
    setting!("limits.max_racks", "max-racks", [], "N", WHERE, PLANS, "Most racks allowed"),
    setting!(
        "limits.fixed_racks",
        "fixed-racks",
        [],
        "N",
        WHERE,
        PLANS,
        "Exactly this many racks, and report what falls short"
    ),
    setting!(
        "limits.stock",
        "stock",
        [],
        "RACK=N,...",
        WHERE,
        SIZE,
        "Racks of several kinds that are there, e.g. gb200_nvl72=2,h200_hgx=8: fills them with the least of the objective"
    ),
    setting!(
        "limits.spares",
        "spares",
        [],
        "N",
        WHERE,
        PLANS,
        "Replicas beyond those that the load needs, or auto for what failures ask for (operators method)"
    ),
    setting!(
        "limits.repair_time",
        "repair-time",
        [],
        "TIME",
        WHERE,
        PLANS,
        "From a failure until its replica is back, e.g. 24h (operators method)"
    ),
    setting!(
        "limits.max_power",
        "max-power",
        [],
        "POWER",
        WHERE,
        PLANS,
        "Most power at the meter, e.g. 2MW (operators method)"
    ),
    setting!(
        "limits.max_cost",
        "max-cost",
        [],
        "COST",
        WHERE,
        PLANS,
        "Most that it may cost to own, e.g. 500 USD/h (operators method)"
    ),
    setting!(
        "limits.grid_intensity",
        "grid-intensity",
        [],
        "G/KWH",
        WHERE,
        PLANS,
        "Grams of CO2 equivalent for a kilowatt-hour, to state carbon (operators method)"
    ),
    setting!(
        "limits.headroom",
        "headroom",
        [],
        "PART",
        WHERE,
        PLANS,
        "Part of the load to leave free beside it, 0.2 for a fifth (operators method)"
    ),
    setting!(
        "limits.control_servers_per_rack",
        "control-servers-per-rack",
        [],
        "N",
        WHERE,
        PLANS,
        "Head nodes of a rack, for the diagram (1 if not said)"
    ),
    setting!(
        "kv_tier",
        "kv-tier",
        [],
        "TIER",
        WHERE,
        PLANS_AND_SIMULATE,
        "Where caches of users who think go: host, nvme or remote, also where HBM would hold them; none computes again what HBM does not hold; auto takes the best (operators method); a simulation takes several, the nearest first: host,nvme,remote"
    ),
    setting!(
        "hbm_residency",
        "hbm-residency",
        [],
        "PART",
        WHERE,
        PLANS,
        "Share of those caches that stays in HBM (operators method)"
    ),
    setting!(
        "kv_system",
        "kv-system",
        [],
        "NAME[,NAME...]",
        WHERE,
        ALL,
        "Where KV goes that HBM cannot hold: a KV system of the catalog, or `none`"
    ),
    setting!(
        "links",
        "link",
        [],
        "LEVEL=LINK",
        WHERE,
        PLANS_AND_SIMULATE,
        "Another link at intra_server, inter_server, inter_rack, kv_transfer or all, e.g. all=400gbe; simulate takes kv_transfer"
    ),
    setting!(
        "oversubscription",
        "oversubscription",
        [],
        "LEVEL=RATIO",
        WHERE,
        PLANS_AND_EXPLAIN,
        "Bandwidth below inter_server or inter_rack over what that level carries onwards, e.g. inter_rack=3 for 3:1"
    ),
    setting!(
        "engine.chunk_tokens",
        "chunk-tokens",
        [],
        "TOKENS",
        ENGINE,
        SIMULATE,
        "Tokens that a step computes at most; prompts are cut to fit"
    ),
    setting!(
        "engine.max_batch",
        "max-batch",
        [],
        "N",
        ENGINE,
        SIMULATE,
        "Sequences that an attention group runs at once"
    ),
    setting!(
        "engine.kv_blocks",
        "kv-blocks",
        [],
        "N",
        ENGINE,
        SIMULATE,
        "Blocks of the KV cache of an attention group, in place of what memory holds"
    ),
    setting!(
        "engine.no_prefix_cache",
        "no-prefix-cache",
        [],
        "",
        ENGINE,
        SIMULATE,
        "Drop caches with their requests"
    ),
    setting!(
        "engine.max_model_len",
        "max-model-len",
        ["context-length"],
        "TOKENS",
        ENGINE,
        SIMULATE,
        "Most tokens of a prompt and its answer together; longer requests are refused (default: the model's context)"
    ),
    setting!(
        "engine.eviction",
        "eviction",
        [],
        "WHAT",
        ENGINE,
        SIMULATE,
        "What prefix caches let go first: lru, the longest unused, or value, the least time to compute again for its size and use"
    ),
    setting!(
        "engine.op_tables",
        "op-tables",
        [],
        "DIR",
        ENGINE,
        SIMULATE,
        "Step times from the tables of operators in a folder, in place of the performance model"
    ),
    setting!(
        "fleet.replicas",
        "replicas",
        [],
        "N",
        ENGINE,
        SIMULATE,
        "Replicas; with --decode-replicas those that compute prompts"
    ),
    setting!(
        "fleet.decode_replicas",
        "decode-replicas",
        [],
        "N",
        ENGINE,
        SIMULATE,
        "Replicas that generate, while the others compute prompts and send their caches"
    ),
    setting!(
        "fleet.router",
        "router",
        [],
        "RULE",
        ENGINE,
        SIMULATE,
        "Who gets a request: round-robin, least-outstanding, least-queued, power-of-two, prefix or sticky"
    ),
    setting!(
        "fleet.signal_age",
        "signal-age",
        [],
        "TIME",
        ENGINE,
        SIMULATE,
        "How old the router's picture of the replicas may be"
    ),
    setting!(
        "fleet.autoscale",
        "autoscale",
        [],
        "MIN..MAX",
        ENGINE,
        SIMULATE,
        "Replicas come and go with the load, between these numbers"
    ),
    setting!(
        "fleet.target_requests",
        "target-requests",
        [],
        "N",
        ENGINE,
        SIMULATE,
        "Requests, waiting and running, that autoscaling gives a replica"
    ),
    setting!(
        "fleet.start_up",
        "start-up",
        [],
        "TIME",
        ENGINE,
        SIMULATE,
        "From the decision to add a replica until it serves"
    ),
    setting!(
        "fleet.mtbf",
        "mtbf",
        [],
        "PART=TIME[,...]",
        ENGINE,
        SIMULATE,
        "Mean time between failures of a gpu, link, server or rack, e.g. gpu=50000h,server=20000h"
    ),
    setting!(
        "fleet.mttr",
        "mttr",
        [],
        "TIME",
        ENGINE,
        SIMULATE,
        "Mean time to repair, for all parts or as PART=TIME[,...]"
    ),
    setting!(
        "simulation.seeds",
        "seeds",
        [],
        "N",
        PLAY,
        SIMULATE,
        "Runs with seeds of their own, side by side, for intervals of confidence"
    ),
    setting!(
        "simulation.warmup",
        "warmup",
        [],
        "TIME",
        PLAY,
        SIMULATE,
        "Play requests sent before this without counting them"
    ),
    setting!(
        "simulation.capacity",
        "capacity",
        [],
        "",
        PLAY,
        SIMULATE,
        "Seek the highest load within the targets"
    ),
    setting!(
        "simulation.no_skip_ahead",
        "no-skip-ahead",
        [],
        "",
        PLAY,
        SIMULATE,
        "Play every step by itself; slower, with the same answer"
    ),
    setting!(
        "simulation.sample_every",
        "sample-every",
        [],
        "TIME",
        PLAY,
        SIMULATE,
        "How often the time series has a point"
    ),
    setting!(
        "search.method",
        "method",
        [],
        "METHOD",
        SEARCH,
        PLANS,
        "Performance model: operators (default of size, and of sweep where users are known), or first-order, the founding documents' three ceilings"
    ),
    setting!(
        "search.mode",
        "mode",
        [],
        "MODE",
        SEARCH,
        PLANS,
        "aggregated, disaggregated (prompts on workers of their own) or auto by operators; inference or training (sweep)"
    ),
    setting!("search.racks", "racks", [], "N", SEARCH, SWEEP, "Racks over which plans are laid out"),
    setting!(
        "search.batch_sizes",
        "batch-sizes",
        ["batch"],
        "LIST",
        SEARCH,
        BATCHES,
        "Batch sizes per instance to try"
    ),
    setting!("search.tp", "tp", [], "LIST", SEARCH, EVERY, "Tensor-parallel sizes to try"),
    setting!("search.pp", "pp", [], "LIST", SEARCH, EVERY, "Pipeline-parallel sizes to try"),
    setting!("search.ep", "ep", [], "LIST", SEARCH, EVERY, "Expert-parallel sizes to try"),
    setting!(
        "search.dp",
        "dp",
        [],
        "LIST",
        SEARCH,
        PLANS_AND_EXPLAIN,
        "Attention groups of --tp GPUs each; experts are spread over all of them"
    ),
    setting!(
        "search.prefill_tp",
        "prefill-tp",
        [],
        "LIST",
        SEARCH,
        PLANS,
        "Tensor-parallel sizes of workers that compute prompts alone (default: as --tp)"
    ),
    setting!(
        "search.prefill_pp",
        "prefill-pp",
        [],
        "LIST",
        SEARCH,
        PLANS,
        "Pipeline-parallel sizes of workers that compute prompts alone (default: as --pp)"
    ),
    setting!(
        "search.prefill_ep",
        "prefill-ep",
        [],
        "LIST",
        SEARCH,
        PLANS,
        "Expert-parallel sizes of workers that compute prompts alone (default: as --ep)"
    ),
    setting!(
        "search.prefill_dp",
        "prefill-dp",
        [],
        "LIST",
        SEARCH,
        PLANS,
        "Attention groups of workers that compute prompts alone (default: as --dp)"
    ),
    setting!("search.phase", "phase", [], "PHASE", SEARCH, EXPLAIN, "The step: decode, prefill or mixed"),
    setting!(
        "search.prefer_utilization",
        "prefer-utilization",
        [],
        "",
        SEARCH,
        PLANS,
        "Take the plan with the highest demand over capacity, not the fastest"
    ),
    setting!(
        "search.objective",
        "objective",
        [],
        "WHAT",
        SEARCH,
        PLANS,
        "What to have least of: gpus, cost or power; or ttft, or the most throughput on the racks given"
    ),
    setting!(
        "search.simulate",
        "simulate",
        [],
        "",
        SEARCH,
        SIZE,
        "Play the chosen plan and the best others request by request, and put that beside the closed form (operators method)"
    ),
    setting!(
        "swaps.random_swap",
        "random-swap",
        [],
        "",
        SEARCH,
        OFFLOAD,
        "Users of two models arrive in random order; what does the reload cost?"
    ),
    setting!("swaps.steps", "swap-steps", [], "N", SEARCH, OFFLOAD, "Arrivals of the seeded run"),
    setting!("swaps.token", "swap-token", [], "TOKENS", SEARCH, OFFLOAD, "Context of the arriving users"),
    setting!("seed", "seed", [], "N", SEARCH, WITH_SEED, "Seed of every random path"),
];

/// The settings that a verb knows.
pub fn settings_of(verb: Verb) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.verbs.contains(&verb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn law_flags_and_keys_are_unique() {
        let mut seen = BTreeSet::new();
        for setting in SETTINGS {
            for name in std::iter::once(&setting.flag).chain(setting.aliases) {
                assert!(seen.insert(*name), "--{name} is there twice");
            }
            assert!(
                seen.insert(setting.path) || setting.path == setting.flag,
                "{} is there twice",
                setting.path
            );
        }
    }
}
