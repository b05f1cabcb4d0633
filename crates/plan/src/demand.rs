//! What is asked: requests, who sends them, and how fast answers must come.

use rackplan_units::Seconds;

/// A request, on average. Counts are of tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Prompt tokens to compute.
    pub input: f64,
    /// Answer.
    pub output: f64,
    /// Tokens before it that are computed already: the conversation's, and those of a prompt that many share.
    pub prefix: f64,
    /// Of these, the conversation's own, which have to be somewhere while the user thinks.
    pub kept: f64,
    /// Standard deviation of the logarithm of the prompt's length; 0 where all are the same.
    pub input_sigma: f64,
    /// The same of the answer.
    pub output_sigma: f64,
}

impl Request {
    /// A prompt and an answer of these lengths, with nothing before them.
    pub fn new(input: f64, output: f64) -> Self {
        Self { input, output, prefix: 0.0, kept: 0.0, input_sigma: 0.0, output_sigma: 0.0 }
    }

    /// Tokens in the cache while the answer comes, on average over those that do: half of `E[O²]/E[O]`, since longer answers
    /// are met more often.
    pub fn context(&self) -> f64 {
        self.prefix + self.input + self.output / 2.0 * (1.0 + relative_variance(self.output_sigma))
    }

    /// What the service of a queue of prompts scatters by, 1 + c^2.
    pub(crate) fn scatter(&self) -> f64 {
        1.0 + relative_variance(self.input_sigma)
    }

    /// Length of the prompt that a share of requests does not exceed, over the mean.
    pub(crate) fn longer_input(&self, z: f64) -> f64 {
        (z * self.input_sigma - self.input_sigma * self.input_sigma / 2.0).exp().max(1.0)
    }

    /// The same of the answer.
    pub(crate) fn longer_output(&self, z: f64) -> f64 {
        (z * self.output_sigma - self.output_sigma * self.output_sigma / 2.0).exp().max(1.0)
    }

    /// Tokens in the cache at the end of the answer.
    pub fn longest(&self) -> f64 {
        self.prefix + self.input + self.output
    }
}

/// Variance over the square of the mean of a log-normal law, exp(σ²) - 1.
fn relative_variance(sigma: f64) -> f64 {
    (sigma * sigma).exp_m1()
}

/// How fast answers must come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets {
    /// Time to first token; infinite where nobody cares.
    pub ttft: Seconds,
    /// Time per output token; infinite where nobody cares.
    pub tpot: Seconds,
    /// From the request to its last token; infinite where nobody cares.
    pub e2e: Seconds,
    /// Share of requests that must be within all of them, 0.95 for the 95th percentile; nothing for the mean.
    pub percentile: Option<f64>,
}

/// Who sends requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Population {
    /// Users who read and type for so long, on average, between an answer and their next request.
    Users {
        /// How many.
        users: f64,
        /// Mean time between an answer and the next request.
        think_time: Seconds,
    },
    /// Requests that arrive at random, per second, whatever happens to earlier ones.
    Rate(f64),
}

impl Population {
    /// How much of the whole one replica of `throughput` requests per second takes that answer in `e2e`: users X (Z + R)
    /// of an interactive system, or the requests per second themselves.
    pub fn taken(&self, throughput: f64, e2e: f64) -> f64 {
        match self {
            Self::Users { think_time, .. } => throughput * (think_time.get() + e2e),
            Self::Rate(_) => throughput,
        }
    }

    /// Users who think while `throughput` requests are answered per second, X Z: those whose conversation has to be
    /// somewhere. Nobody is known behind requests that merely arrive.
    pub fn thinking(&self, throughput: f64) -> f64 {
        match self {
            Self::Users { think_time, .. } => throughput * think_time.get(),
            Self::Rate(_) => 0.0,
        }
    }

    /// All of it, in the same unit.
    pub fn size(&self) -> f64 {
        match self {
            Self::Users { users, .. } => *users,
            Self::Rate(rate) => *rate,
        }
    }

    /// Variance of the number of requests in flight over its mean, 1 / (s + R/Z): where it is above its mean by a part,
    /// requests end faster by s times that part and, where users wait for their answers, fewer of them are left to send
    /// any. s is 1 where requests do not slow each other down: then it is 1 for arrivals that know nothing of each other and
    /// the share of users who think, Z/(Z + R), for users who wait (binomial).
    /// Source: diffusion approximation of a birth-death process, variance = rate / (death' - birth').
    pub fn scatter(&self, e2e: f64, settles: f64) -> f64 {
        match self {
            Self::Users { think_time, .. } => 1.0 / (settles + e2e / think_time.get()),
            Self::Rate(_) => 1.0 / settles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_an_interactive_system() {
        // 2 requests a second, each answered in 5 s, and 45 s of thinking: 100 users, of whom nine in ten think.
        let users = Population::Users { users: 1000.0, think_time: Seconds::new(45.0) };
        assert_eq!((users.taken(2.0, 5.0), users.size(), users.thinking(2.0)), (100.0, 1000.0, 90.0));
        assert!((users.scatter(5.0, 1.0) - 0.9).abs() < 1e-12);
        let never = Population::Users { users: 8.0, think_time: Seconds::new(0.0) };
        assert_eq!(never.scatter(5.0, 1.0), 0.0);
        // Where a tenth more requests end only a twentieth more often they scatter twice as much.
        assert_eq!(Population::Rate(3.0).scatter(5.0, 0.5), 2.0);
        assert_eq!(Population::Rate(3.0).thinking(3.0), 0.0);
    }
}
