//! The promise of the cache: the text before the cursor plus the served text is always the original text plus the whole answer.

use pennyworth_core::cache::{Answer, Cache, Decided, Found, Hit, Lookup, Place, Relation};
use pennyworth_core::task::{Task, Tier};
use proptest::prelude::*;
use ropey::Rope;

const ASKED: Lookup<'static> = Lookup { language: "rust", generation: 1, by_key: false, not: &[], now_ms: 1000 };

fn decided(model: &str, tier: Tier) -> Decided {
    Decided { task: Task::Line, language: "rust".into(), model: model.into(), tier, generation: 1 }
}

fn text(text: &str) -> Answer {
    Answer::Text { text: text.into(), probability: 0.5 }
}

/// The place at the only mark of a source.
fn place(source: &str) -> Place {
    let (before, after) = source.split_once('ˇ').expect("a mark");
    Place::of(&Rope::from_str(&[before, after].concat()), before.len())
}

/// What a cache of one answer serves at another place.
fn serve(asked: &str, answer: &str, now: &str) -> Option<(String, Relation)> {
    let mut cache = Cache::new(10, 10_000);
    cache.put(&place(asked), decided("a", Tier::Local), text(answer), 0);
    match cache.get(&place(now), &ASKED) {
        Some(Found::Hit(hit)) => Some((hit.text, hit.relation)),
        _ => None,
    }
}

#[test]
fn served_at_the_same_place_typed_along_deleted_back_and_over_line_breaks() {
    let hit = |text: &str, relation| Some((text.to_owned(), relation));
    for (asked, answer, now, expected) in [
        ("let a = ˇ\nb", "foo(1);", "let a = ˇ\nb", hit("foo(1);", Relation::Same)),
        ("let a = ˇ\nb", "foo(1);", "let a = fooˇ\nb", hit("(1);", Relation::Typed(3))),
        ("let a = ˇ\nb", "foo(1);", "let a = foo(ˇ)\nb", hit("1);", Relation::Typed(4))),
        ("let a = ˇ\nb", "foo([1]);", "let a = foo([ˇ])\nb", hit("1]);", Relation::Typed(5))),
        ("let a = ˇ\nb", "f(\"x\");", "let a = f(\"ˇ\")\nb", hit("x\");", Relation::Typed(3))),
        ("let a = ˇ\nb", "f(\"x\");", "let a = f(\"ˇ)\nb", hit("x\");", Relation::Typed(3))),
        ("let a = ˇ\nb", "foo(1);", "let a = foo(ˇ]\nb", None),
        ("let a = ˇ\nb", "foo(1);", "let a = foo(1)ˇ)\nb", None),
        ("let a = ˇ\nb", "foo(1);", "let a = bˇ\nb", None),
        ("let a = ˇ\nb", "foo(1);", "let aˇ\nb", hit(" = foo(1);", Relation::Deleted(3))),
        ("let a = ˇ\nb", "foo(1);", "let a = ˇ\nc", None),
        ("let a = ˇ\nb", "foo(1);", "x\nlet a = ˇ\nb", None),
        ("let a = ˇ\nb", "foo(1);", "let a = foo(1);ˇ\nb", None),
        ("if a {ˇ\nb", "\n  c();\n}", "if a {\n  ˇ\nb", hit("c();\n}", Relation::Typed(3))),
        ("if a {ˇ\nb", "\n  c();\n}", "if a {\nˇ\nb", hit("  c();\n}", Relation::Typed(1))),
        ("if a {ˇ\nb", "\n  c();\n}", "if a {\n  c();\nˇ\nb", hit("}", Relation::Typed(8))),
        ("if a ˇ\nb", "{\n  c();\n}", "if a {\n  ˇ\n}\nb", hit("c();\n}", Relation::Typed(4))),
        ("ifˇ\r\nb", " {\r\n  c\r\n}", "if {\r\n  ˇ\r\nb", hit("c\r\n}", Relation::Typed(6))),
        ("ifˇ\rb", " {\r  c\r}", "if {\r  ˇ\rb", hit("c\r}", Relation::Typed(5))),
        ("é ˇ", "größe 🎉 x", "é größe 🎉ˇ", hit(" x", Relation::Typed(12))),
        ("ˇ", "", "ˇ", None),
    ] {
        assert_eq!(serve(asked, answer, now), expected, "{asked:?} + {answer:?} at {now:?}");
    }
}

