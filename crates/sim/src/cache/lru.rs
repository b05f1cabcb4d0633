//! Cached tokens that nobody uses at the moment, in the order in which they go when room is needed.

use std::collections::BTreeSet;

/// What goes first when room is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eviction {
    /// What has gone unused for longest.
    #[default]
    LeastRecentlyUsed,
    /// What is cheapest to compute again for the room it takes, weighted by how often it was used; what was not asked
    /// for since cheaper pieces went ages as they go.
    ///
    /// GreedyDual-Size-Frequency: H = L + uses · cost/size, the lowest H goes, and L becomes its H.
    /// Source: Cherkasova, Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy (1998).
    Value,
}

/// What a piece of cache belongs to: a prefix block, a session or a request that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

const KINDS: usize = 3;
const KIND_SHIFT: u32 = 30;
const NONE: u32 = u32::MAX;

impl Key {
    pub(crate) fn block(id: u32) -> Self {
        Self::new(0, id)
    }

    pub(crate) fn session(id: u32) -> Self {
        Self::new(1, id)
    }

    pub(crate) fn request(id: u32) -> Self {
        Self::new(2, id)
    }

    /// Numbers are dense, so that a billion of a kind never come together.
    fn new(kind: u32, id: u32) -> Self {
        assert!(id < 1 << KIND_SHIFT, "numbers of blocks, sessions and requests are dense");
        Self(kind << KIND_SHIFT | id)
    }

    fn place(self) -> (usize, usize) {
        ((self.0 >> KIND_SHIFT) as usize, (self.0 & ((1 << KIND_SHIFT) - 1)) as usize)
    }

    /// Whether it dies with this cache: nobody looks for a taken-back request elsewhere.
    pub(crate) fn is_request(self) -> bool {
        self.place().0 == 2
    }

    pub(crate) fn is_block(self) -> bool {
        self.place().0 == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    key: Key,
    tokens: u32,
    /// H of [`Eviction::Value`], as bits that are ordered as it is.
    value: u64,
    older: u32,
    newer: u32,
}

/// Pieces by value: (H, node), how often each key was put in, and the H of what went last.
#[derive(Clone, Debug, Default)]
struct ByValue {
    order: BTreeSet<(u64, u32)>,
    uses: [Vec<u32>; KINDS],
    last: f64,
}

impl ByValue {
    fn value(&mut self, key: Key, worth: f64) -> u64 {
        let (kind, id) = key.place();
        let uses = &mut self.uses[kind];
        if uses.len() <= id {
            uses.resize(id + 1, 0);
        }
        uses[id] += 1;
        (self.last + worth.max(0.0) * f64::from(uses[id])).to_bits()
    }
}

/// Pieces in the order in which they go. By last use every operation takes constant time.
#[derive(Clone, Debug)]
pub(crate) struct Lru {
    by_value: Option<ByValue>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// Node of each key, by kind.
    index: [Vec<u32>; KINDS],
    oldest: u32,
    newest: u32,
    tokens: u64,
}

impl Default for Lru {
    fn default() -> Self {
        let index = [const { Vec::new() }; KINDS];
        Self {
            by_value: None,
            nodes: Vec::new(),
            free: Vec::new(),
            index,
            oldest: NONE,
            newest: NONE,
            tokens: 0,
        }
    }
}

impl Lru {
    pub(crate) fn new(eviction: Eviction) -> Self {
        let by_value = (eviction == Eviction::Value).then(ByValue::default);
        Self { by_value, ..Self::default() }
    }

    /// Tokens of all pieces.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    fn node(&self, key: Key) -> Option<u32> {
        let (kind, id) = key.place();
        self.index[kind].get(id).copied().filter(|node| *node != NONE)
    }

    /// Tokens of a piece, if it is here.
    pub(crate) fn get(&self, key: Key) -> Option<u32> {
        self.node(key).map(|node| self.nodes[node as usize].tokens)
    }

