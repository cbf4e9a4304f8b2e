//! Prompts in every shipped format, windows that stay in place, and refusals.

use super::*;
use crate::models::Models;

fn prompt() -> Prompt {
    Prompt {
        path: "src/a.rs".into(),
        language: "rust".into(),
        excerpts: Vec::new(),
        above: String::new(),
        prefix: "fn a() {\n    let x = ".into(),
        suffix: ";\n}\n".into(),
        stop: Some(Stop::Statement),
        reads_on: false,
    }
}

fn with_excerpt() -> Prompt {
    Prompt {
        excerpts: vec![Excerpt { path: "src/b.rs".into(), text: "fn b();".into(), ..Excerpt::default() }],
        ..prompt()
    }
}

#[test]
fn each_format_writes_its_own_prompt() {
    let models = Models::builtin();
    let (before, after) = ("fn a() {\n    let x =", ";\n}\n");
    for (format, prompt, expected) in [
        ("qwen", prompt(), format!("<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>")),
        (
            "qwen",
            with_excerpt(),
            format!(
                "<|repo_name|>project\n<|file_sep|>src/b.rs\nfn b();\n<|file_sep|>src/a.rs\n<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>"
            ),
        ),
        ("starcoder_spm", with_excerpt(), format!("<fim_prefix><fim_suffix>{after}<fim_middle>{before}")),
        ("codellama", prompt(), format!("<PRE> {before} <SUF>{after} <MID>")),
        (
            "codestral",
            with_excerpt(),
            format!("[SUFFIX]{after}[PREFIX]+++++ src/b.rs\nfn b();\n\n+++++ src/a.rs\n{before}"),
        ),
        ("deepseek", prompt(), format!("<｜fim▁begin｜>{before}<｜fim▁hole｜>{after}<｜fim▁end｜>")),
        ("mellum", prompt(), format!("<filename>src/a.rs\n<fim_suffix>{after}<fim_prefix>{before}<fim_middle>")),
    ] {
        let rendered = prompt.render(models.format(format).unwrap()).unwrap();
        assert_eq!(rendered.body, Body::Raw { prompt: expected }, "{format}");
        assert_eq!(rendered.held, " ");
    }
    let fields = prompt().render(models.format("suffix").unwrap()).unwrap();
    assert_eq!(fields.body, Body::Fields { prompt: before.into(), suffix: after.into(), excerpts: Vec::new() });
    let chat = with_excerpt().render(models.format("chat").unwrap()).unwrap();
    let Body::Chat { system, shared, user } = &chat.body else { panic!("{chat:?}") };
    assert!(system.contains("<FILL/>") && tokens::estimate(system, 4.39) < 120, "{}", tokens::estimate(system, 4.39));
    assert_eq!(shared, "File src/b.rs:\nfn b();\n\n");
    assert_eq!(
        user,
        "File src/a.rs (rust):\nfn a() {\n    let x = <FILL/>;\n}\n\n\nReplace <FILL/> with the rest of this statement only."
    );
    assert_eq!(chat.held, "");
}

#[test]
fn a_server_that_writes_the_prompt_gets_the_excerpts_by_themselves() {
    let rendered = with_excerpt().render(Models::builtin().format("infill").unwrap()).unwrap();
    let Body::Fields { prompt, excerpts, .. } = &rendered.body else { panic!("{rendered:?}") };
    assert_eq!((prompt.as_str(), excerpts.len()), ("fn a() {\n    let x =", 1));
}

#[test]
fn a_model_is_given_the_latest_excerpts_that_its_row_has_room_for() {
    let models = Models::builtin();
    let excerpt = |name: &str, text: &str| Excerpt { path: name.into(), text: text.into(), ..Excerpt::default() };
    let long = "let value = first + second;\n".repeat(20);
    let all = vec![excerpt("old", &long), excerpt("marked", "<|fim_prefix|>"), excerpt("new", "fn b() {}\n")];
    let prompt = Prompt { excerpts: all, ..prompt() };
    for (format, tokens, expected) in [
        ("qwen", 0, &[][..]),
        ("qwen", 40, &["new"]),
        ("qwen", 1000, &["old", "new"]),
        ("chat", 1000, &["old", "marked", "new"]),
        ("suffix", 1000, &[]),
        ("infill", 40, &["marked", "new"]),
    ] {
        let given = prompt.within(models.format(format).unwrap(), tokens, 4.0);
        let names: Vec<&str> = given.excerpts.iter().map(|excerpt| excerpt.path.as_str()).collect();
        assert_eq!(names, expected, "{format} {tokens}");
        assert!(given.render(models.format(format).unwrap()).is_ok());
    }
}

