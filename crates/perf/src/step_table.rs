//! Steps of a compiled deployment as tables, for those who ask for thousands of them.
//!
//! The operators of a step depend on disjoint counts: most on all positions, some on what is sampled, attention on
//! sequences and contexts. Each sum is tabulated once and interpolated; prompts' attention is evaluated as it is.

use crate::inference::{Average, Chunk, Compiled};
use crate::layers::Lane;
use crate::work::Needs;

/// Tables of one deployment. Times are in seconds.
#[derive(Clone, Debug)]
pub struct StepTable {
    compiled: Compiled,
    main: Positions,
    draft: Positions,
    /// Both in steps with prompts, where that differs.
    prompted: Option<[Positions; 2]>,
    sampled: Curve,
    drafted: Curve,
    decode: Surface,
}

/// Points up to which every whole number has its own.
const EVERY: usize = 16;
/// Points to a doubling above.
const PER_DOUBLING: f64 = 4.0;
/// Doublings above the first points: up to 16 · 2^16 positions.
const DOUBLINGS: usize = 16;
/// Doublings of the context, from 16 tokens to 8 M.
const CONTEXTS: usize = 20;
const FIRST_CONTEXT: f64 = 16.0;

impl StepTable {
    /// Fills the tables.
    pub fn new(compiled: Compiled) -> Self {
        let positions = |drafts, prompts| Positions::new(&compiled, drafts, prompts);
        let (main, draft) = (positions(false, false), positions(true, false));
        let prompted = compiled.minds_prompts().then(|| [false, true].map(|drafts| positions(drafts, true)));
        let sampled = Curve::new(|rows| compiled.main_of(Needs::Sampled, &Compiled::positions(rows, false)));
        let drafted = Curve::new(|rows| compiled.draft_of(Needs::Sampled, &Compiled::positions(rows, false)));
        let decode = Surface::new(|decodes, context| compiled.decode_attention(decodes, context));
        Self { compiled, main, draft, prompted, sampled, drafted, decode }
    }

    /// The deployment.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Time of a step, in seconds, for sequences that generate with so many cached tokens on average, and prompts of
    /// several kinds; within interpolation what [`Compiled::step`] gives.
    pub fn step(&self, decodes: f64, context: f64, chunks: &[Chunk]) -> f64 {
        self.step_among(decodes, context, chunks, None)
    }

    /// The same of an attention group that carries this while the average group carries something else.
    pub fn step_among(&self, decodes: f64, context: f64, chunks: &[Chunk], average: Option<Average>) -> f64 {
        let proposed = self.compiled.draft_tokens();
        let (whole, decodes) = (decodes, self.compiled.micro_batch(decodes));
        let prompts: f64 = chunks.iter().map(|chunk| chunk.prompts).sum();
        let prompt_tokens: f64 = chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum();
        let positions = decodes * (1.0 + proposed);
        let all = average.unwrap_or(Average { decodes: whole, prompt_tokens });
        let met = |each: f64| each * self.compiled.micro_batch(all.decodes) + all.prompt_tokens;
        let [main, draft] = match &self.prompted {
            Some([main, draft]) if prompts > 0.0 => [main, draft],
            _ => [&self.main, &self.draft],
        };
        let passing = |each: f64| self.compiled.passing(decodes, each, prompt_tokens);
        let mut time = main.at(passing(1.0 + proposed), met(1.0 + proposed))
            + self.sampled.at(positions + prompts)
            + self.decode.at(decodes, context);
        if proposed > 0.0 {
            let drafted = draft.at(passing(1.0), met(1.0)) + self.drafted.at(decodes + prompts);
            time += proposed * drafted;
        }
        let attention = chunks.iter().map(|chunk| self.compiled.prompt_attention(chunk));
        time + attention.sum::<f64>() + self.compiled.sends(decodes + prompt_tokens)
    }

