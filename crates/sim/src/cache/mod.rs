//! The KV cache of one attention rank: blocks of running requests, prefixes they share, and what waits for reuse.
//!
//! Blocks are either used by one request, pinned by several that share a prefix, idle (kept for whoever asks for the
//! same prefix, the next turn of a session, or a request that was taken back) or free. Idle ones make room for running
//! requests in the order of [`Eviction`] and move to lower tiers where there are any.

mod growth;
mod lru;
mod tier;

use crate::request::Request;
use crate::time::Time;
pub(crate) use growth::Growth;
pub use lru::Eviction;
use lru::{Key, Lru};
pub(crate) use tier::Store;
pub use tier::{Tier, TierTotals};

/// Lower tiers that a replica can have, a shared one included.
pub(crate) const TIERS: usize = 4;

/// What is kept of prompts and answers, and where.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Caching {
    /// Whether caches are kept when their requests end or are taken back (prefix caching).
    pub keeps_prefixes: bool,
    /// Bytes of a cached token on one rank; what moves between tiers.
    pub bytes_per_token: f64,
    /// Lower tiers, the fastest first; at most four, a shared one last.
    pub tiers: Vec<Tier>,
    /// Whether tiers are read even where computing again would be faster.
    pub always_reloads: bool,
    /// Time to compute a token of a prompt, in seconds: what reading is compared with.
    pub seconds_per_token: f64,
    /// Cached tokens before a token of a prompt that double its time; none if that never grows.
    pub doubling_tokens: Option<f64>,
    /// What goes first when room is needed.
    pub eviction: Eviction,
}

impl Caching {
    /// What a token is worth that stands behind so many others, in the time to compute it again.
    fn worth(&self, before: u32) -> f64 {
        1.0 + self.doubling_tokens.map_or(0.0, |tokens| f64::from(before) / tokens)
    }
}

/// Blocks of a rank by what they are. Their sum is the capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KvBlocks {
    /// Of running requests, each by itself.
    pub used: f64,
    /// Of prefixes that running requests share.
    pub shared: f64,
    /// Kept for reuse.
    pub idle: f64,
    /// Free.
    pub free: f64,
}

/// What caches hold of a prompt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Tokens that need not be computed.
    pub(crate) tokens: u32,
    /// Prefix blocks among them, and tokens of those that no running request holds yet.
    blocks: u32,
    unpinned: u32,
    /// Tokens to read from each lower tier.
    reads: [u32; TIERS],
}

impl Found {
    fn is_read(&self) -> bool {
        self.reads != [0; TIERS]
    }
}

/// Whether pieces in lower tiers count as found.
#[derive(Clone, Copy)]
enum Lower<'a> {
    Skipped,
    Read(Option<&'a Store>),
}

#[derive(Debug)]
pub(crate) struct Cache {
    caching: Caching,
    /// Capacity in whole blocks, and in their tokens.
    pub(crate) blocks: f64,
    capacity: f64,
    /// What of it batches of other pipeline stages hold.
    others: f64,
    block: u32,
    /// Tokens in a prefix block of the traffic.
    piece: u32,
    pins: Vec<u32>,
    pinned_tokens: f64,
    used: f64,
    idle: Lru,
    pub(crate) stores: Vec<Store>,
    /// Whether a tier that all replicas share is below them.
    shares: bool,
    pub(crate) growth: Growth,
    /// The most that running requests held.
    peak: f64,
}

impl Cache {
    pub(crate) fn new(
        caching: &Caching,
        (blocks, block): (f64, u32),
        tokens_per_step: f64,
        piece: u32,
    ) -> Self {
        let stores = caching.tiers.iter().filter(|tier| !tier.is_shared);
        Self {
            blocks,
            capacity: blocks * f64::from(block),
            others: 0.0,
            block,
            piece: piece.max(1),
            pins: Vec::new(),
            pinned_tokens: 0.0,
            used: 0.0,
            idle: Lru::new(caching.eviction),
            stores: stores.map(|tier| Store::new(tier, caching)).collect(),
            shares: caching.tiers.iter().any(|tier| tier.is_shared),
            growth: Growth::new(block, tokens_per_step),
            peak: 0.0,
            caching: caching.clone(),
        }
    }

    /// Tokens that running requests do not hold.
    pub(crate) fn room(&self) -> f64 {
        self.capacity - self.others - self.held()
    }

    /// Others take so many tokens of the capacity.
    pub(crate) fn leave_to_others(&mut self, tokens: f64) {
        self.others = tokens;
    }

    /// Tokens that they hold, by themselves or together.
    pub(crate) fn held(&self) -> f64 {
        self.used + self.pinned_tokens
    }

    pub(crate) fn state(&self) -> KvBlocks {
        let blocks = |tokens: f64| tokens / f64::from(self.block);
        let (shared, idle) = (self.pinned_tokens, self.idle.tokens() as f64);
        KvBlocks {
            used: blocks(self.used),
            shared: blocks(shared),
            idle: blocks(idle),
            free: blocks(self.room() - idle),
        }
    }

