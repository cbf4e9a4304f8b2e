//! What is printed for a given report: text, JSON and CSV.

use pennyworth_core::caps::{Caps, Spent};
use pennyworth_core::money::Money;

use super::*;
use crate::ledger::Replies;

fn row(day: &str, task: &str, model: &str, chars: u64, cents: f64) -> Row {
    let is_paid = cents > 0.0;
    Row {
        day: day.into(),
        task: task.into(),
        language: "rust".into(),
        model: model.into(),
        calls: u64::from(is_paid) * 4,
        input: u64::from(is_paid) * 1000,
        cached: u64::from(is_paid) * 250,
        cost: Money::from_usd(cents / 100.0),
        waits: if is_paid { vec![100, 200, 300, 900] } else { Vec::new() },
        shown: 10,
        accepted: 5,
        chars,
        ..Row::default()
    }
}

fn report() -> Report {
    let rows = vec![
        row("2026-11-24", "line", "coder", 400, 2.0),
        row("2026-11-25", "line", "embedded", 500, 0.0),
        row("2026-11-25", "type", "coder", 100, 1.0),
    ];
    let mut report = Report::of("2026-11-25".into(), rows);
    report.total += &Row { estimated: 2, outrun: 3, kept_chars: 90, checked_chars: 100, ..Row::default() };
    report
}

fn lately() -> Lately {
    Lately::of(&report(), Caps { day: Money::from_usd(0.5), month: Money::from_usd(10.0) })
}

fn silences() -> Silences {
    let of = |reply: &str, count| Replies { reply: reply.into(), count, ..Replies::default() };
    Silences::of(&[
        of("mid_word", 6),
        of("model", 4),
        of("superseded", 2),
        of("of a newer program", 1),
        of("mid_word", 3),
    ])
}

fn stats(by: &[By]) -> Selection {
    Selection { days: Some(7), since: None, by: by.to_vec() }
}

fn day(text: &str) -> Option<Date> {
    crate::reports::models::date(text)
}

