//! Sessions worked out by hand: every law fixed.

use crate::{answer, load, play};
use rackplan_traffic::{
    After, Answered, Gaps, Lengths, Pause, Sent, SessionLoad, Sessions, Source as _, Tools, Turns, Users,
};

/// (time, session, turn, input).
fn times(sent: &[Sent]) -> Vec<(f64, u32, u32, u32)> {
    sent.iter().map(|sent| (sent.at, sent.session.expect("a session"), sent.turn, sent.input)).collect()
}

#[test]
fn hand_two_turns_and_the_next_user() {
    // Answered after 2 s: the second turn 3 s later has 100 + 5 + 10 tokens; then another user starts at once.
    let sent = play(&mut Sessions::new(load()), 4, |_| 2.0);
    assert_eq!(times(&sent), [(0.0, 0, 0, 100), (5.0, 0, 1, 115), (7.0, 1, 0, 100), (12.0, 1, 1, 115)]);
    assert!(sent.iter().all(|sent| sent.output == 5 && sent.class == 1 && sent.blocks.is_empty()));
}

#[test]
fn hand_users_start_one_after_the_other() {
    let users = Users::Fixed { users: 4, over: 8.0 };
    let mut source = Sessions::new(SessionLoad { users, ..load() });
    let sent: Vec<Sent> = std::iter::from_fn(|| source.next_sent()).collect();
    assert_eq!(times(&sent), [(0.0, 0, 0, 100), (2.0, 1, 0, 100), (4.0, 2, 0, 100), (6.0, 3, 0, 100)]);
    assert_eq!((source.begun(), source.active()), (4, 4));
}

#[test]
fn hand_arriving_users_leave_for_good() {
    let users = Users::Arriving(Gaps::Fixed { rate: 0.1 });
    let load = SessionLoad { users, turns: Turns::Fixed(1), sessions: Some(3), ..load() };
    let sent = play(&mut Sessions::new(load), 99, |_| 1.0);
    assert_eq!(times(&sent), [(10.0, 0, 0, 100), (20.0, 1, 0, 100), (30.0, 2, 0, 100)]);
}

#[test]
fn hand_the_same_user_comes_back() {
    let after = After::Returns { share: 1.0, idle: Pause::Fixed(60.0) };
    let load = SessionLoad { turns: Turns::Fixed(1), after, duration: Some(100.0), ..load() };
    let sent = play(&mut Sessions::new(load), 99, |_| 2.0);
    // 2 s and 60 s of absence; a third session would begin at 124 s.
    assert_eq!(times(&sent), [(0.0, 0, 0, 100), (62.0, 1, 0, 100)]);
}

#[test]
fn hand_tools_answer_in_the_user_s_place() {
    let tools =
        Tools { share: 1.0, calls: Turns::Fixed(2), time: Pause::Fixed(0.5), result: Lengths::Fixed(40) };
    let load = SessionLoad { tools: Some(tools), sessions: Some(1), ..load() };
    let sent = play(&mut Sessions::new(load), 99, |_| 1.0);
    let expected = [
        (0.0, 0, 0, 100),
        (1.5, 0, 1, 145),
        (3.0, 0, 2, 190),
        (7.0, 0, 3, 205), // The user's second turn, with two calls of its own.
        (8.5, 0, 4, 250),
        (10.0, 0, 5, 295),
    ];
    assert_eq!(times(&sent), expected);
}

#[test]
fn hand_the_context_is_cut_at_its_longest() {
    let load = SessionLoad { turns: Turns::Fixed(9), longest_context: 130, ..load() };
    let sent = play(&mut Sessions::new(load), 4, |_| 1.0);
    // 115, then 130 and 145 cut to the 125 that leave room for an answer of 5.
    assert_eq!(sent.iter().map(|sent| sent.input).collect::<Vec<_>>(), [100, 115, 125, 125]);
}

#[test]
fn hand_blocks_grow_with_the_context_and_move_when_it_is_cut() {
    // A system prompt of 32 tokens: blocks 0 and 1 are everybody's. 132, 147 and 162 tokens have 8, 9 and 10 full
    // blocks; the fourth, cut to 162 again, keeps the shared ones.
    let load = SessionLoad {
        users: Users::Fixed { users: 2, over: 1.0 },
        turns: Turns::Fixed(9),
        shared: 32,
        block_tokens: Some(16),
        longest_context: 167,
        ..load()
    };
    let mut source = Sessions::new(load);
    assert_eq!(source.block_tokens(), Some(16));
    let first = source.next_sent().unwrap();
    assert_eq!((first.input, &*first.blocks), (132, &[0, 1, 2, 3, 4, 5, 6, 7][..]));
    let other = source.next_sent().unwrap();
    assert_eq!(*other.blocks, [0, 1, 8, 9, 10, 11, 12, 13]);
    let second = source.answered(&answer(&first, 1.0)).unwrap();
    assert_eq!((second.input, &*second.blocks), (147, &[0, 1, 2, 3, 4, 5, 6, 7, 14][..]));
    let third = source.answered(&answer(&second, 9.0)).unwrap();
    assert_eq!((third.input, &*third.blocks), (162, &[0, 1, 2, 3, 4, 5, 6, 7, 14, 15][..]));
    let fourth = source.answered(&answer(&third, 19.0)).unwrap();
    assert_eq!((fourth.input, &*fourth.blocks), (162, &[0, 1, 16, 17, 18, 19, 20, 21, 22, 23][..]));
}

#[test]
fn hand_a_refused_user_says_more_all_the_same() {
    let mut source = Sessions::new(load());
    let first = source.next_sent().unwrap();
    let refused = Answered { output: 0, ..answer(&first, 0.0) };
    let second = source.answered(&refused).unwrap();
    assert_eq!(times(&[second]), [(3.0, 0, 1, 110)]);
    assert_eq!(source.answered(&Answered { session: None, ..refused.clone() }), None);
    assert_eq!(source.answered(&Answered { session: Some(77), ..refused }), None);
}

#[test]
fn hand_nothing_is_sent_after_the_end() {
    let sent = play(&mut Sessions::new(SessionLoad { duration: Some(6.0), ..load() }), 99, |_| 2.0);
    assert_eq!(times(&sent), [(0.0, 0, 0, 100), (5.0, 0, 1, 115)]);
}
