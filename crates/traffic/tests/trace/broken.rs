//! Lines that are no requests, and what is said about them.

use crate::{plain, read};
use rackplan_traffic::Source as _;
use rackplan_traffic::trace::{Options, Reader, TraceError};

const HEADING: &str = "arrival_s,input_tokens,output_tokens\n";
const MOONCAKE: &str = "{\"timestamp\":9,\"input_length\":5,\"output_length\":5,\"hash_ids\":[1]}\n";

/// The message about the second line of a trace.
fn message(first: &str, line: &str) -> String {
    let options = Options { strict: true, ..Options::default() };
    let error = read(&format!("{first}{line}\n"), options).expect_err("a broken line");
    assert!(matches!(error, TraceError::Line { .. }) && !error.hint().is_empty());
    error.to_string()
}

#[test]
fn hand_broken_rows() {
    for (line, expected) in [
        ("1,2", "t: line 2: 2 fields, and the heading has 3"),
        ("1,2,3,4", "t: line 2: 4 fields, and the heading has 3"),
        ("x,2,3", "t: line 2: `arrival_s` is `x`, which is not a number"),
        (",2,3", "t: line 2: `arrival_s` is ``, which is not a number"),
        ("inf,2,3", "t: line 2: `arrival_s` is `inf`, which is not finite"),
        ("NaN,2,3", "t: line 2: `arrival_s` is `NaN`, which is not finite"),
        ("1e99,2,3", "t: line 2: `arrival_s` is `1e99`, which is too large"),
        ("1,0,3", "t: line 2: `input_tokens` is `0`, which is not positive"),
        ("1,2,-3", "t: line 2: `output_tokens` is `-3`, which is not positive"),
        ("1,2.5,3", "t: line 2: `input_tokens` is `2.5`, which is not whole"),
        ("1,2,4294967296", "t: line 2: `output_tokens` is `4294967296`, which is too large"),
        ("1,\"2,3", "t: line 2: a quoted field does not end"),
    ] {
        assert_eq!(message(HEADING, line), expected);
    }
    let dated = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    assert_eq!(message(dated, "17,2,3"), "t: line 2: `TIMESTAMP` is `17`, which is not a date and time");
}

#[test]
fn hand_broken_objects() {
    for (line, expected) in [
        (
            "{\"timestamp\":9,\"input_length\":5,\"hash_ids\":[1]}",
            "t: line 2: key `output_length` is missing",
        ),
        ("{\"timestamp\":9,\"input_length\":5,\"output_length\":5}", "t: line 2: key `hash_ids` is missing"),
        (
            "{\"timestamp\":9,\"input_length\":-5,\"output_length\":5,\"hash_ids\":[]}",
            "t: line 2: `input_length` is `-5`, which is not positive",
        ),
        (
            "{\"timestamp\":9,\"input_length\":5,\"output_length\":0.5,\"hash_ids\":[]}",
            "t: line 2: `output_length` is `0.5`, which is not whole",
        ),
        (
            "{\"timestamp\":9,\"input_length\":5,\"output_length\":5,\"hash_ids\":[-1]}",
            "t: line 2: `hash_ids` is `[-1]`, which is not a list of ids",
        ),
        (
            "{\"timestamp\":8,\"input_length\":5,\"output_length\":5,\"hash_ids\":[]}",
            "t: line 2: `timestamp` is `8`, which is earlier than the request before",
        ),
    ] {
        assert_eq!(message(MOONCAKE, line), expected);
    }
    assert!(message(MOONCAKE, "{\"timestamp\":").starts_with("t: line 2: not a JSON object: EOF"));
    assert!(message(MOONCAKE, "[1]").starts_with("t: line 2: not a JSON object"));
}

#[test]
fn hand_time_goes_backwards() {
    let error = read(&format!("{HEADING}5,1,1\n4.5,1,1\n"), Options { strict: true, ..Options::default() })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "t: line 3: `arrival_s` is `4.5`, which is earlier than the request before"
    );
    assert_eq!(error.hint(), "sort the trace by time");
}

#[test]
fn hand_broken_lines_are_counted_and_ten_are_kept() {
    let text = format!("{HEADING}0,1,1\n{}7,2,2\n", "1,0,1\n".repeat(12));
    let mut reader = Reader::new("t", text.as_bytes(), Options::default()).unwrap();
    let sent: Vec<_> = std::iter::from_fn(|| reader.next_sent()).collect();
    assert_eq!(sent, [plain(0.0, 1, 1), plain(7.0, 2, 2)]);
    let report = reader.report();
    assert_eq!((report.requests, report.broken, report.first_broken.len()), (2, 12, 10));
    assert!(report.first_broken[9].to_string().starts_with("t: line 12: `input_tokens` is `0`"));
}

#[test]
fn hand_a_strict_source_keeps_its_failure() {
    let text = format!("{HEADING}0,1,1\n1,x,1\n2,1,1\n");
    let mut reader =
        Reader::new("t", text.as_bytes(), Options { strict: true, ..Options::default() }).unwrap();
    assert_eq!(
        [reader.next_sent(), reader.next_sent(), reader.next_sent()],
        [Some(plain(0.0, 1, 1)), None, None]
    );
    assert_eq!(
        reader.failure().unwrap().to_string(),
        "t: line 3: `input_tokens` is `x`, which is not a number"
    );
}

#[test]
fn hand_a_failure_ends_a_jittered_trace_too() {
    let text = format!("{MOONCAKE}{MOONCAKE}x\n{MOONCAKE}");
    let options = Options { strict: true, jitter: Some(1), ..Options::default() };
    let mut reader = Reader::new("t", text.as_bytes(), options).unwrap();
    assert!(reader.next().unwrap().is_err() && reader.next().is_none());
}

#[test]
fn hand_no_trace_at_all() {
    let of = |text| read(text, Options::default()).unwrap_err();
    assert_eq!(of("\n\n").to_string(), "t: the trace is empty");
    assert_eq!(of(HEADING).to_string(), "t: none of 0 lines is a request");
    let broken = of("arrival_s,input_tokens,output_tokens\n1,2\n");
    assert_eq!(
        broken.to_string(),
        "t: none of 1 lines is a request; t: line 2: 2 fields, and the heading has 3"
    );
    let unknown = of("time,prompt,answer\n1,2,3\n");
    assert_eq!(unknown.to_string(), "t: line 1: `time,prompt,answer` is the heading of no known trace");
    assert!(
        unknown.hint().contains("TIMESTAMP,ContextTokens,GeneratedTokens; ")
            && unknown.hint().contains("hash_ids}")
    );
    assert!(matches!(of("{\"timestamp\":"), TraceError::Unknown { .. }));
}
