//! Requests on their way, in slots that are used again.

use crate::time::Time;
use rackplan_traffic::Sent;

/// A request as engines see it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) input: u32,
    pub(crate) output: u32,
    pub(crate) class: u16,
    pub(crate) priority: u16,
    /// How often it was sent again because its replica failed.
    pub(crate) retries: u16,
    pub(crate) session: Option<u32>,
    pub(crate) turn: u32,
    /// Place in the order of sending.
    pub(crate) number: u64,
    /// When the client sent it, and when the scheduler may see it.
    pub(crate) sent: Time,
    pub(crate) seen: Time,
    /// When it was first let in, and when its first and last token arrived.
    pub(crate) admitted: Time,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Tokens it had generated when its prompt was last begun.
    made: u32,
    /// Decode steps of its rank when it joined the decoding sequences.
    joined: u64,
    /// How often it was taken back for want of cache.
    pub(crate) taken_back: u32,
    /// Rises whenever what others remember of it no longer holds.
    pub(crate) version: u32,
    /// Tokens of its prompt, all of them, that another worker computed and sent along.
    pub(crate) carried: u32,
    /// Tokens of its prompt found in caches when it was last let in, and of all times.
    pub(crate) hit: u32,
    pub(crate) hits: u32,
    /// Blocks of its prompt that it holds together with others, and their tokens.
    pub(crate) pinned: u32,
    pub(crate) shared: u32,
    /// Blocks that it takes or reserves from when it is let in until it leaves.
    pub(crate) committed: f64,
    /// Where it runs.
    pub(crate) replica: u32,
    /// Prompt tokens that the router counts for it there.
    pub(crate) routed: u32,
    /// Prefix blocks of its prompt.
    pub(crate) blocks: Box<[u32]>,
}

impl Request {
    pub(crate) fn new(sent: Sent, number: u64) -> Self {
        Self {
            input: sent.input,
            output: sent.output.max(1),
            class: sent.class,
            priority: sent.priority,
            retries: 0,
            session: sent.session,
            turn: sent.turn,
            number,
            sent: Time::NEVER,
            seen: Time::ZERO,
            admitted: Time::NEVER,
            first: Time::NEVER,
            last: Time::NEVER,
            made: 0,
            joined: 0,
            taken_back: 0,
            version: 0,
            carried: 0,
            hit: 0,
            hits: 0,
            pinned: 0,
            shared: 0,
            committed: 0.0,
            replica: 0,
            routed: 0,
            blocks: sent.blocks,
        }
    }

    /// Tokens to compute before it can decode: its prompt, and what it had generated before.
    pub(crate) fn prompt(&self) -> u32 {
        self.input.saturating_add(self.made)
    }

    /// Output still to come when its prompt is begun.
    pub(crate) fn output_left(&self) -> f64 {
        f64::from(self.output) - f64::from(self.made)
    }

    /// Tokens in the cache that no other request uses, when its prompt is computed.
    pub(crate) fn own(&self) -> u32 {
        self.prompt() - self.shared
    }

    /// Joins the decoding sequences after the given decode steps of its rank; returns the one that ends it, if any.
    pub(crate) fn join(&mut self, steps: u64, tokens_per_step: f64) -> Option<u64> {
        self.joined = steps;
        // The prompt itself gives one token. A hair less, so that rounding adds no step.
        let left = self.output_left() - 1.0;
        (left > 0.0).then(|| steps + (left / tokens_per_step - 1e-9).ceil().max(1.0) as u64)
    }

    /// Decode steps since it joined.
    pub(crate) fn decoded(&self, steps: u64) -> u64 {
        steps - self.joined
    }

    /// Phase of its last block: where in it the next token goes, as if counted from step 0.
    pub(crate) fn phase(&self, block: u32) -> u32 {
        let block = u64::from(block);
        ((u64::from(self.own()) + block - self.joined % block) % block) as u32
    }

