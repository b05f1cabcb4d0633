//! The traces that are known, by the columns of their heading or the keys of their first line.

/// A kind of trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `arrival_s,input_tokens,output_tokens[,session][,class]`.
    Plain,
    /// Azure's LLM traces of 2023 and 2024 and its multimodal one of 2025; pictures are not read.
    Azure,
    /// BurstGPT; its session column came with a later release.
    BurstGpt,
    /// Request lists of Vidur; its results beside them are not read.
    Vidur,
    /// Mooncake, with prefix blocks of 512 tokens.
    Mooncake,
    /// Qwen-Bailian, with conversations and prefix blocks of 16 tokens.
    QwenBailian,
    /// Requests measured on vLLM; the measured times are not read.
    VllmMeasured,
}

/// How a format writes times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Seconds,
    Milliseconds,
    DateTime,
}

/// Where a format keeps what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) at: &'static str,
    pub(crate) clock: Clock,
    pub(crate) input: &'static str,
    pub(crate) output: &'static str,
    /// May be absent.
    pub(crate) session: Option<&'static str>,
    /// May be absent: priority class.
    pub(crate) class: Option<&'static str>,
}

impl Format {
    /// All of them; the first whose names are there is taken.
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Azure,
        Self::BurstGpt,
        Self::Vidur,
        Self::QwenBailian,
        Self::Mooncake,
        Self::VllmMeasured,
    ];

    pub(crate) fn names(self) -> Names {
        use Clock::{DateTime, Milliseconds, Seconds};
        let names = |at, clock, input, output| Names { at, clock, input, output, session: None, class: None };
        match self {
            Self::Plain => Names {
                session: Some("session"),
                class: Some("class"),
                ..names("arrival_s", Seconds, "input_tokens", "output_tokens")
            },
            Self::Azure => names("TIMESTAMP", DateTime, "ContextTokens", "GeneratedTokens"),
            Self::BurstGpt => Names {
                session: Some("Session ID"),
                ..names("Timestamp", Seconds, "Request tokens", "Response tokens")
            },
            Self::Vidur => names("arrived_at", Seconds, "num_prefill_tokens", "num_decode_tokens"),
            Self::Mooncake => names("timestamp", Milliseconds, "input_length", "output_length"),
            Self::QwenBailian => names("timestamp", Seconds, "input_length", "output_length"),
            Self::VllmMeasured => names("arrival_time", Seconds, "input_toks", "output_toks"),
        }
    }

    /// Whether each line is a JSON object; else it is a table with commas.
    pub fn is_json(self) -> bool {
        matches!(self, Self::Mooncake | Self::QwenBailian | Self::VllmMeasured)
    }

    /// Tokens in a prefix block, if there are any.
    pub fn block_tokens(self) -> Option<u32> {
        match self {
            Self::Mooncake => Some(512),
            Self::QwenBailian => Some(16),
            _ => None,
        }
    }

    /// Keys that a line must have beside time and lengths.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Mooncake => &["hash_ids"],
            Self::QwenBailian => &["chat_id", "parent_chat_id", "hash_ids"],
            _ => &[],
        }
    }

    /// How coarse its clock is, in seconds, where many requests share a time.
    pub fn grid(self) -> Option<f64> {
        match self {
            Self::Mooncake => Some(3.0),
            Self::BurstGpt => Some(1.0),
            _ => None,
        }
    }

    /// The first format all of whose names are there.
    pub(crate) fn of(json: bool, has: impl Fn(&str) -> bool) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.is_json() == json && format.required().all(&has))
    }

    fn required(self) -> impl Iterator<Item = &'static str> {
        let names = self.names();
        [names.at, names.input, names.output].into_iter().chain(self.keys().iter().copied())
    }

    /// A line that lists the names of every format.
    pub(crate) fn known() -> String {
        let one = |format: Self| {
            let names: Vec<&str> = format.required().collect();
            if format.is_json() { format!("{{{}}}", names.join(", ")) } else { names.join(",") }
        };
        Self::ALL.map(one).join("; ")
    }
}
