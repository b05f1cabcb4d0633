//! Which experts a batch meets: the load of the expert-parallel rank that has most of it.
//!
//! Counts only. What they take is in `moe`.

/// How tokens choose experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Routing {
    /// Every expert gets its share, as far as there are tokens enough.
    Balanced,
    /// Each token draws its experts at random, all alike.
    Uniform,
    /// Popularity of experts x is drawn from a density proportional to x^-alpha.
    PowerLaw {
        /// The exponent; measurements have 1.01 and 1.2.
        alpha: f64,
    },
}

/// What the heaviest rank has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Pairs of a token and an expert.
    pub pairs: f64,
    /// Experts with at least one token.
    pub active: f64,
    /// Whether all of those have equally many.
    pub even: bool,
}

/// The most popular expert takes at most this share of the tokens, as the generator of the measurements has it.
const LARGEST_SHARE: f64 = 0.8;
/// Range of popularities where there are fewer pairs than experts, as the same generator has it.
const SPARSE: (f64, f64) = (0.01, 2.0);

impl Load {
    /// Of `tokens` tokens that choose `topk` of `experts` experts, spread over `ranks` ranks.
    ///
    /// Balanced: pairs = max(1, T k / ep), active = min(E / ep, pairs). Uniform and power law: the moments of one
    /// expert's tokens, and the largest of `ranks` sums of `experts / ranks` of them. For many batches make a
    /// [`RoutingPlan`] and keep it.
    pub fn of_heaviest_rank(tokens: f64, experts: f64, topk: f64, ranks: f64, routing: Routing) -> Self {
        RoutingPlan::new(experts, topk, ranks, routing).load(tokens)
    }
}

/// The routing of one layer, ready for any number of tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoutingPlan {
    experts: f64,
    topk: f64,
    ranks: f64,
    /// Experts of a rank.
    local: f64,
    /// Whether copies of popular experts give every rank its share.
    balanced: bool,
    /// See [`Moments::heaviest`].
    quantile: f64,
    kind: Kind,
}

/// What popularity follows, with what can be worked out beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Balanced,
    /// The logarithm of the chance that a token misses an expert.
    Uniform(f64),
    PowerLaw(PowerLaw),
}

/// Moments of popularities that are drawn from x^-alpha between two limits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PowerLaw {
    alpha: f64,
    /// The lower limit while pairs are few, and 1.
    lows: [Point; 2],
    /// The upper limit while pairs are few.
    sparse_high: Point,
}

/// A popularity, with the antiderivative of x^-alpha there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    x: f64,
    /// x^(1 - alpha), from which the higher ones follow by multiplication; the logarithm of x where alpha is 1.
    power: f64,
}

impl RoutingPlan {
    /// For `experts` experts, of which each token chooses `topk`, over `ranks` ranks.
    pub fn new(experts: f64, topk: f64, ranks: f64, routing: Routing) -> Self {
        let kind = match routing {
            Routing::Balanced => Kind::Balanced,
            Routing::Uniform => Kind::Uniform((-(topk / experts).min(1.0)).ln_1p()),
            Routing::PowerLaw { alpha } => Kind::PowerLaw(PowerLaw::new(alpha)),
        };
        let quantile = normal_quantile((ranks - 0.375) / (ranks + 0.25));
        let local = (experts / ranks).max(1.0);
        Self { experts, topk, ranks, local, balanced: false, quantile, kind }
    }

    /// The same where a rank holds so many, copies of popular ones among them, chosen and placed such that all ranks have the
    /// same to do on average: an expert load balancer.
    pub fn balanced(self, local: f64) -> Self {
        Self { local, balanced: true, ..self }
    }

