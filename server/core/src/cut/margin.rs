//! The margin of an example: the comment's mark, which the document has before each line and the code lacks; and the fence behind the example, from
//! which on an answer is no code of it any more. It leaves finding the example to `classify`.

use std::borrow::Cow;

use crate::classify::Margin;

/// An answer without the margin on its lines. A line that is only the beginning of a mark counts as empty. Some models leave the marks out; of one
/// that writes them, a line without a mark is outside the example and ends the answer. So does a fence that stands in the document already; from one
/// that closes the example, the lines stay as they are.
pub(super) fn without<'a>(answer: &'a str, margin: &Margin) -> Cow<'a, str> {
    let mark = margin.line.trim();
    if mark.is_empty() {
        return Cow::Borrowed(answer);
    }
    let answer = answer.strip_prefix(&margin.lacks).unwrap_or(answer);
    let mut code = String::with_capacity(answer.len());
    let (mut rest, mut writes_marks) = (answer, false);
    loop {
        let (line, below) = rest.split_once('\n').map_or((rest, None), |(line, below)| (line, Some(below)));
        let is_first = rest.len() == answer.len();
        let text = line.trim_start();
        let marked = text.strip_prefix(mark).filter(|_| !is_first);
        if is_fence(marked.unwrap_or(text), margin) && (marked.is_some() || is_first) {
            code.push_str(if margin.is_open { rest } else { "" });
            break;
        }
        code.push_str(match marked {
            _ if is_first => line,
            Some("") => "",
            // `*p = 1` without a mark is code.
            Some(text) if text.starts_with(' ') => text.get(1..).unwrap_or_default(),
            None if mark.starts_with(text) => "",
            None if writes_marks => {
                code.pop();
                break;
            }
            _ => line,
        });
        writes_marks |= marked.is_some();
        let Some(below) = below else { break };
        code.push('\n');
        rest = below;
    }
    Cow::Owned(code)
}

/// Code with the margin on its lines.
pub(super) fn with(code: &str, margin: &Margin) -> String {
    if margin.line.trim().is_empty() {
        return code.to_owned();
    }
    let (code, outside) = code.split_at(outside(code, margin).unwrap_or(code.len()));
    // The break before what is outside is part of the code, and its line has a margin of its own.
    let (code, end) = match outside.is_empty() {
        true => (code, ""),
        false => code.strip_suffix('\n').map_or((code, ""), |code| (code, "\n")),
    };
    let lacks = if code.starts_with('\n') || (code.is_empty() && !end.is_empty()) { "" } else { &margin.lacks };
    [lacks, &code.replace('\n', &["\n", &margin.line].concat()), end, outside].concat()
}

/// The offset of the line that closes the example, if an answer without margin has one.
pub(super) fn outside(code: &str, margin: &Margin) -> Option<usize> {
    if !margin.is_open {
        return None;
    }
    let mark = margin.line.trim();
    let mut starts = std::iter::once(0).chain(code.match_indices('\n').map(|(at, _)| at + 1));
    starts.find(|start| {
        let line = code.get(*start..).and_then(|rest| rest.split('\n').next()).unwrap_or_default().trim_start();
        let marked = line.strip_prefix(mark);
        is_fence(marked.unwrap_or(line), margin) && (marked.is_some() || *start == 0)
    })
}

/// What is shown of an answer that does nothing but close the example.
pub(super) fn closing(code: &str, margin: &Margin) -> Option<String> {
    let at = outside(code, margin)?;
    let blank = code.get(..at).filter(|above| above.trim().is_empty())?;
    let breaks = blank.matches('\n').count();
    let above = ["\n", margin.line.trim_end()].concat().repeat(breaks.saturating_sub(1));
    let own = if breaks == 0 { margin.lacks.clone() } else { ["\n", &margin.line].concat() };
    Some([above, own, margin.fence.clone()].concat())
}

/// Whether the text of a line behind the mark is the fence, and no more.
fn is_fence(text: &str, margin: &Margin) -> bool {
    !margin.fence.is_empty() && text.trim() == margin.fence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin(line: &str) -> Margin {
        Margin { line: line.into(), fence: "```".into(), is_open: true, ..Margin::default() }
    }

    #[test]
    fn marks_are_taken_away_and_put_back() {
        for (answer, line, code) in [
            ("1);\n/// f();", "/// ", "1);\nf();"),
            ("1);\n    ///     f();\n///\n/", "    /// ", "1);\n    f();\n\n"),
            ("1);\n  f();", "/// ", "1);\n  f();"),
            ("1);\n/// f();\n///\nfn g() {}", "/// ", "1);\nf();\n"),
            ("1);\n * f();\n*p = 1;", " * ", "1);\nf();\n*p = 1;"),
            ("1);\n/// f();", "", "1);\n/// f();"),
        ] {
            assert_eq!(without(answer, &margin(line)), code, "{answer:?}");
        }
        assert_eq!(with("a {\n  b\n}", &margin("/// ")), "a {\n///   b\n/// }");
        assert_eq!(with("a {\n}", &margin("")), "a {\n}");
    }

    #[test]
    fn behind_the_fence_that_closes_the_example_lines_stay_as_they_are() {
        let open = margin("    /// ");
        let lacking = Margin { lacks: " ".into(), ..open.clone() };
        for (answer, margin, code) in [
            ("1);\n    /// ```\n    Count,\n", &open, "1);\n    /// ```\n    Count,\n"),
            (" ```\n    Count,\n", &lacking, "```\n    Count,\n"),
            ("\n    /// ```\n    Count,", &open, "\n    /// ```\n    Count,"),
            (" f();\n    /// g();\n    /// ```\n", &lacking, "f();\ng();\n    /// ```\n"),
        ] {
            assert_eq!(without(answer, margin), code, "{answer:?}");
            assert_eq!(with(code, margin), answer, "{answer:?}");
        }
        let closed = Margin { is_open: false, ..open.clone() };
        assert_eq!(without("1);\n    /// ```\n    Count,", &closed), "1);\n");
        assert_eq!(closing("```\n    Count,", &lacking).as_deref(), Some(" ```"));
        assert_eq!(closing("\n\n    /// ```", &open).as_deref(), Some("\n    ///\n    /// ```"));
        assert_eq!(closing("f();\n    /// ```", &open), None);
        assert_eq!(closing("```", &closed), None);
    }
}
