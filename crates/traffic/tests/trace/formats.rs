//! A few lines of each format, as its publisher writes them.

use crate::{plain, read};
use rackplan_traffic::trace::{Copies, Format, Options, Reader, Repeated};
use rackplan_traffic::{Sent, Source as _};

fn strict(text: &str) -> Vec<Sent> {
    read(text, Options { strict: true, ..Options::default() }).expect("a trace")
}

fn format(text: &str) -> Format {
    Reader::new("t", text.as_bytes(), Options::default())
        .map(|reader| reader.report().format)
        .expect("a trace")
}

#[test]
fn hand_plain() {
    let text = "arrival_s,input_tokens,output_tokens\n10.5,100,10\n10.5,200,20\r\n\n12,300,30";
    assert_eq!(strict(text), [plain(0.0, 100, 10), plain(0.0, 200, 20), plain(1.5, 300, 30)]);
    assert_eq!(format(text), Format::Plain);
}

#[test]
fn hand_plain_with_sessions_in_any_order_of_columns() {
    let text = "\u{feff}session,output_tokens,\"input_tokens\",arrival_s\nann,1,2,0\n\"b, c\",3,4,0\n,5,6,1\nann,7,8,1\n";
    let of = |at, input, output, session, turn| Sent { session, turn, ..plain(at, input, output) };
    let expected = [
        of(0.0, 2, 1, Some(0), 0),
        of(0.0, 4, 3, Some(1), 0),
        of(1.0, 6, 5, None, 0),
        of(1.0, 8, 7, Some(0), 1),
    ];
    assert_eq!(strict(text), expected);
}

#[test]
fn hand_plain_with_priority_classes() {
    let text = "arrival_s,input_tokens,output_tokens,class\n0,1,2,1\n0,3,4,0\n";
    let expected = [Sent { class: 1, priority: 1, ..plain(0.0, 1, 2) }, plain(0.0, 3, 4)];
    assert_eq!(strict(text), expected);
    let broken =
        read(&text.replace(",0\n", ",low\n"), Options { strict: true, ..Options::default() }).unwrap_err();
    assert_eq!(broken.to_string(), "t: line 3: `class` is `low`, which is no priority class");
}

#[test]
fn hand_azure_of_three_years() {
    let of_2023 = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.9799600,4808,10\n2023-11-17 00:00:00.0319600,3180,8\n";
    let sent = strict(of_2023);
    assert_eq!(sent[0], plain(0.0, 4808, 10));
    assert!((sent[1].at - 0.052).abs() < 1e-12 && sent[1].input == 3180);
    let of_2024 = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,2399,6\n";
    assert!((strict(of_2024)[1].at - 0.990_07).abs() < 1e-12);
    let of_2025 = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-25 00:00:00.5,1,1500,70\n";
    assert_eq!(strict(of_2025), [plain(0.0, 1500, 70)]);
    assert_eq!([of_2023, of_2024, of_2025].map(format), [Format::Azure; 3]);
}

#[test]
fn hand_burst_gpt() {
    let text = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                5,1042,3.2,ChatGPT,472,18,490,Conversation log\n5,,0.9,GPT-4,12,4,16,API log\n45,1042,1,ChatGPT,520,9,529,Conversation log\n";
    let talk = |at, input, output, turn| Sent { session: Some(0), turn, ..plain(at, input, output) };
    assert_eq!(strict(text), [talk(0.0, 472, 18, 0), plain(0.0, 12, 4), talk(40.0, 520, 9, 1)]);
    let first_release = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n";
    assert_eq!(strict(first_release), [plain(0.0, 472, 18)]);
    assert_eq!([text, first_release].map(format), [Format::BurstGpt; 2]);
}

#[test]
fn hand_vidur() {
    let text = "id,arrived_at,num_prefill_tokens,num_decode_tokens,ttft\n0,0.5,395,112,0.18\n1,0.75,10,2,\n";
    assert_eq!((strict(text), format(text)), (vec![plain(0.0, 395, 112), plain(0.25, 10, 2)], Format::Vidur));
}

