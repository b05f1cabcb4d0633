//! No bytes make a reader panic, and what it gives is always a request.

use proptest::prelude::*;
use rackplan_traffic::trace::{Options, Reader};

const STARTS: [&str; 6] = [
    "arrival_s,input_tokens,output_tokens,session\n",
    "TIMESTAMP,ContextTokens,GeneratedTokens\n",
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
    "{\"timestamp\":0,\"input_length\":5,\"output_length\":5,\"hash_ids\":[1]}\n",
    "{\"chat_id\":1,\"parent_chat_id\":-1,\"timestamp\":0,\"input_length\":5,\"output_length\":5,\"hash_ids\":[1]}\n",
    "",
];

/// Pieces that come close to what is right.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let near = prop::sample::select(vec![
        "1",
        "0",
        "-1",
        "4294967296",
        "1e9",
        "nan",
        ",",
        ",",
        ",",
        "\n",
        "\n",
        "\"",
        "\"\"",
        "\r",
        " ",
        "1.5",
        "{",
        "}",
        "[",
        "]",
        ":",
        "\"timestamp\":",
        "\"hash_ids\":",
        "\"chat_id\":",
        "2023-11-16 18:17:03.97",
        "+00:00",
        "9".repeat(30).leak(),
        "2024-02-30T00:00:00Z",
        "{\"timestamp\":1,\"input_length\":5,\"output_length\":5,\"hash_ids\":[18446744073709551615]}\n",
    ]);
    prop_oneof![4 => near.prop_map(|text: &str| text.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..9)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn law_any_bytes_give_requests_or_errors(
        start in prop::sample::select(STARTS.to_vec()),
        pieces in prop::collection::vec(piece(), 0..60),
        strict in any::<bool>(),
        jitter in any::<Option<u64>>(),
        rate in prop_oneof![Just(1.0), any::<f64>()],
    ) {
        let text = [start.as_bytes(), &pieces.concat()].concat();
        let Ok(mut reader) = Reader::new("t", &text[..], Options { strict, jitter, rate }) else { return Ok(()) };
        let (mut last, mut errors) = (0.0, 0);
        for item in reader.by_ref() {
            match item {
                Ok(sent) => {
                    prop_assert!(sent.at >= last && sent.input > 0 && sent.output > 0, "{sent:?}");
                    last = sent.at;
                }
                Err(error) => {
                    errors += 1;
                    prop_assert!(!error.to_string().is_empty() && !error.hint().is_empty());
                }
            }
        }
        prop_assert!(errors <= 1 && reader.report().first_broken.len() <= 10);
    }
}
