//! Ids of files as dense numbers, in the order in which they are met.

use std::collections::BTreeMap;

/// Ids below this are numbers already.
const SMALL: u64 = 1 << 26;

/// Numbers of blocks: ids that are small stay as they are, and need no memory.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    numbers: BTreeMap<u64, u32>,
    /// Where numbers of large ids start: above the small ones if any was met first.
    from: Option<u32>,
}

impl Blocks {
    /// The numbers of a prompt's blocks, at most so many.
    pub(crate) fn of(&mut self, ids: &[u64], most: usize) -> Box<[u32]> {
        let ids = &ids[..ids.len().min(most)];
        if ids.is_empty() {
            return Box::default();
        }
        let from = *self.from.get_or_insert_with(|| {
            // A file of hashes shows it in its first line; small ones among them are then no numbers either.
            if ids.iter().all(|id| *id < SMALL) { SMALL as u32 } else { 0 }
        });
        ids.iter().map(|id| self.number(*id, from)).collect()
    }

    fn number(&mut self, id: u64, from: u32) -> u32 {
        if from > 0 && id < SMALL {
            return id as u32;
        }
        let next = from.saturating_add(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
        *self.numbers.entry(id).or_insert(next)
    }
}

/// Numbers of sessions, and how many requests each has had.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Those whose key is a number, which is compared faster than text.
    numbers: BTreeMap<u64, u32>,
    names: BTreeMap<Box<[u8]>, u32>,
    turns: Vec<u32>,
}

impl Sessions {
    /// Session and turn of the next request of this key; an empty key is no session.
    pub(crate) fn next(&mut self, key: &[u8]) -> Option<(u32, u32)> {
        if key.is_empty() {
            return None;
        }
        let opened = self.turns.len() as u32;
        let session = match whole(key) {
            Some(number) => *self.numbers.entry(number).or_insert(opened),
            None => self.name(key, opened),
        };
        if session == opened {
            self.turns.push(0);
        }
        let turn = &mut self.turns[session as usize];
        *turn += 1;
        Some((session, *turn - 1))
    }

    fn name(&mut self, key: &[u8], opened: u32) -> u32 {
        if let Some(session) = self.names.get(key) {
            return *session;
        }
        self.names.insert(key.into(), opened);
        opened
    }
}

/// A key that is a whole number as it is usually written, so that no two keys are the same number.
fn whole(key: &[u8]) -> Option<u64> {
    if key.len() > 18 || (key.len() > 1 && key[0] == b'0') {
        return None;
    }
    key.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
}

/// Numbers of conversations whose requests name the request they follow.
#[derive(Debug, Default)]
pub(crate) struct Chats {
    /// Session and turn of each request.
    placed: BTreeMap<i64, (u32, u32)>,
    sessions: u32,
}

impl Chats {
    /// Session and turn of a request; one whose parent was never met starts a session.
    pub(crate) fn next(&mut self, chat: i64, parent: i64) -> (u32, u32) {
        let place = match self.placed.get(&parent) {
            Some((session, turn)) if parent != chat => (*session, turn + 1),
            _ => {
                self.sessions += 1;
                (self.sessions - 1, 0)
            }
        };
        self.placed.insert(chat, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_small_ids_stay_and_large_ones_follow_them() {
        let mut blocks = Blocks::default();
        assert_eq!(*blocks.of(&[0, 5, SMALL - 1], 9), [0, 5, SMALL as u32 - 1]);
        assert_eq!(*blocks.of(&[u64::MAX, 5, SMALL, u64::MAX], 9), [1 << 26, 5, (1 << 26) + 1, 1 << 26]);
    }

    #[test]
    fn hand_hashes_are_numbered_from_zero_and_cut_to_the_prompt() {
        let mut blocks = Blocks::default();
        assert_eq!(*blocks.of(&[u64::MAX, 3, SMALL], 9), [0, 1, 2]);
        assert_eq!(*blocks.of(&[SMALL, 3, 77], 2), [2, 1]);
        assert_eq!(*blocks.of(&[77], 9), [3]);
    }

    #[test]
    fn hand_sessions_and_chats() {
        let mut sessions = Sessions::default();
        let placed = [&b"x"[..], b"7", b"", b"x", b"07", b"7"].map(|key| sessions.next(key));
        let expected = [Some((0, 0)), Some((1, 0)), None, Some((0, 1)), Some((2, 0)), Some((1, 1))];
        assert_eq!(placed, expected);
        let mut chats = Chats::default();
        // 30 follows 10, 40 a request before the trace, 10 itself.
        assert_eq!(
            [(10, -1), (30, 10), (40, 7), (50, 50)].map(|(c, p)| chats.next(c, p)),
            [(0, 0), (0, 1), (1, 0), (2, 0)]
        );
    }
}
