//! Scenarios to start from, one a use case: what people send, and what they expect.
//!
//! Lengths, pauses and targets are round numbers of the right size, to be replaced by one's own; each line says what it is.

/// One use case.
struct UseCase {
    name: &'static str,
    /// What people do, in a sentence.
    about: &'static str,
    model: &'static str,
    hardware: &'static str,
    users: u64,
    think_time: &'static str,
    isl: &'static str,
    osl: &'static str,
    ttft: &'static str,
    tpot: &'static str,
}

/// Names that [`scenario`] knows.
pub const NAMES: [&str; 5] = ["chat", "rag", "code", "agent", "batch"];

const CASES: [UseCase; 5] = [
    UseCase {
        name: "chat",
        about: "people talk to an assistant",
        model: "Llama-3.3-70B",
        hardware: "h200_hgx",
        users: 1000,
        think_time: "30 s",
        isl: "2k",
        osl: "400",
        ttft: "1 s",
        tpot: "50 ms",
    },
    UseCase {
        name: "rag",
        about: "questions with documents pasted in front of them",
        model: "Llama-3.3-70B",
        hardware: "h200_hgx",
        users: 500,
        think_time: "60 s",
        isl: "8k",
        osl: "300",
        ttft: "2 s",
        tpot: "50 ms",
    },
    UseCase {
        name: "code",
        about: "an editor completes and rewrites code",
        model: "Qwen/Qwen3-235B-A22B",
        hardware: "b200_hgx",
        users: 500,
        think_time: "45 s",
        isl: "6k",
        osl: "600",
        ttft: "1 s",
        tpot: "25 ms",
    },
    UseCase {
        name: "agent",
        about: "agents call tools and come back at once with longer contexts",
        model: "deepseek-ai/DeepSeek-R1",
        hardware: "gb200_nvl72",
        users: 200,
        think_time: "5 s",
        isl: "16k",
        osl: "1k",
        ttft: "4 s",
        tpot: "30 ms",
    },
    UseCase {
        name: "batch",
        about: "a queue of documents; nobody waits for a single answer",
        model: "Llama-3.3-70B",
        hardware: "h200_hgx",
        users: 2000,
        think_time: "0 s",
        isl: "4k",
        osl: "500",
        ttft: "60 s",
        tpot: "200 ms",
    },
];

/// The text of a use case's scenario: at most 20 lines, each value with what it is.
pub fn scenario(name: &str) -> Option<String> {
    let case = CASES.iter().find(|case| case.name == name)?;
    let UseCase { about, model, hardware, users, think_time, isl, osl, ttft, tpot, .. } = case;
    Some(format!(
        "# {name}: {about}. Size it with `rackplan size FILE`; every key is in `rackplan schema question`.\n\
         model = \"{model}\" # a Hugging Face id, or the path of a config.json\n\
         quant = \"fp8\" # weights; bf16, fp8, nvfp4 and more, or \"all\" to try each\n\
         hardware = \"{hardware}\" # a rack of `rackplan catalog list racks`; a list compares, \"all\" tries every one\n\
         \n\
         [workload]\n\
         users = {users} # people who are on at once\n\
         think_time = \"{think_time}\" # between an answer and the same user's next request\n\
         isl = \"{isl}\" # prompt tokens of a request\n\
         osl = \"{osl}\" # tokens of an answer\n\
         \n\
         [targets]\n\
         ttft = \"{ttft}\" # time to first token\n\
         tpot = \"{tpot}\" # time per output token after it\n\
         percentile = \"p95\" # of the requests that must be within both\n\
         \n\
         [limits]\n\
         max_racks = 16\n"
    ))
}