    /// The most tokens that running requests held, in whole blocks.
    pub(crate) fn peak_tokens(&self) -> f64 {
        self.peak
    }

    fn is_pinned(&self, block: u32) -> bool {
        self.pins.get(block as usize).is_some_and(|pins| *pins > 0)
    }

    /// What is cached of a request's prompt, here and in lower tiers. One token at least is left to compute, unless another
    /// worker sent all of them along.
    pub(crate) fn find(&self, id: u32, request: &Request, shared: Option<&Store>, now: Time) -> Found {
        let limit = request.prompt() - 1;
        if request.is_computed() || !self.caching.keeps_prefixes {
            return Found { tokens: request.carried, ..Found::default() };
        }
        let found = if request.blocks.is_empty() {
            self.find_session(request, limit, shared)
        } else {
            self.find_blocks(&request.blocks, limit / self.piece, Lower::Read(shared))
        };
        let found = if found.is_read() && !self.is_worth_reading(&found, shared, now) {
            self.find_blocks(&request.blocks, limit / self.piece, Lower::Skipped)
        } else {
            found
        };
        let kept = self.idle.get(Key::request(id)).unwrap_or(0);
        let continues =
            found.blocks as usize == request.blocks.len().min((request.input / self.piece) as usize);
        let kept = if continues { kept } else { 0 };
        Found { tokens: (found.tokens + kept).min(limit), ..found }
    }

    /// The longest run of prefix blocks of which each lies somewhere.
    fn find_blocks(&self, blocks: &[u32], most: u32, lower: Lower<'_>) -> Found {
        let mut found = Found::default();
        for &block in blocks.iter().take(most as usize) {
            if !self.is_pinned(block) {
                let key = Key::block(block);
                if self.idle.get(key).is_none() {
                    let Lower::Read(shared) = lower else { break };
                    let Some((tier, _)) = self.find_lower(key, shared) else { break };
                    found.reads[tier] += self.piece;
                }
                found.unpinned += self.piece;
            }
            found.blocks += 1;
        }
        found.tokens = found.blocks * self.piece;
        found
    }

    fn find_session(&self, request: &Request, limit: u32, shared: Option<&Store>) -> Found {
        let Some(session) = request.session.filter(|_| request.taken_back == 0) else {
            return Found::default();
        };
        let key = Key::session(session);
        if let Some(tokens) = self.idle.get(key) {
            return Found { tokens: tokens.min(limit), ..Found::default() };
        }
        let mut found = Found::default();
        if let Some((tier, tokens)) = self.find_lower(key, shared) {
            found.tokens = tokens.min(limit);
            found.reads[tier] = found.tokens;
        }
        found
    }

    fn find_lower(&self, key: Key, shared: Option<&Store>) -> Option<(usize, u32)> {
        self.stores
            .iter()
            .chain(shared)
            .enumerate()
            .find_map(|(tier, store)| Some((tier, store.pieces.get(key)?)))
    }

    fn is_worth_reading(&self, found: &Found, shared: Option<&Store>, now: Time) -> bool {
        let read: u32 = found.reads.iter().sum();
        let times = self.stores.iter().chain(shared).zip(found.reads);
        let slowest =
            times.filter(|(_, tokens)| *tokens > 0).map(|(store, tokens)| store.read_time(tokens, now));
        self.caching.always_reloads
            || slowest.fold(0.0, f64::max) < f64::from(read) * self.caching.seconds_per_token
    }

    /// Tokens of whole blocks that a request takes when it is let in.
    pub(crate) fn needed(&self, request: &Request, found: &Found) -> f64 {
        let own = request.prompt() - found.blocks * self.piece;
        self.growth.held(own, 0) + f64::from(found.unpinned)
    }

    /// Takes a request's blocks; returns when what is read from lower tiers is here, if anything is.
    pub(crate) fn admit(
        &mut self,
        id: u32,
        request: &mut Request,
        found: Found,
        (shared, now): (&mut Option<Store>, Time),
    ) -> Option<Time> {
        self.idle.remove(Key::request(id));
        for at in 0..found.blocks as usize {
            self.pin(request.blocks[at]);
        }
        if let Some(session) = request.session.filter(|_| self.caching.keeps_prefixes) {
            self.forget(Key::session(session));
        }
        request.pinned = found.blocks;
        request.shared = found.blocks * self.piece;
        request.hit = found.tokens;
        self.used += self.growth.held(request.own(), 0);
        self.fit(shared, now);
        let stores = self.stores.iter_mut().chain(shared.as_mut()).zip(found.reads);
        stores.filter(|(_, tokens)| *tokens > 0).map(|(store, tokens)| store.read(tokens, now)).max()
    }

    fn pin(&mut self, block: u32) {
        let at = block as usize;
        if self.pins.len() <= at {
            self.pins.resize(at + 1, 0);
        }
        if self.pins[at] == 0 {
            self.pinned_tokens += f64::from(self.piece);
            self.forget(Key::block(block));
        }
        self.pins[at] += 1;
    }