#[test]
fn hand_mooncake() {
    // 1025 tokens fill two blocks of 512 and start a third; a fourth id has no tokens and is left out.
    let text = "{\"timestamp\": 27000, \"input_length\": 1025, \"output_length\": 5, \"hash_ids\": [0, 14, 15, 16]}\n\
                {\"timestamp\": 30000, \"input_length\": 512, \"output_length\": 7, \"hash_ids\": [0]}\n";
    let mut reader = Reader::new("t", text.as_bytes(), Options::default()).unwrap();
    assert_eq!((reader.report().format, reader.block_tokens()), (Format::Mooncake, Some(512)));
    let first = Sent { blocks: Box::new([0, 14, 15]), ..plain(0.0, 1025, 5) };
    let second = Sent { blocks: Box::new([0]), ..plain(3.0, 512, 7) };
    assert_eq!(
        [reader.next_sent(), reader.next_sent(), reader.next_sent()],
        [Some(first), Some(second), None]
    );
    assert!(reader.failure().is_none());
}

#[test]
fn hand_qwen_bailian() {
    let line = |chat, parent, time, turn, ids| {
        format!(
            "{{\"chat_id\": {chat}, \"parent_chat_id\": {parent}, \"timestamp\": {time}, \"input_length\": 20, \
             \"output_length\": 5, \"type\": \"text\", \"turn\": {turn}, \"hash_ids\": [{ids}]}}\n"
        )
    };
    let text = line(5, -1, "61.25", 1, "7, 8")
        + &line(6, -1, "61.5", 1, "9")
        + &line(9, 5, "70", 2, "7, 99999999999");
    let talk = |at, session, turn, blocks: &[u32]| Sent {
        session: Some(session),
        turn,
        blocks: blocks.into(),
        ..plain(at, 20, 5)
    };
    let expected = [talk(0.0, 0, 0, &[7, 8]), talk(0.25, 1, 0, &[9]), talk(8.75, 0, 1, &[7, 1 << 26])];
    assert_eq!((strict(&text), format(&text)), (expected.to_vec(), Format::QwenBailian));
}

#[test]
fn hand_vllm_measured() {
    let text = "{\"request_id\": \"bench-0\", \"input_toks\": 2358, \"output_toks\": 531, \"arrival_time\": 1787267980.25, \"queued_ts\": 27.5}\n\
                {\"request_id\": \"bench-1\", \"input_toks\": 1034, \"output_toks\": 769, \"arrival_time\": 1787267980.75, \"queued_ts\": 27.6}\n";
    assert_eq!(
        (strict(text), format(text)),
        (vec![plain(0.0, 2358, 531), plain(0.5, 1034, 769)], Format::VllmMeasured)
    );
}

#[test]
fn hand_twice_the_rate_and_three_times_over() {
    let text = "arrival_s,input_tokens,output_tokens,session\n0,1,1,a\n10,1,1,b\n";
    let mut reader = Reader::new("t", text.as_bytes(), Options { rate: 2.0, ..Options::default() }).unwrap();
    let mut repeated = Repeated::read(&mut reader, 3, Copies::Apart).unwrap();
    let sent: Vec<_> =
        std::iter::from_fn(|| repeated.next_sent()).map(|sent| (sent.at, sent.session)).collect();
    let expected = [(0.0, 0), (5.0, 1), (10.0, 2), (15.0, 3), (20.0, 4), (25.0, 5)];
    assert_eq!(sent, expected.map(|(at, session)| (at, Some(session))));
}

#[test]
fn law_jitter_has_a_seed_and_keeps_order_and_cells() {
    let line = |cell: u32, input: u32| {
        format!(
            "{{\"timestamp\":{},\"input_length\":{input},\"output_length\":1,\"hash_ids\":[]}}\n",
            3000 * cell
        )
    };
    let text: String = (1..2000).map(|input| line(input / 10, input)).collect();
    let jittered = |seed| read(&text, Options { jitter: Some(seed), ..Options::default() }).unwrap();
    let sent = jittered(1);
    assert_eq!(sent, jittered(1));
    assert_ne!(sent, jittered(2));
    assert!(sent.is_sorted_by(|a, b| a.at <= b.at && a.input < b.input));
    assert!(sent.iter().all(|sent| (sent.at / 3.0) as u32 == sent.input / 10));
    // Uniform within the cell: 1.5 s late on average, within four deviations of 3/√12/√2000.
    let late = sent.iter().map(|sent| sent.at % 3.0).sum::<f64>() / sent.len() as f64;
    assert!((late - 1.5).abs() < 0.08, "{late}");
}
