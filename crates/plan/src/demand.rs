//! What is asked: requests, who sends them, and how fast answers must come.

use rackplan_units::Seconds;

/// Standard deviations up to the longest length that is reckoned with, and the most that it is over the mean.
const LONGEST: f64 = 4.3;
/// A length that is drawn is cut at so many times its mean.
pub const CUT: f64 = 32.0;

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
    /// Tokens by which requests that generate have more before their answers than requests on average, since long answers are
    /// met more often: the covariance of both over the mean answer; 0 where they know nothing of each other.
    pub beside: f64,
}

/// A kind of requests among others on the same replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// What it asks.
    pub request: Request,
    /// How fast its answers must come.
    pub targets: Targets,
    /// Who is let in before it, and who with it or before.
    pub urgency: Urgency,
}

/// Parts of the work of all prompts: what is more urgent than a class, and the same with what is as urgent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Urgency {
    /// Of more urgent classes.
    pub before: f64,
    /// Of those and of classes that are as urgent, its own among them.
    pub with: f64,
}

impl Urgency {
    /// Where all are let in as they come.
    pub const ALIKE: Self = Self { before: 0.0, with: 1.0 };

    /// By what mean waits of the class differ from the mean `wait` where all are let in as they come at the load ρ, by the factor
    /// (1 - ρ) / ((1 - ρ a) (1 - ρ b)), with a and b the parts. Tails move by as much: who waits longest waits for a long
    /// prompt to end, which nobody interrupts. Source: Cobham 1954, Priority assignment in waiting line problems; tails found
    /// on the player.
    pub(crate) fn later(self, load: f64, wait: f64) -> f64 {
        if load >= 1.0 || self == Self::ALIKE {
            return 0.0;
        }
        wait * ((1.0 - load) / ((1.0 - load * self.before) * (1.0 - load * self.with)) - 1.0)
    }
}

impl Request {
    /// A prompt and an answer of these lengths, with nothing before them.
    pub fn new(input: f64, output: f64) -> Self {
        Self { input, output, prefix: 0.0, kept: 0.0, input_sigma: 0.0, output_sigma: 0.0, beside: 0.0 }
    }

    /// A request of several kinds, each with its part of all requests: means, and the spread that is left between lengths.
    pub fn blended(kinds: &[(f64, Self)]) -> Self {
        let all: f64 = kinds.iter().map(|(part, _)| part).sum();
        let mean = |of: fn(&Self) -> f64| kinds.iter().map(|(part, kind)| part * of(kind)).sum::<f64>() / all;
        let (input, output) = (mean(|kind| kind.input), mean(|kind| kind.output));
        let (prefix, kept) = (mean(|kind| kind.prefix), mean(|kind| kind.kept));
        let before = mean(|kind| kind.output * (kind.prefix + kind.input + kind.beside)) / output;
        Self {
            input,
            output,
            prefix,
            kept,
            input_sigma: sigma(mean(|kind| second_moment(kind.input, kind.input_sigma)), input),
            output_sigma: sigma(mean(|kind| second_moment(kind.output, kind.output_sigma)), output),
            beside: before - prefix - input,
        }
    }

    /// Tokens in the cache while the answer comes, on average over those that do: half of `E[O²]/E[O]`, since longer answers
    /// are met more often.
    pub fn context(&self) -> f64 {
        self.before() + self.output / 2.0 * (1.0 + relative_variance(self.output_sigma))
    }

    /// Variance of these tokens over the square of their mean: a prompt's, and that of how far answers have come, which is even
    /// where all are alike, (E[O³]/E[O]/3 - (E[O²]/E[O]/2)²).
    pub(crate) fn context_scatter(&self) -> f64 {
        let [input, output] = [self.input_sigma, self.output_sigma].map(relative_variance);
        let longer = 1.0 + output;
        let come = self.output * self.output * (longer.powi(3) / 3.0 - longer * longer / 4.0);
        (self.input * self.input * input + come) / self.context().powi(2).max(1.0)
    }

    /// Tokens before an average token of the prompt, that its attention reads: E[I (P + I/2)] / E[I], less half of the mean
    /// prompt that a chunk of it reads of itself.
    pub(crate) fn read_before(&self) -> f64 {
        self.prefix + self.input / 2.0 * relative_variance(self.input_sigma)
    }