    /// What the heaviest rank has to do for so many tokens before dispatch.
    pub fn load(&self, tokens: f64) -> Load {
        let moments = match &self.kind {
            Kind::Balanced => {
                let pairs = (tokens * self.topk / self.experts * self.local).max(1.0);
                return Load { pairs, active: pairs.min(self.local), even: true };
            }
            Kind::Uniform(miss) => Moments::uniform(tokens, self.experts, self.topk, *miss),
            Kind::PowerLaw(law) => law.moments(tokens, tokens * self.topk, self.experts),
        };
        let (local, ranks, z) = (self.local, self.ranks, self.quantile);
        if self.balanced {
            return moments.by_chance(tokens * self.topk / ranks, local, ranks, z);
        }
        moments.heaviest(local, ranks, z, (tokens * self.topk).min(local * tokens))
    }
}

impl PowerLaw {
    fn new(alpha: f64) -> Self {
        let lows = [SPARSE.0, 1.0].map(|low| Point::new(low, alpha));
        Self { alpha, lows, sparse_high: Point::new(SPARSE.1, alpha) }
    }

    /// Under power-law popularity x, drawn from x^-alpha on (a, b) = (1, 0.8 T), or (0.01, 2) while T k <= E.
    ///
    /// An expert gets round(c) tokens, c = s x with s = T k / (E mean(x)), but no more than T; what rounding and that
    /// limit take away is spread evenly over ranks, to the experts with the fewest tokens. With I(p, u, v) the integral
    /// of x^(p - alpha) from u to v, u = 1 / (2 s) and v = T / s, both within (a, b):
    /// hit = I(0, u, b) / I(0, a, b);  mean = (s I(1, u, v) + T I(0, v, b)) / I(0, a, b);
    /// mean square = (s^2 I(2, u, v) + T^2 I(0, v, b)) / I(0, a, b);  even = T k / E - mean.
    /// Source: the generator that made the measurements (the collector of aiconfigurator), its moments worked out.
    fn moments(&self, tokens: f64, pairs: f64, experts: f64) -> Moments {
        let alpha = self.alpha;
        let (low, high) = if pairs > experts {
            (self.lows[1], Point::new((LARGEST_SHARE * tokens).max(1.5), alpha))
        } else {
            (self.lows[0], self.sparse_high)
        };
        let all = integral(0, alpha, low, high);
        let scale = pairs / experts * all / integral(1, alpha, low, high);
        let within = |x: f64, least: Point| match x {
            x if x <= least.x => least,
            x if x >= high.x => high,
            x => Point::new(x, alpha),
        };
        let one = within(0.5 / scale, low);
        let full = within(tokens / scale, one);
        let limited = integral(0, alpha, full, high) / all;
        let mean = scale * integral(1, alpha, one, full) / all + tokens * limited;
        let square = scale * scale * integral(2, alpha, one, full) / all + tokens * tokens * limited;
        let hit = integral(0, alpha, one, high) / all;
        Moments { mean, square, hit, even: (pairs / experts - mean).max(0.0) }
    }
}

impl Point {
    fn new(x: f64, alpha: f64) -> Self {
        let logarithm = x.ln();
        let power = if is_one(alpha) { logarithm } else { ((1.0 - alpha) * logarithm).exp() };
        Self { x, power }
    }
}

/// Whether the integral of x^-alpha is a logarithm.
fn is_one(alpha: f64) -> bool {
    (1.0 - alpha).abs() < 1e-6
}

/// Integral of x^(power - alpha) from `low` to `high`; alpha is below 2.
fn integral(power: u8, alpha: f64, low: Point, high: Point) -> f64 {
    let exponent = f64::from(power) + 1.0 - alpha;
    let at = |point: Point| match (power, is_one(alpha)) {
        (0, _) => point.power,
        (1, true) => point.x,
        (1, false) => point.power * point.x,
        (_, true) => point.x * point.x,
        (_, false) => point.power * point.x * point.x,
    };
    if power == 0 && is_one(alpha) { at(high) - at(low) } else { (at(high) - at(low)) / exponent }
}