#[test]
fn what_the_editor_closed_by_itself_is_told() {
    for (asked, answer, now, expected) in [
        ("let a = ˇ;", "f(1)", "let a = f(ˇ);", ")"),
        ("let a = ˇ;", "f(\"x\")", "let a = f(\"ˇ\");", "\")"),
        ("ifˇ\nb", " a {\n  c\n}", "if a {\n  ˇ\n}\nb", "\n}"),
        ("let a = ˇ;", "f(1)", "let a = fˇ;", ""),
    ] {
        let mut cache = Cache::new(10, 10_000);
        cache.put(&place(asked), decided("a", Tier::Local), text(answer), 0);
        let Some(Found::Hit(hit)) = cache.get(&place(now), &ASKED) else { panic!("no hit: {now:?}") };
        assert_eq!(hit.auto_closed, expected, "{now:?}");
    }
}

#[test]
fn lines_longer_than_the_window_are_served_too() {
    let line = "é, ".repeat(3000);
    let relation = |now: &str| serve(&format!("{line}ˇ"), "foo(1);", now).map(|(_, relation)| relation);
    assert_eq!(relation(&format!("{line}ˇ")), Some(Relation::Same));
    assert_eq!(relation(&format!("{line}foˇ")), Some(Relation::Typed(2)));
    assert_eq!(relation(&format!("x{line}ˇ")), None);
}

#[test]
fn nothing_is_remembered_for_a_while_and_only_there() {
    let mut cache = Cache::new(10, 10_000);
    cache.put(&place("aˇ"), decided("a", Tier::Local), Answer::Nothing, 1000);
    let mut nothing_at = |source: &str, now_ms| cache.get(&place(source), &Lookup { now_ms, ..ASKED }).is_some();
    assert!(nothing_at("aˇ", 1000));
    assert!(nothing_at("aˇ", 30_999));
    assert!(!nothing_at("aˇ", 31_000));
    assert!(!nothing_at("abˇ", 1000));
    assert!(!nothing_at("ˇ", 1000));
    assert!(!nothing_at("aˇb", 1000));
}

#[test]
fn what_was_dismissed_is_not_said_again_for_a_while_at_its_place_and_along_it() {
    let dismissed = "foo(1);";
    for (now, text, now_ms, is_dismissed) in [
        ("let a = ˇ\nb", "foo(1);", 0, true),
        ("let a = ˇ\nb", "foo(1);", 59_999, true),
        ("let a = ˇ\nb", "foo(1);", 60_000, false),
        ("let a = foˇ\nb", "o(1);", 0, true),
        ("let a = foo(ˇ)\nb", "1);", 0, true),
        ("let aˇ\nb", " = foo(1);", 0, true),
        ("let a = ˇ\nb", "foo", 0, true),
        ("let a = ˇ\nb", "foo(1));", 0, false),
        ("let a = ˇ\nb", "foo(1);\nbar();", 0, true),
        ("let a = ˇ\nb", "foo(1);  \r\n", 0, true),
        ("let a = ˇ\nb", "foo(1); bar();", 0, false),
        ("let a = ˇ\nb", "bar(1);", 0, false),
        ("let a = ˇ\nc", "foo(1);", 0, false),
        ("let b = ˇ\nb", "foo(1);", 0, false),
    ] {
        let mut cache = Cache::new(10, 10_000);
        let at = place("let a = ˇ\nb");
        cache.put(&at, decided("a", Tier::Local), Answer::Dismissed { text: dismissed.into() }, 0);
        // Neither of these takes the place of what was dismissed.
        cache.put(&at, decided("a", Tier::Local), Answer::Dismissed { text: "never".into() }, 0);
        cache.put(&at, decided("a", Tier::Local), Answer::Text { text: "other".into(), probability: 1.0 }, 0);
        let asked = Lookup { now_ms, ..ASKED };
        let case = format!("{text:?} at {now:?}");
        assert_eq!(cache.is_dismissed(&place(now), &asked, text), is_dismissed, "{case}");
        let by_key = Lookup { by_key: true, ..asked };
        assert!(!cache.is_dismissed(&place(now), &by_key, text), "{case}");
        cache.wanted_again(&at, &by_key);
        assert!(!cache.is_dismissed(&place(now), &asked, text), "{case}");
    }
}

#[test]
fn behind_what_was_dismissed_another_answer_is_found_and_whose_it_was_is_known() {
    let mut cache = Cache::new(10, 10_000);
    let at = place("let a = ˇ\nb");
    cache.put(&at, decided("a", Tier::Local), text("other(2);"), 0);
    cache.put(&at, decided("b", Tier::Cheap), text("foo(1);"), 0);
    cache.put(&at, decided("c", Tier::Embedded), text("foo"), 0);
    let served = |cache: &mut Cache, by_key| match cache.get(&at, &Lookup { by_key, ..ASKED }) {
        Some(Found::Hit(hit)) => Some(hit.text),
        _ => None,
    };
    assert_eq!(served(&mut cache, false).as_deref(), Some("foo(1);"));
    assert!(cache.dismissed_of(&at, &ASKED).is_empty());
    cache.put(&at, decided("b", Tier::Cheap), Answer::Dismissed { text: "foo(1);".into() }, 0);
    assert_eq!(served(&mut cache, false).as_deref(), Some("other(2);"));
    assert_eq!(served(&mut cache, true).as_deref(), Some("foo(1);"));
    let mut of: Vec<&str> = cache.dismissed_of(&at, &ASKED);
    of.sort_unstable();
    of.dedup();
    assert_eq!(of, ["b", "c"]);
}

