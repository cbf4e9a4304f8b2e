//! Masks in the parts of a prompt, and in an answer.

use super::*;

#[test]
fn a_prompt_is_masked_in_all_its_parts_and_keeps_its_size() {
    let secret = "ghp_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789";
    let prompt = Prompt {
        path: format!("src/{secret}.rs"),
        language: "rust".into(),
        excerpts: vec![Excerpt {
            path: format!("{secret}.rs"),
            above: format!("// {secret}\n"),
            text: format!("let a = \"{secret}\";"),
        }],
        prefix: format!("let b = \"{secret}\";\nlet ü = "),
        suffix: format!(";\nlet c = \"{secret}\";\n"),
        ..Prompt::default()
    };
    let (sent, masks) = masked(&prompt).unwrap();
    assert_eq!(masks.count, 5);
    let [excerpt] = sent.excerpts.as_slice() else { panic!("one excerpt") };
    for (text, before) in [
        (&sent.path, &prompt.path),
        (&sent.prefix, &prompt.prefix),
        (&sent.suffix, &prompt.suffix),
        (&excerpt.path, &prompt.excerpts[0].path),
        (&excerpt.text, &prompt.excerpts[0].text),
    ] {
        assert!(
            !text.contains(secret) && text.len() == before.len() && text.contains(&"*".repeat(secret.len())),
            "{text}"
        );
    }
}

#[test]
fn a_value_at_the_top_of_the_window_belongs_to_a_name_above_it() {
    for (above, prefix, sent) in [
        ("PASSWORD = \"\"\"\n", "hunter2prod\n\"\"\"\nx = ", "***********\n\"\"\"\nx = "),
        ("PASSWORD = (\n", "    \"hunter2prod\"\n)\nx = ", "    \"***********\"\n)\nx = "),
        ("PASSWORD = \"hunter2prod\"\n", "x = \"hunter3\"\ny = ", "x = \"hunter3\"\ny = "),
        ("# ü\n", "x = ", "x = "),
        ("PASSWORDS = {\n    …\n", "    'a': 'hunter2',\n", "    'a': '*******',\n"),
    ] {
        let prompt = Prompt { path: "a.py".into(), above: above.into(), prefix: prefix.into(), ..Prompt::default() };
        let (masked, _) = masked(&prompt).unwrap();
        assert_eq!((masked.prefix.as_str(), masked.above.as_str()), (sent, ""), "{above}");
    }
}

#[test]
fn a_value_belongs_to_a_name_far_above_the_window_or_the_excerpt() {
    let rows = |row: fn(usize) -> String, count| (0..count).map(row).collect::<String>();
    let yaml = |head: &str, count| format!("{head}\n{}", rows(|n| format!("  user{n}: hunter{n}-prod\n"), count));
    let python =
        |count| format!("PASSWORDS = {{\n{}", rows(|n| format!("    \"user{n}\": \"hunter{n}-prod\",\n"), count));
    let toml = format!("[passwords]\n{}", rows(|n| format!("user{n} = \"hunter{n}-prod\"\n"), 900));
    let secret = yaml("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:", 900);
    let harmless = yaml("kind: Secret\ndata:\n  a: hunter\n---\nkind: ConfigMap\ndata:", 900);
    for (path, text, is_secret) in [
        ("a.yaml", yaml("passwords:", 900), true),
        ("a.yaml", secret, true),
        ("a.yaml", harmless, false),
        ("a.py", python(900), true),
        ("a.toml", toml, true),
    ] {
        let text = text + "last = ";
        for lines in [15, 300] {
            let at = text.rmatch_indices('\n').nth(lines).unwrap().0 + 1;
            let (above, below) =
                (crate::prompt::above(&Rope::from(text.as_str()), at, 1024), text.get(at..).unwrap().to_owned());
            let excerpt = Excerpt { path: path.into(), above: above.clone(), text: below.clone() };
            for prompt in [
                Prompt { path: path.into(), above, prefix: below, ..Prompt::default() },
                Prompt { excerpts: vec![excerpt], ..Prompt::default() },
            ] {
                let (sent, masks) = masked(&prompt).unwrap();
                let expected = if is_secret { lines } else { 0 };
                assert_eq!(masks.count, expected, "{path} {lines}: {} {}", sent.prefix, sent.excerpts.len());
                assert!(sent.excerpts.iter().all(|excerpt| excerpt.above.is_empty()));
            }
        }
    }
}

#[test]
fn at_a_cursor_in_a_secret_nothing_is_sent() {
    for (text, is_inside) in [
        ("password = \"hunˇter2\"", true),
        ("password = \"hunter2ˇ\"", true),
        ("password = \"hunˇ", true),
        ("k = 'AKIAZ7Q3LMKPˇ4RTX2WVB'", true),
        ("password = \"hunter2\"ˇ", false),
        ("password = \"ˇ\"", false),
        ("password = ˇ\"hunter2\"", false),
    ] {
        let (prefix, suffix) = text.split_once('ˇ').unwrap();
        let prompt = Prompt { prefix: prefix.into(), suffix: suffix.into(), ..Prompt::default() };
        assert_eq!(masked(&prompt).err(), is_inside.then_some(Unmasked::Inside), "{text}");
    }
}

#[test]
fn an_answer_that_repeats_a_mask_is_known() {
    let prompt = |prefix: &str| Prompt { prefix: prefix.into(), ..Prompt::default() };
    let (_, long) = masked(&prompt("password = \"hunter2\"\n")).unwrap();
    let (_, short) = masked(&prompt("db = \"postgres://u:p@h/db\"\n")).unwrap();
    let (_, ruled) = masked(&prompt("password = \"hunter2\"\n# **********\n")).unwrap();
    let (_, quoted) = masked(&prompt("password = \"hunter2\"\nx = '*****'\n")).unwrap();
    let (_, none) = masked(&prompt("let x = 1;\n")).unwrap();
    for (masks, answer, is_over, is_found) in [
        (&long, "password = \"*******\"", false, true),
        (&long, "password = \"***", false, false),
        (&long, "password = \"***", true, true),
        (&long, "password: ***", true, true),
        (&long, "\"***\"", true, false),
        (&long, "/*** end ***/", true, false),
        (&long, "/*********** end ***********/", true, false),
        (&long, "**bold**", true, false),
        (&long, "f(\"*********", false, true),
        (&long, "x, \"****\")", false, true),
        (&long, "x, \"***\")", false, false),
        (&long, "x, \"****'", false, false),
        (&quoted, "x, \"****\")", false, false),
        (&ruled, "# *********", false, false),
        (&ruled, "# ***********", false, true),
        (&long, "f(\"**", true, true),
        (&long, "f(**kwargs)", false, false),
        (&long, "a * b", true, false),
        (&short, "postgres://u:*@h/db", false, true),
        (&short, "let x = *p;", false, false),
        (&none, "/********/", true, false),
    ] {
        assert_eq!(masks.find(answer, is_over).is_some(), is_found, "{answer}");
    }
}