/// Tokens of one expert.
struct Moments {
    /// Mean of the part that popularity decides.
    mean: f64,
    /// Mean square of that part.
    square: f64,
    /// Probability that it is not zero.
    hit: f64,
    /// What is spread evenly besides, first over experts without tokens.
    even: f64,
}

impl Moments {
    /// Each expert is hit with probability k / E by each token: binomial, hit = 1 - (1 - k / E)^T.
    fn uniform(tokens: f64, experts: f64, topk: f64, miss: f64) -> Self {
        let chance = (topk / experts).min(1.0);
        let mean = tokens * chance;
        let square = mean * mean + mean * (1.0 - chance);
        Self { mean, square, hit: -(miss * tokens).exp_m1(), even: 0.0 }
    }

    /// The heaviest of ranks that all have so many pairs on average: those of one batch are Poisson, since whom a token chooses
    /// is chance for ranks whose popular experts are shared. Popular experts, and so their copies, are surely met.
    fn by_chance(&self, pairs: f64, local: f64, ranks: f64, z: f64) -> Load {
        let pairs = largest(pairs, pairs * (1.0 - 1.0 / ranks), z).max(1.0);
        let active = (local * (self.hit + self.even)).clamp(1.0, local);
        Load { pairs, active: active.min(pairs), even: false }
    }

    /// The heaviest of `ranks` ranks with `local` experts each; no rank can have more than `most` pairs.
    ///
    /// A rank's load is near a gamma variable of shape s = local mean^2 / variance; the expected largest of `ranks` is
    /// its quantile at z = normal quantile of (ranks - 0.375) / (ranks + 0.25), by Wilson and Hilferty:
    /// local mean (1 - 1 / (9 s) + z / (3 sqrt s))^3. Experts in use follow by regression on the load:
    /// local hit + mean (1 - hit) / variance (load - local mean), and the even part fills empty ones.
    /// Source: Wilson, Hilferty, The distribution of chi-square, PNAS 17 (1931); Blom's plotting position.
    fn heaviest(&self, local: f64, ranks: f64, z: f64, most: f64) -> Load {
        let expected = local * self.mean;
        let variance = (self.square - self.mean * self.mean).max(1e-9 * self.mean * self.mean).max(1e-12);
        let load = largest(expected, local * variance * (1.0 - 1.0 / ranks), z);
        let pairs = (load + local * self.even).max(1.0).min(most);
        let used = local * self.hit + self.mean * (1.0 - self.hit) / variance * (load - expected);
        let active = (used.min(local) + local * self.even).clamp(1.0, local);
        Load { pairs, active: active.min(pairs), even: false }
    }
}

/// The expected largest of as many gamma variables as have it at the normal quantile z.
fn largest(mean: f64, variance: f64, z: f64) -> f64 {
    if variance <= 0.0 || mean <= 0.0 {
        return mean;
    }
    let shape = mean * mean / variance;
    let root = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
    (mean * root.max(0.0).powi(3)).max(mean)
}

