//! What a simulator is asked: requests as clients send them, and what clients do when an answer comes.

/// A request as its client sends it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sent {
    /// When, in seconds since the start.
    pub at: f64,
    /// Prompt tokens, history included.
    pub input: u32,
    /// Answer tokens, at least 1.
    pub output: u32,
    /// Dense number of the conversation.
    pub session: Option<u32>,
    /// 0 for the first request of its session.
    pub turn: u32,
    /// Which kind of request it is, to be told apart in results.
    pub class: u16,
    /// Who is let in first: 0 is the most urgent.
    pub priority: u16,
    /// Dense ids of the prompt's prefix blocks, each implying all before it; empty if unknown. They may cover only the
    /// start of the prompt, and the last one may be filled in part.
    pub blocks: Box<[u32]>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Answered {
    /// When the last token came, or the refusal, in seconds since the start.
    pub at: f64,
    /// Prompt tokens.
    pub input: u32,
    /// Answer tokens that came; 0 for a refusal.
    pub output: u32,
    /// The conversation.
    pub session: Option<u32>,
    /// 0 for the first request of its session.
    pub turn: u32,
    /// Which kind of request it was.
    pub class: u16,
}

/// Where requests come from.
pub trait Source {
    /// The next request that waits for no answer, in order of time; none when there are no more.
    fn next_sent(&mut self) -> Option<Sent>;

    /// What a client sends because of an answer (or refusal), not before `answered.at`.
    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let _ = answered;
        None
    }

    /// Tokens in a prefix block; none if requests carry none.
    fn block_tokens(&self) -> Option<u32> {
        None
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn next_sent(&mut self) -> Option<Sent> {
        (**self).next_sent()
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        (**self).answered(answered)
    }

    fn block_tokens(&self) -> Option<u32> {
        (**self).block_tokens()
    }
}