#[test]
fn what_fits_exactly_goes_before_what_was_deleted() {
    for (exact, exact_tier, deleted, deleted_tier, expected) in [
        ("compute(first)", Tier::Local, "obar(first)", Tier::Local, "compute(first)"),
        ("compute(first)", Tier::Embedded, "obar(first)", Tier::Local, "compute(first)"),
        ("compute(first)", Tier::Local, "obar(first)", Tier::Embedded, "compute(first)"),
        // A longer answer of a better model that says the same first.
        ("foo", Tier::Embedded, "o(first, second)", Tier::Local, "foo(first, second)"),
        ("foo", Tier::Local, "o(first, second)", Tier::Embedded, "foo"),
    ] {
        for exact_first in [true, false] {
            let mut cache = Cache::new(10, 10_000);
            let put_exact = |cache: &mut Cache| cache.put(&place("a = ˇ"), decided("e", exact_tier), text(exact), 0);
            if exact_first {
                put_exact(&mut cache);
            }
            cache.put(&place("a = foˇ"), decided("d", deleted_tier), text(deleted), 0);
            if !exact_first {
                put_exact(&mut cache);
            }
            let Some(Found::Hit(hit)) = cache.get(&place("a = ˇ"), &ASKED) else { panic!("no hit") };
            assert_eq!(hit.text, expected, "{exact} {exact_tier:?}, {deleted} {deleted_tier:?}");
        }
    }
}

#[test]
fn an_unsure_answer_is_for_who_asks_and_for_a_while() {
    let mut cache = Cache::new(10, 10_000);
    let unsure = Answer::Unsure { text: "foo(1)".into(), probability: 0.3 };
    cache.put(&place("a = ˇ"), decided("m", Tier::Local), unsure, 1000);
    let mut served = |source: &str, by_key, now_ms| match cache.get(&place(source), &Lookup { by_key, now_ms, ..ASKED })
    {
        Some(Found::Hit(hit)) => hit.text,
        Some(Found::Nothing(_)) => "nothing".to_owned(),
        None => "none".to_owned(),
    };
    for (source, by_key, now_ms, expected) in [
        ("a = ˇ", false, 1000, "nothing"),
        ("a = ˇ", true, 1000, "foo(1)"),
        ("a = foˇ", false, 1000, "none"),
        ("a = foˇ", true, 1000, "o(1)"),
        ("aˇ", true, 1000, " = foo(1)"),
        ("a = ˇ", true, 31_000, "none"),
        ("a = ˇ", false, 31_000, "none"),
    ] {
        assert_eq!(served(source, by_key, now_ms), expected, "{source} by key: {by_key} at {now_ms}");
    }
    cache.put(&place("a = ˇ"), decided("n", Tier::Embedded), text("bar"), 1000);
    let Some(Found::Hit(hit)) = cache.get(&place("a = ˇ"), &Lookup { by_key: true, ..ASKED }) else {
        panic!("no hit")
    };
    assert_eq!(hit.text, "bar", "what is sure goes first");
}

#[test]
fn the_models_that_gave_nothing_are_known() {
    let mut cache = Cache::new(10, 10_000);
    for (model, answer) in [("a", Answer::Nothing), ("b", text("x")), ("c", Answer::Nothing)] {
        cache.put(&place("aˇ"), decided(model, Tier::Local), answer, 1000);
    }
    let gave_nothing = |source: &str, now_ms| {
        let mut models = cache.gave_nothing(&place(source), &Lookup { now_ms, ..ASKED });
        models.sort_unstable();
        models.concat()
    };
    assert_eq!(
        (gave_nothing("aˇ", 1000), gave_nothing("aˇ", 31_000), gave_nothing("bˇ", 1000)),
        ("ac".into(), String::new(), String::new())
    );
}

#[test]
fn answers_of_nothing_are_counted_by_their_line_for_a_while() {
    let mut cache = Cache::new(10, 10_000);
    let nothings = |cache: &Cache, now: &str, now_ms| cache.nothings(&place(now), &Lookup { now_ms, ..ASKED });
    for (at, answer) in [("x\naˇ", Answer::Nothing), ("x\nabˇ", text("c")), ("x\nabdˇ\n", Answer::Nothing)] {
        cache.put(&place(at), decided("a", Tier::Local), answer, 1000);
    }
    assert_eq!(nothings(&cache, "x\nabdefˇ", 1000), 2);
    assert_eq!(nothings(&cache, "x\nabdefˇ", 31_000), 0, "later it may have one");
    assert_eq!(nothings(&cache, "x\nabd\nˇ", 1000), 0, "another line");
    assert_eq!(nothings(&cache, "y\nabˇ", 1000), 0, "another line");
}

