//! What holds for sessions of any kind.

use crate::{load, play};
use proptest::prelude::*;
use rackplan_traffic::{
    After, Gaps, Lengths, Pause, Sent, SessionLoad, Sessions, Source as _, Stream, Tools, Turns, Users,
};
use std::collections::BTreeMap;

/// People as they are: geometric turns, thought, tools, returns.
fn people(users: Users) -> SessionLoad {
    SessionLoad {
        users,
        turns: Turns::Geometric { mean: 4.0 },
        shared: 200,
        first_input: Lengths::LogNormal { mean: 400.0, sigma: 1.0, longest: 4000 },
        new_input: Lengths::Uniform { low: 10, high: 100 },
        output: Lengths::LogNormal { mean: 200.0, sigma: 0.7, longest: 2000 },
        think: Pause::Exponential { mean: 20.0 },
        tools: Some(Tools {
            share: 0.25,
            calls: Turns::Geometric { mean: 2.0 },
            time: Pause::LogNormal { mean: 1.0, sigma: 0.5 },
            result: Lengths::Fixed(300),
        }),
        longest_context: 32_000,
        block_tokens: Some(16),
        after: After::Leaves,
        ..load()
    }
}

#[test]
fn law_turns_and_calls_have_their_means() {
    let users = Users::Arriving(Gaps::Poisson { rate: 2.0 });
    let sent =
        play(&mut Sessions::new(SessionLoad { sessions: Some(40_000), ..people(users) }), usize::MAX, |_| {
            1.0
        });
    let sessions = sent.iter().filter(|sent| sent.turn == 0).count();
    // 4 turns with a quarter of them followed by 2 calls: 4 (1 + 0.25 · 2) = 6 requests a session.
    let mean = sent.len() as f64 / sessions as f64;
    assert!(sessions == 40_000 && (mean - 6.0).abs() < 0.12, "{sessions} {mean}");
}

#[test]
fn law_a_fixed_population_sends_as_a_closed_network() {
    // 50 users, each 20 s in thought and 5 s in service, without queues: 50 / 25 = 2 requests a second.
    let users = Users::Fixed { users: 50, over: 20.0 };
    let load = SessionLoad {
        turns: Turns::Fixed(1_000_000),
        tools: None,
        duration: Some(20_000.0),
        ..people(users)
    };
    let sent = play(&mut Sessions::new(load), usize::MAX, |_| 5.0);
    let rate = sent.len() as f64 / 20_000.0;
    assert!((rate - 2.0).abs() < 0.04, "{rate}");
}

#[test]
fn law_a_session_asks_the_same_however_fast_it_is_answered() {
    let users = || Users::Arriving(Gaps::Poisson { rate: 1.0 });
    let asked = |service: fn(&Sent) -> f64| {
        let sent = play(
            &mut Sessions::new(SessionLoad { sessions: Some(300), ..people(users()) }),
            usize::MAX,
            service,
        );
        let mut by_turn: Vec<_> =
            sent.iter().map(|sent| (sent.session, sent.turn, sent.input, sent.output)).collect();
        by_turn.sort_unstable();
        by_turn
    };
    let slow = asked(|sent| f64::from(sent.output) * 0.1);
    assert_eq!(slow, asked(|_| 0.01));
    assert!(slow.len() > 1000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn law_any_session_is_in_order(
        (users, over, longest, shared) in (1u32..40, 0.0f64..60.0, 0u32..3000, 0u32..500),
        (share, seed, returns, duration) in (0.0f64..1.0, any::<u64>(), any::<bool>(), 0.0f64..500.0),
    ) {
        let after = if returns { After::Returns { share, idle: Pause::Exponential { mean: 30.0 } } } else { After::Leaves };
        let users_law = Users::Fixed { users, over };
        let load = SessionLoad { longest_context: longest, shared, seed, after, duration: Some(duration), ..people(users_law) };
        let mut random = Stream::new(seed, "service");
        let mut source = Sessions::new(load.clone());
        let sent = play(&mut source, 5000, |_| random.gap());
        let mut last: BTreeMap<u32, &Sent> = BTreeMap::new();
        prop_assert!(sent.is_sorted_by(|a, b| a.at <= b.at) && source.active() <= users as usize);
        for request in &sent {
            prop_assert!(request.input > 0 && request.output > 0 && request.at <= duration);
            prop_assert!(request.input + request.output <= longest.max(2), "{request:?}");
            prop_assert_eq!(request.blocks.len() as u32, request.input / source.block_tokens().unwrap());
            match last.insert(request.session.unwrap(), request) {
                None => prop_assert_eq!(request.turn, 0),
                Some(before) => prop_assert!(request.turn == before.turn + 1 && request.at >= before.at),
            }
        }
        let again = play(&mut Sessions::new(load), 5000, { let mut random = Stream::new(seed, "service"); move |_| random.gap() });
        prop_assert_eq!(sent, again);
    }
}