#[test]
fn text_that_means_something_to_the_model_is_refused_wherever_it_stands() {
    for format in Models::builtin().formats() {
        for marker in &format.markers {
            let inside = format!("a{marker}b");
            for prompt in [
                Prompt { prefix: inside.clone(), ..prompt() },
                Prompt { suffix: inside.clone(), ..prompt() },
                Prompt { path: inside.clone(), ..prompt() },
                Prompt {
                    excerpts: vec![Excerpt { path: "p".into(), text: inside.clone(), ..Excerpt::default() }],
                    ..prompt()
                },
            ] {
                assert_eq!(prompt.render(format), Err(Refusal { marker: marker.clone() }), "{}", format.name);
            }
        }
        assert!(prompt().render(format).is_ok());
    }
}

#[test]
fn nothing_of_the_text_is_read_as_a_hole_or_shown_in_debug() {
    let prompt = Prompt { prefix: "SECRET {suffix}{path}".into(), ..with_excerpt() };
    let rendered = prompt.render(Models::builtin().format("qwen").unwrap()).unwrap();
    let Body::Raw { prompt: text } = &rendered.body else { panic!() };
    assert!(text.contains("SECRET {suffix}{path}<|fim_suffix|>"));
    assert!(!format!("{prompt:?} {rendered:?}").contains("SECRET"));
}

#[test]
fn windows_are_wide_enough_and_their_ends_stand_still() {
    for (before, after) in [(40, 8), (0, 0), (100, 30)] {
        let window = Window { before, after };
        let mut starts = 0;
        for cursor in 0..1000 {
            let lines = window.lines(cursor, 1000);
            assert!(
                lines.start <= cursor.saturating_sub(before) && lines.end >= (cursor + 1 + after).min(1000),
                "{cursor} {lines:?}"
            );
            assert!(cursor - lines.start <= before + (before / 2).max(8) && lines.end <= 1000);
            starts += usize::from(lines.start != window.lines(cursor + 1, 1001).start);
            // A line break typed at the cursor moves neither the start of the window (except for a jump) nor its last line.
            let (end, grown) = (1000 - lines.end, 1001 - window.lines(cursor + 1, 1001).end);
            assert_eq!(end, grown);
        }
        assert!(starts <= 1000 / (before / 2).max(8) + 1, "{starts} jumps");
    }
    assert_eq!(Window { before: 5, after: 5 }.lines(0, 0), 0..0);
}

#[test]
fn cutting_keeps_whole_lines_of_the_window_and_bounds_endless_ones() {
    let window = Window { before: 2, after: 1 };
    let text: String = (0..40).map(|line| format!("line {line} é🎉\n")).collect();
    let rope = Rope::from(text.as_str());
    for (at, _) in text.char_indices() {
        let Around { above, prefix, suffix } = around(window, &rope, at);
        assert!(text.split_at(at).0.ends_with(&prefix) && text.split_at(at).1.starts_with(&suffix));
        assert!(
            text.split_at(at - prefix.len()).0.ends_with(&above)
                && (above.len() == at - prefix.len() || above.len() > 1_000)
        );
        assert!(prefix.is_empty() || prefix.starts_with("line") || at < 5, "{at}: {prefix:?}");
        assert!(prefix.matches('\n').count() <= 2 + 8 && suffix.matches('\n').count() <= 2 + 8);
    }
    let long = "é".repeat(100_000);
    let Around { prefix, suffix, .. } = around(window, &Rope::from(long.repeat(2)), long.len());
    assert!(
        prefix.len() <= MAX_WINDOW_BYTES && suffix.len() <= MAX_WINDOW_BYTES && prefix.len() > MAX_WINDOW_BYTES - 4
    );
}

#[test]
fn held_blanks_come_once_however_the_answer_is_split() {
    for (held, answer, expected) in [
        ("    ", "    return x", "return x"),
        ("    ", "        deeper", "    deeper"),
        ("    ", "return x", "return x"),
        ("    ", "  }", "}"),
        (" ", "\n    y", "\n    y"),
        ("\t", "  x", "  x"),
        ("", "  x", "  x"),
        (" ", " é", "é"),
        ("  ", "", ""),
    ] {
        for size in 1..=answer.len().max(1) {
            let rendered = Rendered { body: Body::Raw { prompt: String::new() }, held: held.into() };
            let mut realign = Realign::new(&rendered);
            let chars: Vec<char> = answer.chars().collect();
            let got: String =
                chars.chunks(size).map(|piece| realign.push(&piece.iter().collect::<String>()).to_owned()).collect();
            assert_eq!(got, expected, "{held:?} {answer:?} by {size}");
        }
    }
    assert_eq!(normalised("a\r\nb\rc\n"), "a\nb\nc\n");
}
