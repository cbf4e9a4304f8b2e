//! The margin of an example: the comment's mark, which the document has before each line and the code lacks.
//! It leaves finding the example to `classify`.

use std::borrow::Cow;

/// An answer without the margin on its lines after the first. A line that is only the beginning of a mark counts as empty. Some models leave the
/// marks out; of one that writes them, a line without a mark is outside the example and ends the answer.
pub(super) fn without<'a>(answer: &'a str, margin: &str) -> Cow<'a, str> {
    let mark = margin.trim();
    if mark.is_empty() || !answer.contains('\n') {
        return Cow::Borrowed(answer);
    }
    let mut lines = answer.split('\n');
    let mut code = lines.next().unwrap_or_default().to_owned();
    let mut writes_marks = false;
    for line in lines {
        let text = line.trim_start();
        let line = match text.strip_prefix(mark) {
            Some("") => "",
            // `*p = 1` without a mark is code.
            Some(text) if text.starts_with(' ') => text.get(1..).unwrap_or_default(),
            None if mark.starts_with(text) => "",
            None if writes_marks => break,
            _ => line,
        };
        writes_marks |= text.starts_with(mark);
        code.push('\n');
        code.push_str(line);
    }
    Cow::Owned(code)
}

/// Code with the margin on its lines after the first.
pub(super) fn with(code: String, margin: &str) -> String {
    if margin.trim().is_empty() { code } else { code.replace('\n', &["\n", margin].concat()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_away_and_put_back() {
        for (answer, margin, code) in [
            ("1);\n/// f();", "/// ", "1);\nf();"),
            ("1);\n    ///     f();\n///\n/", "    /// ", "1);\n    f();\n\n"),
            ("1);\n  f();", "/// ", "1);\n  f();"),
            ("1);\n/// f();\n///\nfn g() {}", "/// ", "1);\nf();\n"),
            ("1);\n * f();\n*p = 1;", " * ", "1);\nf();\n*p = 1;"),
            ("1);\n/// f();", "", "1);\n/// f();"),
        ] {
            assert_eq!(without(answer, margin), code, "{answer:?}");
        }
        assert_eq!(with("a {\n  b\n}".into(), "/// "), "a {\n///   b\n/// }");
        assert_eq!(with("a {\n}".into(), ""), "a {\n}");
    }
}