fn words(print: impl Fn(&mut Vec<u8>)) -> Vec<String> {
    let mut out = Vec::new();
    print(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_rows_are_added_up_by_model_by_task_and_by_language() {
    let lines = words(|out| stats(&[]).print(&report(), out).unwrap());
    for expected in [
        "last 7 days: 1000 characters accepted for $0.030, $0.030 per 1,000",
        "coder 8 - - 2000 25 % - $0.030 200 900 20 50 % 500 $0.060",
        "embedded - - - - - - - - - 10 50 % 500 -",
        "line 4 - - 1000 25 % - $0.020 200 900 20 50 % 900 $0.022",
        "rust 8 - - 2000 25 % - $0.030 200 900 30 50 % 1000 $0.030",
        "total 8 - - 2000 25 % - $0.030 200 900 30 50 % 1000 $0.030",
        "2 of 8 calls without final usage: the cost of those is an estimate",
        "3 of 8 calls took longer than a suggestion may take: nobody saw the answer, and it may be billed",
        "90 % of accepted characters were still there a minute later",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{lines:#?}");
    }
}

#[test]
fn several_names_make_a_row_for_each_combination() {
    let by = [By::Day, By::Model];
    let lines = words(|out| stats(&by).print(&report(), out).unwrap());
    assert!(lines.iter().any(|line| line.starts_with("2026-11-25 embedded -")), "{lines:#?}");
    let csv = words(|out| stats(&by).csv(&report(), out).unwrap());
    assert_eq!(
        csv,
        [
            "day,model,calls,failed,aborted,input,cached,output,cost_usd,wait_p50_ms,wait_p95_ms,shown,accepted,chars,cost_per_char_usd,cost_per_1000_chars_usd,outrun",
            "2026-11-24,coder,4,0,0,1000,250,0,0.020000000,200,900,10,5,400,0.000050000000,0.050000000,0",
            "2026-11-25,coder,4,0,0,1000,250,0,0.010000000,200,900,10,5,100,0.000100000000,0.100000000,0",
            "2026-11-25,embedded,0,0,0,0,0,0,0.000000000,,,10,5,500,0.000000000000,0.000000000,0",
        ]
    );
    let silences = silences();
    let json =
        words(|out| stats(&[By::Model]).json(&lately(), (&SwitchedOff::default(), &silences), &report(), out).unwrap())
            .join("");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"][0]["model"], "coder");
    assert_eq!(json["rows"][0]["wait_ms"]["p95"], 900);
    assert_eq!(
        (&json["rows"][0]["cost_per_char"], &json["rows"][0]["cost_per_1000_chars"]),
        (&0.00006.into(), &0.06.into())
    );
    assert_eq!(json["total"]["chars"], 1000);
    assert_eq!((&json["silences"]["requests"], &json["silences"]["silent"]), (&16.into(), &12.into()));
    assert_eq!(json["silences"]["reasons"][0]["reason"], "mid_word");
    assert_eq!((&json["today"]["cap"], &json["today"]["cost_per_1000_chars"]), (&0.5.into(), &0.016666666667.into()));
    assert_eq!((&json["last_7_days"]["chars"], json["last_7_days"].get("cap")), (&1000.into(), None));
    assert_eq!((&json["this_month"]["cap"], &json["this_month"]["calls"]), (&10.0.into(), &8.into()));
}

#[test]
fn why_nothing_came_is_said_by_how_often() {
    let lines = words(|out| silences().print(out).unwrap());
    let expected = [
        "",
        "12 of 16 requests got no suggestion, most of them because:",
        "",
        "75 % the cursor was in the middle of a word",
        "17 % you typed on",
        "8 % a newer program knows why",
    ];
    assert_eq!(lines, expected);
    assert!(words(|out| Silences::default().print(out).unwrap()).is_empty());
}

#[test]
fn nothing_is_said_in_words() {
    let since = Selection { since: Some(day("2026-11-01").unwrap()), ..stats(&[]) };
    let lines = words(|out| since.print(&Report::default(), out).unwrap());
    assert_eq!(lines, ["nothing was suggested in the time since 2026-11-01"]);
}

#[test]
fn today_the_week_and_the_month_stand_beside_their_caps() {
    let caps = Caps { day: Money::from_usd(0.5), month: Money::from_usd(10.0) };
    let rows = [
        row("2026-10-31", "line", "coder", 1, 64.0),
        row("2026-11-01", "line", "coder", 1000, 32.0),
        row("2026-11-02", "line", "coder", 1000, 16.0),
        row("2026-11-03", "line", "coder", 2000, 0.008),
        row("2026-11-08", "line", "embedded", 100, 0.0),
    ];
    let on = |today: &str| {
        let report = Report::of(today.into(), rows.iter().filter(|row| *row.day <= *today).cloned().collect());
        let mut lines = words(|out| Lately::of(&report, caps).print(out).unwrap());
        assert_eq!(lines.pop().as_deref(), Some("of the caps: what was spent is unknown"));
        lines
    };
    for (today, expected) in [
        (
            "2026-11-01",
            [
                "today $0.32 4 calls 1000 characters accepted $0.32 per 1,000",
                "last 7 days $0.96 8 calls 1001 characters accepted $0.96 per 1,000",
                "this month $0.32 4 calls 1000 characters accepted $0.32 per 1,000",
            ],
        ),
        (
            "2026-11-08",
            [
                "today $0.00 0 calls 100 characters accepted $0.00 per 1,000",
                "last 7 days $0.16 8 calls 3100 characters accepted $0.052 per 1,000",
                "this month $0.48 12 calls 4100 characters accepted $0.12 per 1,000",
            ],
        ),
        (
            "2026-12-31",
            [
                "today $0.00 0 calls 0 characters accepted",
                "last 7 days $0.00 0 calls 0 characters accepted",
                "this month $0.00 0 calls 0 characters accepted",
            ],
        ),
    ] {
        assert_eq!(on(today), expected, "on {today}");
    }
    let reserved = Money::from_usd(0.001);
    let spent = Some(Spent { day: Money::from_usd(0.002303333), month: Money::from_usd(3.5), reserved });
    let mut lines = words(|out| Lately::of(&Report { spent, ..Report::default() }, caps).print(out).unwrap());
    let expected =
        "of the caps: $0.0023 of $0.50 in 24 hours, $3.50 of $10.00 this month; $0.0010 reserved for calls under way";
    assert_eq!(lines.pop().as_deref(), Some(expected));
    assert_eq!(lines, on("2026-12-31"));
}

#[test]
fn what_was_asked_for_begins_with_a_local_day() {
    for (days, since, today, expected) in [
        (None, None, "2026-11-25", "2026-10-27"),
        (Some(1), None, "2026-11-25", "2026-11-25"),
        (Some(7), None, "2026-11-03", "2026-10-28"),
        (None, Some("2026-11-01"), "2026-11-25", "2026-11-01"),
        (Some(u32::MAX), None, "2026-11-25", "-9999-01-01"),
        (None, None, "", "-9999-01-01"),
    ] {
        let asked = Selection { days, since: since.map(|since| day(since).unwrap()), ..stats(&[]) };
        assert_eq!(asked.first_day(today).to_string(), expected, "{asked:?}");
    }
}