/// Quantile of the normal distribution above the middle. Source: Abramowitz, Stegun, 26.2.23; error below 4.5e-4.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let t = (-2.0 * (1.0 - probability.max(0.5)).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - above / below).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_eight_experts_of_one_token_on_one_rank() {
        // One token with k = 8 meets eight experts whatever the popularity.
        for routing in [Routing::Balanced, Routing::PowerLaw { alpha: 1.2 }] {
            let load = Load::of_heaviest_rank(1.0, 256.0, 8.0, 1.0, routing);
            assert!(
                (load.pairs - 8.0).abs() < 0.05 && (load.active - 8.0).abs() < 0.5,
                "{routing:?} {load:?}"
            );
        }
    }

    #[test]
    fn hand_balanced_load_is_the_mean() {
        // 1,024 tokens, k = 8, 8 ranks of 32 experts: 1,024 pairs on each, all experts busy.
        let load = Load::of_heaviest_rank(1024.0, 256.0, 8.0, 8.0, Routing::Balanced);
        assert_eq!(load, Load { pairs: 1024.0, active: 32.0, even: true });
    }

    #[test]
    fn hand_copies_leave_chance() {
        // 8,192 tokens, k = 8, 128 ranks with 3 of 256 experts and 128 copies: 512 pairs on average, the largest of 128 Poisson
        // variables about 512 + 2.58 sqrt(512) = 570; without copies the most popular expert fills its rank alone.
        let skewed = RoutingPlan::new(256.0, 8.0, 128.0, Routing::PowerLaw { alpha: 1.0 });
        let balanced = skewed.balanced(3.0).load(8192.0);
        assert!((balanced.pairs - 570.0).abs() < 5.0 && balanced.active <= 3.0, "{balanced:?}");
        assert!(skewed.load(8192.0).pairs > 4.0 * balanced.pairs);
    }

    #[test]
    fn hand_quantile_of_the_normal() {
        // Phi(1.959964) = 0.975.
        assert!((normal_quantile(0.975) - 1.959_964).abs() < 5e-4);
    }

    /// Mean, mean square and chance to be hit of an expert, with the integrals as they are written.
    fn as_written(tokens: f64, experts: f64, topk: f64, alpha: f64) -> [f64; 3] {
        let integral = |p: f64, u: f64, v: f64| {
            let e = p + 1.0 - alpha;
            if e.abs() < 1e-6 { (v / u).ln() } else { (v.powf(e) - u.powf(e)) / e }
        };
        let dense = tokens * topk > experts;
        let (a, b) = if dense { (1.0, (LARGEST_SHARE * tokens).max(1.5)) } else { SPARSE };
        let all = integral(0.0, a, b);
        let s = tokens * topk / experts * all / integral(1.0, a, b);
        let u = (0.5 / s).clamp(a, b);
        let v = (tokens / s).clamp(a, b).max(u);
        let limited = integral(0.0, v, b) / all;
        let mean = s * integral(1.0, u, v) / all + tokens * limited;
        let square = s * s * integral(2.0, u, v) / all + tokens * tokens * limited;
        [mean, square, integral(0.0, u, b) / all]
    }

    proptest! {
        #[test]
        fn law_moments_are_the_integrals_as_written(
            tokens in 1..100_000_u32, topk in 1..16_u32, experts in 16..512_u32, alpha in 0.5..1.9_f64, one in any::<bool>(),
        ) {
            let (tokens, topk, experts) = (f64::from(tokens), f64::from(topk), f64::from(experts));
            let alpha = if one { 1.0 } else { alpha };
            let found = PowerLaw::new(alpha).moments(tokens, tokens * topk, experts);
            let written = as_written(tokens, experts, topk, alpha);
            for (found, written) in [found.mean, found.square, found.hit].into_iter().zip(written) {
                prop_assert!((found - written).abs() <= 1e-9 * written.abs().max(1e-3), "{found} {written}");
            }
        }

        #[test]
        fn law_skew_reads_fewer_experts_and_loads_one_rank_more(
            tokens in 1.0..1e5_f64, topk in 1.0..16.0_f64, local in 1.0..128.0_f64, ranks in 1.0..64.0_f64, alpha in 0.5..1.9_f64,
        ) {
            let (topk, local, ranks) = (topk.floor(), local.floor(), ranks.floor());
            let experts = (local * ranks).max(topk);
            let load = Load::of_heaviest_rank(tokens, experts, topk, ranks, Routing::PowerLaw { alpha });
            prop_assert!(load.pairs.is_finite() && load.pairs >= 1.0);
            prop_assert!(load.active >= 1.0 && load.active <= load.pairs + 1e-9);
            prop_assert!(load.active <= experts / ranks + 1e-9);
            let mean = (tokens * topk / ranks).min(local * tokens);
            prop_assert!(load.pairs >= mean * (1.0 - 1e-9) || local * ranks < topk);
        }
    }
}