    /// Loses its cache; what it has generated becomes part of its prompt. One token at least is left to generate.
    pub(crate) fn take_back(&mut self, steps: Option<u64>, tokens_per_step: f64) {
        if let Some(steps) = steps {
            self.keep(1 + (self.decoded(steps) as f64 * tokens_per_step) as u32);
        }
        self.forget_cache();
        self.carried = 0;
        self.taken_back += 1;
    }

    /// Its prompt is computed and gave a token; another worker goes on with both.
    pub(crate) fn hand_over(&mut self) {
        self.carried = self.prompt();
        self.forget_cache();
    }

    /// Whether another worker computed all of its prompt, and the token after it.
    pub(crate) fn is_computed(&self) -> bool {
        self.carried > 0
    }

    /// Starts anew elsewhere: all that was generated is lost.
    pub(crate) fn restart(&mut self) {
        self.made = 0;
        self.carried = 0;
        self.retries = self.retries.saturating_add(1);
        self.first = Time::NEVER;
        self.forget_cache();
    }

    fn keep(&mut self, tokens: u32) {
        self.made = (self.made + tokens).min(self.output - 1);
    }

    fn forget_cache(&mut self) {
        self.version += 1;
        (self.hit, self.pinned, self.shared) = (0, 0, 0);
    }

    /// Whether it has been answered to its last token.
    pub(crate) fn is_done(&self) -> bool {
        self.last != Time::NEVER
    }
}

/// All requests on their way.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    slots: Vec<Request>,
    free: Vec<u32>,
}

impl Requests {
    /// Takes a slot.
    pub(crate) fn add(&mut self, mut request: Request) -> u32 {
        let Some(id) = self.free.pop() else {
            self.slots.push(request);
            return self.slots.len() as u32 - 1;
        };
        let slot = &mut self.slots[id as usize];
        request.version = slot.version + 1;
        *slot = request;
        id
    }

    /// Gives a slot back.
    pub(crate) fn remove(&mut self, id: u32) {
        let slot = &mut self[id];
        slot.version += 1;
        slot.blocks = Box::default();
        slot.replica = u32::MAX;
        self.free.push(id);
    }

    /// All slots, free ones included: those are at no replica.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        0..self.slots.len() as u32
    }

    /// Requests on their way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl std::ops::Index<u32> for Requests {
    type Output = Request;

    fn index(&self, id: u32) -> &Request {
        &self.slots[id as usize]
    }
}

impl std::ops::IndexMut<u32> for Requests {
    fn index_mut(&mut self, id: u32) -> &mut Request {
        &mut self.slots[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(input: u32, output: u32) -> Request {
        Request::new(Sent { input, output, ..Sent::default() }, 0)
    }

    #[test]
    fn hand_a_request_that_is_taken_back_goes_on_where_it_was() {
        let mut request = request(100, 10);
        // One token from the prompt, nine more steps.
        assert_eq!((request.prompt(), request.join(5, 1.0)), (100, Some(14)));
        assert_eq!(request.decoded(9), 4);
        request.take_back(Some(9), 1.0);
        // 1 + 4 tokens generated; the prompt gives the sixth, four steps are left.
        assert_eq!((request.prompt(), request.join(20, 1.0)), (105, Some(24)));
    }

    #[test]
    fn hand_one_token_needs_no_decode_and_three_at_a_time_need_a_third() {
        assert_eq!(request(100, 1).join(3, 1.0), None);
        assert_eq!(request(100, 10).join(0, 3.0), Some(3));
    }

    #[test]
    fn hand_phases_say_when_a_block_is_taken() {
        let mut request = request(100, 10);
        request.join(5, 1.0);
        // 100 = 6 · 16 + 4: the next block is taken in the step after 12 more, at step 17.
        assert_eq!((u64::from(request.phase(16)) + 17) % 16, 0);
    }

    #[test]
    fn law_a_slot_that_is_used_again_has_a_new_version() {
        let mut requests = Requests::default();
        let id = requests.add(request(1, 1));
        let version = requests[id].version;
        requests.remove(id);
        assert_eq!((requests.add(request(2, 2)), requests.len()), (id, 1));
        assert!(requests[id].version > version);
    }
}