#[test]
fn the_higher_class_wins_then_the_newer_and_other_settings_never() {
    let mut cache = Cache::new(10, 10_000);
    let served = |cache: &mut Cache, asked: Lookup<'_>| match cache.get(&place("aˇ"), &asked) {
        Some(Found::Hit(Hit { text, .. })) => text,
        Some(Found::Nothing(_)) => "nothing".into(),
        None => "none".into(),
    };
    for (model, tier, answer, expected) in [
        ("n", Tier::Cheap, Answer::Nothing, "nothing"),
        ("e", Tier::Embedded, text("x"), "x"),
        ("c", Tier::Cheap, text("y"), "y"),
        ("e", Tier::Embedded, text("z"), "y"),
        ("d", Tier::Cheap, text("w"), "w"),
    ] {
        cache.put(&place("aˇ"), decided(model, tier), answer, 0);
        assert_eq!(served(&mut cache, ASKED), expected);
    }
    assert_eq!(cache.len(), 4, "the second answer of `e` took the place of its first");
    assert_eq!(served(&mut cache, Lookup { generation: 2, ..ASKED }), "none");
    assert_eq!(served(&mut cache, Lookup { language: "go", ..ASKED }), "none");
    cache.clear();
    assert_eq!((served(&mut cache, ASKED).as_str(), cache.is_empty()), ("none", true));
}

#[test]
fn bounds_hold_and_the_least_used_goes_first() {
    let mut cache = Cache::new(2, 100_000);
    for answer in ["a", "b", "c"] {
        cache.put(&place(&format!("{answer}\nˇ")), decided("m", Tier::Local), text(answer), 0);
        assert!(cache.get(&place("a\nˇ"), &ASKED).is_some(), "used each time");
    }
    assert_eq!(cache.len(), 2);
    assert!(cache.get(&place("b\nˇ"), &ASKED).is_none());

    let mut cache = Cache::new(1000, 10_000);
    for line in 0..200 {
        cache.put(&place(&format!("{line}\nˇ")), decided("m", Tier::Local), text(&"x\n".repeat(line)), 0);
    }
    assert!(cache.len() < 40, "{}", cache.len());
    cache.put(&place("ˇ"), decided("m", Tier::Local), text(&"x".repeat(20_000)), 0);
    assert!(cache.is_empty(), "an answer over the bound is not kept");
}

fn source() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "b", " ", "\n", "\r\n", "\r", "(", ")", "{", "}", "\"", "é", "🎉"]),
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

/// All offsets between characters.
fn bounds(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

proptest! {
    #[test]
    fn typing_along_an_answer_is_always_served(before in source(), after in source(), answer in source()) {
        let mut cache = Cache::new(10, 100_000);
        cache.put(&Place::of(&Rope::from_str(&[&*before, &after].concat()), before.len()), decided("m", Tier::Local), text(&answer), 0);
        for at in bounds(&answer) {
            let (typed, rest) = answer.split_at(at);
            // A line break is typed whole: the cursor is never inside one.
            let inside_break = |at: &str, next: &str| at.ends_with('\r') && next.starts_with('\n');
            if rest.trim().is_empty() || inside_break(typed, rest) || inside_break(&before, &answer) || inside_break(&before, &after) {
                continue;
            }
            let now = [&*before, typed].concat();
            if inside_break(&now, &after) {
                continue;
            }
            let found = cache.get(&Place::of(&Rope::from_str(&[&*now, &after].concat()), now.len()), &ASKED);
            let Some(Found::Hit(hit)) = found else { panic!("no hit at {at} of {answer:?}") };
            prop_assert_eq!(now + &hit.text, [&*before, &answer].concat());
        }
    }

    #[test]
    fn whatever_is_served_anywhere_completes_to_the_whole_answer(before in source(), after in source(), answer in source(), now in source(), then in source()) {
        let mut cache = Cache::new(10, 100_000);
        cache.put(&Place::of(&Rope::from_str(&[&*before, &after].concat()), before.len()), decided("m", Tier::Local), text(&answer), 0);
        let whole = [&*before, &answer].concat();
        let ahead = bounds(&whole).into_iter().map(|at| (whole.split_at(at).0.to_owned(), after.clone()));
        for (now, then) in ahead.chain([(now, then)]) {
            if let Some(Found::Hit(hit)) = cache.get(&Place::of(&Rope::from_str(&[&*now, &then].concat()), now.len()), &ASKED) {
                prop_assert_eq!(now + &hit.text, whole.clone());
            }
        }
    }
}
