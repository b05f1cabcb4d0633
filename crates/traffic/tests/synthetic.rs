//! Requests drawn from laws.

use rackplan_traffic::{Class, Gaps, Lengths, Sent, Source as _, Synthetic, SyntheticLoad};

fn class(share: f64, class: u16, shared: u32, input: u32) -> Class {
    Class { share, class, shared, input: Lengths::Fixed(input), output: Lengths::Fixed(10) }
}

fn load(classes: Vec<Class>) -> SyntheticLoad {
    let gaps = Gaps::Fixed { rate: 4.0 };
    SyntheticLoad { gaps, classes, requests: None, duration: None, block_tokens: None, seed: 1 }
}

fn all(load: SyntheticLoad) -> Vec<Sent> {
    let mut source = Synthetic::new(load);
    std::iter::from_fn(|| source.next_sent()).collect()
}

#[test]
fn hand_count_and_duration_end_it() {
    let one = || vec![class(1.0, 0, 0, 100)];
    let sent = all(SyntheticLoad { requests: Some(3), ..load(one()) });
    assert_eq!(sent.iter().map(|sent| sent.at).collect::<Vec<_>>(), [0.25, 0.5, 0.75]);
    assert_eq!(all(SyntheticLoad { duration: Some(2.1), ..load(one()) }).len(), 8);
    assert_eq!(all(SyntheticLoad { duration: Some(2.1), requests: Some(5), ..load(one()) }).len(), 5);
    assert_eq!(all(load(Vec::new())), []);
    assert_eq!(all(load(vec![class(0.0, 0, 0, 1)])), []);
}

#[test]
fn hand_prompts_start_alike_within_their_class() {
    // 40 shared tokens are two full blocks of 16, 16 are one.
    let classes = vec![class(0.5, 2, 40, 100), class(0.5, 7, 16, 200)];
    let sent = all(SyntheticLoad { requests: Some(50), block_tokens: Some(16), ..load(classes) });
    for request in &sent {
        let expected: (u32, &[u32]) = if request.class == 2 { (140, &[0, 1]) } else { (216, &[2]) };
        assert_eq!((request.input, &*request.blocks), expected);
    }
    assert!(sent.iter().any(|sent| sent.class == 2) && sent.iter().any(|sent| sent.class == 7));
}

#[test]
fn law_classes_have_their_shares_and_lengths() {
    let long = Lengths::LogNormal { mean: 900.0, sigma: 1.0, longest: 100_000 };
    let classes = vec![class(3.0, 0, 0, 100), Class { input: long.clone(), ..class(1.0, 1, 0, 0) }];
    let sent = all(SyntheticLoad { requests: Some(100_000), ..load(classes) });
    let second: Vec<&Sent> = sent.iter().filter(|sent| sent.class == 1).collect();
    // A quarter, with a deviation of √(100,000 · 3/16) = 137.
    assert!((second.len() as f64 - 25_000.0).abs() < 550.0, "{}", second.len());
    let mean = second.iter().map(|sent| f64::from(sent.input)).sum::<f64>() / second.len() as f64;
    let settled = 4.0 * long.deviation() / (second.len() as f64).sqrt();
    assert!((mean - long.mean()).abs() < settled, "{mean} {}", long.mean());
}

#[test]
fn law_classes_draw_from_streams_of_their_own() {
    let lengths = |mean| Lengths::LogNormal { mean, sigma: 1.0, longest: 100_000 };
    let of_second = |mean| {
        let classes = vec![
            Class { input: lengths(mean), ..class(1.0, 0, 0, 0) },
            Class { input: lengths(5.0), ..class(1.0, 1, 0, 0) },
        ];
        let sent = all(SyntheticLoad { requests: Some(1000), ..load(classes) });
        sent.into_iter().filter(|sent| sent.class == 1).collect::<Vec<_>>()
    };
    assert_eq!(of_second(50.0), of_second(5000.0));
}
