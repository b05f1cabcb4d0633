//! Sessions against a server that answers each request after a given time, however many there are.

mod hand;
mod laws;

use rackplan_traffic::{After, Answered, Lengths, Pause, Sent, SessionLoad, Source, Turns, Users};
use std::collections::BTreeMap;

/// One user, two turns of 100 and 10 new tokens, answers of 5, 3 s of thought.
fn load() -> SessionLoad {
    SessionLoad {
        users: Users::Fixed { users: 1, over: 0.0 },
        turns: Turns::Fixed(2),
        shared: 0,
        first_input: Lengths::Fixed(100),
        new_input: Lengths::Fixed(10),
        output: Lengths::Fixed(5),
        think: Pause::Fixed(3.0),
        tools: None,
        longest_context: 10_000,
        block_tokens: None,
        class: 1,
        after: After::Leaves,
        sessions: None,
        duration: None,
        seed: 1,
    }
}

fn answer(sent: &Sent, at: f64) -> Answered {
    let Sent { input, output, session, turn, class, .. } = *sent;
    Answered { at, input, output, session, turn, class }
}

/// Plays at most so many requests and gives them in order of time, each answered after its service time.
fn play(source: &mut impl Source, most: usize, mut service: impl FnMut(&Sent) -> f64) -> Vec<Sent> {
    let (mut answers, mut sent) = (BTreeMap::new(), Vec::new());
    let mut waiting = BTreeMap::new();
    let mut next = source.next_sent();
    let mut serial = 0_u64;
    while sent.len() < most {
        serial += 1;
        let first = |map: &BTreeMap<(u64, u64), Sent>| map.keys().next().map_or(u64::MAX, |key| key.0);
        let (answer_at, wait_at) = (first(&answers), first(&waiting));
        let next_at = next.as_ref().map_or(u64::MAX, |sent| sent.at.to_bits());
        let request = if answer_at <= wait_at.min(next_at) {
            let Some((key, done)) = answers.pop_first() else { break };
            if let Some(follow) = source.answered(&answer(&done, f64::from_bits(key.0))) {
                assert!(follow.at >= f64::from_bits(key.0), "{follow:?}");
                waiting.insert((follow.at.to_bits(), serial), follow);
            }
            continue;
        } else if wait_at <= next_at {
            waiting.pop_first().map(|entry| entry.1)
        } else {
            std::mem::replace(&mut next, source.next_sent())
        };
        let Some(request) = request else { break };
        answers.insert(((request.at + service(&request)).to_bits(), serial), request.clone());
        sent.push(request);
    }
    sent
}