    /// Puts a piece in as the newest, worth so much a token; one of the same key is replaced.
    pub(crate) fn insert(&mut self, key: Key, tokens: u32, worth: f64) {
        self.remove(key);
        if tokens == 0 {
            return;
        }
        let value = self.by_value.as_mut().map_or(0, |by_value| by_value.value(key, worth));
        let node = Node { key, tokens, value, older: self.newest, newer: NONE };
        let at = if let Some(at) = self.free.pop() {
            self.nodes[at as usize] = node;
            at
        } else {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        };
        let (kind, id) = key.place();
        let index = &mut self.index[kind];
        if index.len() <= id {
            index.resize(id + 1, NONE);
        }
        index[id] = at;
        match self.nodes.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
        self.tokens += u64::from(tokens);
        if let Some(by_value) = &mut self.by_value {
            by_value.order.insert((value, at));
        }
    }

    /// Takes a piece out and returns its tokens.
    pub(crate) fn remove(&mut self, key: Key) -> Option<u32> {
        let at = self.node(key)?;
        let Node { tokens, value, older, newer, .. } = self.nodes[at as usize];
        if let Some(by_value) = &mut self.by_value {
            by_value.order.remove(&(value, at));
        }
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        let (kind, id) = key.place();
        self.index[kind][id] = NONE;
        self.free.push(at);
        self.tokens -= u64::from(tokens);
        Some(tokens)
    }

    /// The piece that goes now.
    pub(crate) fn next_to_go(&mut self) -> Option<(Key, u32)> {
        let at = match &mut self.by_value {
            Some(by_value) => {
                let &(value, at) = by_value.order.first()?;
                by_value.last = f64::from_bits(value);
                at
            }
            None => self.oldest,
        };
        self.nodes.get(at as usize).map(|node| (node.key, node.tokens))
    }

    /// Cuts tokens off the end of a piece.
    pub(crate) fn shrink(&mut self, key: Key, tokens: u32) {
        if let Some(at) = self.node(key) {
            let node = &mut self.nodes[at as usize];
            let cut = tokens.min(node.tokens);
            node.tokens -= cut;
            self.tokens -= u64::from(cut);
            if node.tokens == 0 {
                self.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_the_least_recently_used_goes_first() {
        let mut lru = Lru::default();
        let keys = [Key::block(0), Key::session(0), Key::request(7)];
        for key in keys {
            lru.insert(key, 10, 1.0);
        }
        lru.insert(keys[0], 10, 1.0);
        assert_eq!((lru.next_to_go(), lru.tokens()), (Some((keys[1], 10)), 30));
        lru.shrink(keys[1], 4);
        assert_eq!((lru.get(keys[1]), lru.tokens()), (Some(6), 26));
        lru.shrink(keys[1], 6);
        assert_eq!((lru.get(keys[1]), lru.next_to_go()), (None, Some((keys[2], 10))));
        assert_eq!((lru.remove(keys[2]), lru.remove(keys[2])), (Some(10), None));
        assert_eq!((lru.next_to_go(), lru.tokens()), (Some((keys[0], 10)), 10));
        lru.remove(keys[0]);
        assert_eq!(lru.next_to_go(), None);
        lru.insert(keys[2], 1, 1.0);
        assert_eq!(lru.next_to_go(), Some((keys[2], 1)));
    }

    #[test]
    fn hand_the_least_worth_goes_first_and_the_rest_ages() {
        let mut pieces = Lru::new(Eviction::Value);
        let (cheap, dear, often) = (Key::block(0), Key::block(1), Key::block(2));
        pieces.insert(often, 10, 1.0);
        pieces.insert(dear, 10, 2.5);
        pieces.insert(cheap, 10, 1.0);
        pieces.insert(often, 10, 1.0);
        // H: cheap 1, often 2 · 1, dear 2.5.
        assert_eq!(pieces.next_to_go(), Some((cheap, 10)));
        pieces.remove(cheap);
        // L is 1 now: what comes at 1 a token stands at 1 + 2 · 1, above the others.
        pieces.insert(cheap, 10, 1.0);
        assert_eq!(pieces.next_to_go(), Some((often, 10)));
        pieces.remove(often);
        assert_eq!(pieces.next_to_go(), Some((dear, 10)));
    }
}