    /// Mean of one over the answer's length, over one over its mean, E[O] E[1/O].
    pub(crate) fn shorter_output(&self) -> f64 {
        1.0 + relative_variance(self.output_sigma)
    }

    /// The longest prompt that is reckoned with: of lengths that scatter one in a hundred thousand is longer.
    pub fn longest_input(&self) -> f64 {
        let sigma = self.input_sigma;
        self.input * (LONGEST * sigma - sigma * sigma / 2.0).exp().clamp(1.0, CUT)
    }

    /// Length of the answer that a share of requests does not exceed, over the mean.
    pub(crate) fn longer_output(&self, z: f64) -> f64 {
        (z * self.output_sigma - self.output_sigma * self.output_sigma / 2.0).exp().max(1.0)
    }

    /// Tokens in the cache at the end of the answer.
    pub fn longest(&self) -> f64 {
        self.before() + self.output
    }

    /// Tokens before the answers of requests that generate.
    fn before(&self) -> f64 {
        self.prefix + self.input + self.beside
    }
}

/// Variance over the square of the mean of a log-normal law, exp(σ²) - 1.
fn relative_variance(sigma: f64) -> f64 {
    (sigma * sigma).exp_m1()
}

/// Mean square of a log-normal law.
fn second_moment(mean: f64, sigma: f64) -> f64 {
    mean * mean * (1.0 + relative_variance(sigma))
}

/// Standard deviation of the logarithm of a log-normal law with this mean square and mean; rounding leaves equal lengths
/// equal.
fn sigma(second_moment: f64, mean: f64) -> f64 {
    let variance = second_moment / (mean * mean) - 1.0;
    if variance > 1e-12 { variance.ln_1p().sqrt() } else { 0.0 }
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

    /// Variance of the number of requests that come during an answer over its mean: 1 for arrivals that know nothing of each
    /// other, the share of users who think for users who wait (binomial).
    pub(crate) fn dispersion(&self, e2e: f64) -> f64 {
        match self {
            Self::Users { think_time, .. } => 1.0 / (1.0 + e2e / think_time.get()),
            Self::Rate(_) => 1.0,
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
    fn hand_the_urgent_wait_less_and_all_as_long_together() {
        // At 0.8, of which a quarter is urgent: 0.2 / (1 - 0.2) = 0.25 and 0.2 / (0.8 · 0.2) = 1.25 of the common wait.
        let (urgent, other) = (Urgency { before: 0.0, with: 0.25 }, Urgency { before: 0.25, with: 1.0 });
        let later = |class: Urgency| class.later(0.8, 2.0);
        assert!((later(urgent) + 1.5).abs() < 1e-12 && (later(other) - 0.5).abs() < 1e-12);
        // Weighted by work nobody is later: Kleinrock's law.
        assert!((0.25 * later(urgent) + 0.75 * later(other)).abs() < 1e-12);
        assert_eq!((later(Urgency::ALIKE), urgent.later(1.0, f64::INFINITY)), (0.0, 0.0));
    }

    #[test]
    fn hand_requests_of_two_kinds() {
        let (short, long) = (Request::new(100.0, 50.0), Request::new(900.0, 150.0));
        let both = Request::blended(&[(3.0, short), (1.0, long)]);
        assert_eq!((both.input, both.output), (300.0, 75.0));
        // Half of the answers' tokens are of each kind, 150 of 300, so that half of what generates has 900 tokens before it.
        assert!((both.beside - 200.0).abs() < 1e-9 && (both.longest() - 575.0).abs() < 1e-9);
        // E[I²] = (3 · 100² + 900²) / 4 = 210,000, over 300² = 2.333.
        assert!((1.0 + relative_variance(both.input_sigma) - 210_000.0 / 90_000.0).abs() < 1e-9);
        let spread = Request { input_sigma: 0.7, output_sigma: 0.3, ..long };
        let same = Request::blended(&[(0.2, spread), (0.6, spread)]);
        assert!((same.input_sigma - 0.7).abs() < 1e-9 && (same.output_sigma - 0.3).abs() < 1e-9);
        assert_eq!(Request::blended(&[(1.0, short)]), short);
    }

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