    /// Takes a piece that is used again out of idle caches, and out of our own lower tiers.
    fn forget(&mut self, key: Key) {
        if self.idle.remove(key).is_none() {
            for store in &mut self.stores {
                store.pieces.remove(key);
            }
        }
    }

    /// A prompt is computed: whole prefix blocks of it can be shared from now on.
    pub(crate) fn store_prompt(&mut self, request: &mut Request) {
        let whole = (request.input / self.piece).min(request.blocks.len() as u32);
        if !self.caching.keeps_prefixes || whole <= request.pinned {
            return;
        }
        self.used -= self.growth.held(request.own(), 0);
        for at in request.pinned..whole {
            self.pin(request.blocks[at as usize]);
        }
        request.pinned = whole;
        request.shared = whole * self.piece;
        self.used += self.growth.held(request.own(), 0);
    }

    /// Sequences of the rank generate for so many steps.
    pub(crate) fn grow(&mut self, from: u64, steps: u64, shared: (&mut Option<Store>, Time)) {
        self.used += self.growth.taken(from, steps);
        self.note_peak();
        self.fit(shared.0, shared.1);
    }

    /// Decode steps until something moves to the tier that all replicas share, at the earliest, if they are no more than
    /// `most`: others may look for it, so that it has to be there in time.
    pub(crate) fn steps_to_sharing(&self, from: u64, most: u64) -> u64 {
        if !self.shares || self.idle.tokens() == 0 {
            return u64::MAX;
        }
        self.growth.steps_within(from, self.room() - self.idle.tokens() as f64, most).saturating_add(1)
    }

    /// Notes what running requests hold.
    pub(crate) fn note_peak(&mut self) {
        self.peak = self.peak.max(self.held());
    }

    /// A request gives back what it held by itself, in tokens of whole blocks, with so many tokens in them.
    pub(crate) fn release(&mut self, id: u32, request: &Request, (held, tokens): (f64, f64)) {
        self.used -= held;
        if !self.caching.keeps_prefixes {
            return;
        }
        // The end of a prompt goes first when room is needed.
        for (at, &block) in request.blocks[..request.pinned as usize].iter().enumerate().rev() {
            let worth = self.caching.worth(at as u32 * self.piece);
            let pins = &mut self.pins[block as usize];
            *pins -= 1;
            if *pins == 0 {
                self.pinned_tokens -= f64::from(self.piece);
                self.idle.insert(Key::block(block), self.piece, worth);
            }
        }
        let kept = tokens as u32 / self.block * self.block;
        let worth = self.caching.worth(kept / 2);
        if !request.is_done() {
            self.idle.insert(Key::request(id), kept, worth);
        } else if let Some(session) = request.session.filter(|_| request.blocks.is_empty()) {
            self.idle.insert(Key::session(session), kept, worth);
        }
    }

    /// Forgets what was kept of a request that will not come back to this rank.
    pub(crate) fn drop_request(&mut self, id: u32) {
        self.idle.remove(Key::request(id));
    }

    /// Lets idle pieces go until they fit beside running requests.
    pub(crate) fn fit(&mut self, shared: &mut Option<Store>, now: Time) {
        if self.idle.tokens() > 0 {
            self.let_go(shared, now);
        }
    }

    fn let_go(&mut self, shared: &mut Option<Store>, now: Time) {
        let room = self.room();
        while self.idle.tokens() as f64 > room {
            let Some((key, tokens)) = self.idle.next_to_go() else { break };
            let goes_down = !key.is_request() && (!self.stores.is_empty() || shared.is_some());
            let over = self.growth.whole(self.idle.tokens() - room.max(0.0) as u64);
            let over = (over as u32).min(tokens);
            if goes_down || key.is_block() || over == tokens {
                self.idle.remove(key);
            } else {
                self.idle.shrink(key, over);
            }
            if goes_down {
                self.write_down(key, tokens, shared, now);
            }
        }
    }

    /// Writes a piece to the first lower tier, what that lets go to the next, and so on.
    fn write_down(&mut self, key: Key, tokens: u32, shared: &mut Option<Store>, now: Time) {
        let mut going = vec![(key, tokens)];
        for store in self.stores.iter_mut().chain(shared.as_mut()) {
            let mut left = Vec::new();
            for (key, tokens) in going {
                store.write((key, tokens), self.caching.worth(tokens / 2), now, &mut left);
            }
            going = left;
        }
    }

    /// Prefix tokens of a request that lie here or in our lower tiers: what a router asks for.
    pub(crate) fn match_tokens(&self, request: &Request) -> u32 {
        if !self.caching.keeps_prefixes {
            return 0;
        }
        let limit = request.input.saturating_sub(1);
        if request.blocks.is_empty() {
            return self.find_session(request, limit, None).tokens;
        }
        self.find_blocks(&request.blocks, limit / self.piece, Lower::Read(None)).tokens
    }
}
