//! Clients: who sends how many requests, of which lengths, when.

use rackplan_traffic::{Answered, Lengths, Sent, Source, Stream};

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// Clients that all start at once, each sending its next request when the last token of its former one arrives.
    ClosedLoop {
        /// Clients.
        concurrency: u32,
        /// Requests of all clients together.
        requests: u32,
    },
    /// A finite set, all queued at the start.
    AllAtOnce {
        /// Requests.
        requests: u32,
    },
    /// Requests at random, whatever becomes of earlier ones.
    Poisson {
        /// Requests per second.
        rate: f64,
        /// Requests.
        requests: u32,
    },
    /// One batch whose prompts are computed in one step and that then decodes together; no front end, no queue.
    StaticBatch {
        /// Requests.
        batch: u32,
    },
}

impl Load {
    /// Requests that each client sends in a benchmark of InferenceX.
    pub const REQUESTS_PER_CLIENT: u32 = 10;

    /// A closed loop of ten requests per client.
    pub fn closed_loop(concurrency: u32) -> Self {
        let requests = concurrency.saturating_mul(Self::REQUESTS_PER_CLIENT);
        Self::ClosedLoop { concurrency, requests }
    }

    /// Requests sent in all.
    pub fn requests(&self) -> u32 {
        match *self {
            Self::ClosedLoop { requests, .. }
            | Self::AllAtOnce { requests }
            | Self::Poisson { requests, .. }
            | Self::StaticBatch { batch: requests } => requests,
        }
    }

    /// Requests that are sent without waiting for an answer.
    pub(crate) fn unprompted(&self) -> u32 {
        match *self {
            Self::ClosedLoop { concurrency, requests } => concurrency.max(1).min(requests),
            _ => self.requests(),
        }
    }
}

/// What is played: a load, the lengths of prompts and answers, independent of each other, and a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// When requests are sent.
    pub load: Load,
    /// Prompt lengths.
    pub input: Lengths,
    /// Answer lengths.
    pub output: Lengths,
    /// Seed of all random streams.
    pub seed: u64,
}

/// The lowest rate that is played, in requests per second.
const SLOWEST: f64 = 1e-9;

impl Workload {
    /// The seed when none is given.
    pub const SEED: u64 = 1;

    /// A workload with the fixed seed.
    pub fn new(load: Load, input: Lengths, output: Lengths) -> Self {
        Self { load, input, output, seed: Self::SEED }
    }

    /// Lengths of prompt and answer of every request, in the order in which they are sent.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut inputs = Stream::new(self.seed, "input lengths");
        let mut outputs = Stream::new(self.seed, "output lengths");
        (0..self.load.requests()).map(move |_| (self.input.draw(&mut inputs), self.output.draw(&mut outputs)))
    }

    /// When the requests are sent that wait for no answer, in seconds.
    pub(crate) fn sending_times(&self) -> impl Iterator<Item = f64> + 'static {
        let gap = match self.load {
            Load::Poisson { rate, .. } => 1.0 / rate.max(SLOWEST),
            _ => 0.0,
        };
        let mut random = Stream::new(self.seed, "arrivals");
        let mut next = move || if gap > 0.0 { gap * random.gap() } else { 0.0 };
        (0..self.load.unprompted()).scan(0.0, move |time, _| {
            *time += next();
            Some(*time)
        })
    }

    /// The clients of the workload.
    pub(crate) fn clients(&self) -> impl Source {
        let times = self.sending_times();
        let answers = matches!(self.load, Load::ClosedLoop { .. });
        Clients { lengths: self.lengths(), times, answers }
    }
}

struct Clients<L, T> {
    lengths: L,
    times: T,
    /// The end of a request sends the next one.
    answers: bool,
}

impl<L: Iterator<Item = (u32, u32)>, T: Iterator<Item = f64>> Clients<L, T> {
    fn sent(&mut self, at: f64) -> Option<Sent> {
        self.lengths.next().map(|(input, output)| Sent { at, input, output, ..Sent::default() })
    }
}

impl<L: Iterator<Item = (u32, u32)>, T: Iterator<Item = f64>> Source for Clients<L, T> {
    fn next_sent(&mut self) -> Option<Sent> {
        let at = self.times.next()?;
        self.sent(at)
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        if self.answers { self.sent(answered.at) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_clients_start_at_once_and_arrivals_have_their_rate() {
        let fixed = |load| Workload::new(load, Lengths::Fixed(10), Lengths::Fixed(5));
        let closed = fixed(Load::closed_loop(8));
        assert_eq!(closed.sending_times().collect::<Vec<_>>(), [0.0; 8]);
        assert_eq!((closed.load.requests(), closed.lengths().count()), (80, 80));
        let open = fixed(Load::Poisson { rate: 50.0, requests: 10_000 });
        let last = open.sending_times().last().expect("ten thousand");
        assert!((last - 200.0).abs() < 6.0, "{last}");
    }
}