    /// The context up to which the time of a step without prompts is linear in it: the next doubling that has a point.
    pub fn straight_to(context: f64) -> f64 {
        if context < FIRST_CONTEXT {
            return FIRST_CONTEXT;
        }
        let doubling = (context / FIRST_CONTEXT).log2().floor();
        // Beyond the last point the last line goes on.
        if doubling < (CONTEXTS - 2) as f64 { FIRST_CONTEXT * (doubling + 1.0).exp2() } else { f64::INFINITY }
    }
}

/// What depends on positions: together, and where attention groups differ also by what those positions are.
#[derive(Clone, Debug)]
struct Positions {
    together: Curve,
    lanes: Option<Lanes>,
}

/// What a group does with its own positions, and experts with those of the average group; the shared expert runs beside.
#[derive(Clone, Debug)]
struct Lanes {
    own: Curve,
    shared: Curve,
    routed: Curve,
}

impl Positions {
    fn new(compiled: &Compiled, drafts: bool, prompts: bool) -> Self {
        let of = if drafts { Compiled::draft_of } else { Compiled::main_of };
        let lane = |lane| Curve::new(|positions| compiled.lane_of((drafts, prompts), lane, positions));
        let lanes =
            || Lanes { own: lane(Lane::Alone), shared: lane(Lane::Shared), routed: lane(Lane::Routed) };
        Self {
            together: Curve::new(|tokens| of(compiled, Needs::Tokens, &Compiled::positions(tokens, prompts))),
            lanes: compiled.is_uneven().then(lanes),
        }
    }

    fn at(&self, own: f64, average: f64) -> f64 {
        match &self.lanes {
            Some(lanes) => lanes.own.at(own) + lanes.shared.at(own).max(lanes.routed.at(average)),
            None => self.together.at(own),
        }
    }
}

/// A function of a count, linear between points that stand closer where it is small.
#[derive(Clone, Debug)]
struct Curve {
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn new(of: impl Fn(f64) -> f64) -> Self {
        Self { points: grid().into_iter().map(|x| (x, of(x))).collect() }
    }

    fn at(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        let place = locate(x, self.points.len());
        between(self.points[place], self.points[place + 1], x)
    }
}

/// Counts with a point: 1 to 16, then four to a doubling.
fn grid() -> Vec<f64> {
    let first = (1..=EVERY).map(|x| x as f64);
    let more = (1..=DOUBLINGS * PER_DOUBLING as usize)
        .map(|step| (EVERY as f64 * (step as f64 / PER_DOUBLING).exp2()).round());
    first.chain(more).collect()
}

/// The point at or near a count among so many; the last but one for counts beyond the last.
fn locate(x: f64, points: usize) -> usize {
    let every = EVERY as f64;
    let place = if x < every {
        (x - 1.0).max(0.0) as usize
    } else {
        EVERY - 1 + ((x / every).log2() * PER_DOUBLING) as usize
    };
    place.min(points - 2)
}

/// On the line through two points; below the first point its value, since no kernel is faster than its launch.
fn between(a: (f64, f64), b: (f64, f64), x: f64) -> f64 {
    let share = ((x - a.0) / (b.0 - a.0)).max(0.0);
    a.1 + (b.1 - a.1) * share
}

/// A function of sequences and context: a curve over sequences at each doubling of the context.
#[derive(Clone, Debug)]
struct Surface {
    curves: Vec<Curve>,
}

impl Surface {
    fn new(of: impl Fn(f64, f64) -> f64) -> Self {
        let context = |step: usize| FIRST_CONTEXT * (step as f64).exp2();
        let curves = (0..CONTEXTS).map(|step| Curve::new(|decodes| of(decodes, context(step))));
        Self { curves: curves.collect() }
    }

    /// Linear in the context between doublings.
    fn at(&self, decodes: f64, context: f64) -> f64 {
        if decodes <= 0.0 {
            return 0.0;
        }
        let step = (context / FIRST_CONTEXT).max(1.0).log2().min((CONTEXTS - 2) as f64) as usize;
        let low = FIRST_CONTEXT * (step as f64).exp2();
        let (a, b) = (self.curves[step].at(decodes), self.curves[step + 1].at(decodes));
        a + (b - a) * ((context - low) / low).max(0.0)
    }
}
