//! How a comment of documentation is laid out: what opens and closes it, and what stands before its lines. It leaves which form a file has to `style`.

use pennyworth_grammars::Facts;

use crate::present::leading;

/// A form of documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// What opens it.
    pub(super) open: String,
    /// What closes it, if anything does.
    close: Option<String>,
    /// Whether one line holds a short one.
    is_short: bool,
    /// Whether its text begins on the line of the opener, and ends on that of the closer.
    begins: bool,
    ends: bool,
    /// What stands before the other lines, and before a closer on a line of its own.
    lead: String,
    last: String,
}

impl Style {
    /// The form of comments with this opener and closer, laid out as the samples are.
    pub(super) fn of(open: &str, close: Option<&str>, samples: &mut dyn Iterator<Item = &str>) -> Style {
        let (mut style, mut is_known) = (
            Style {
                open: open.to_owned(),
                close: close.map(str::to_owned),
                is_short: false,
                begins: false,
                ends: false,
                lead: " * ".into(),
                last: " ".into(),
            },
            false,
        );
        for sample in samples {
            let lines: Vec<&str> = sample.lines().collect();
            let (Some(close), [first, inner @ .., last]) = (close, lines.as_slice()) else {
                style.is_short = true;
                continue;
            };
            if is_known {
                continue;
            }
            is_known = true;
            let text = last.trim().trim_end_matches(close).trim();
            style.begins = first.trim().len() > open.len();
            style.ends = !text.trim_start_matches('*').is_empty();
            let filled = |line: &&&str| !line.trim().is_empty();
            if let Some(line) = inner.iter().chain(style.ends.then_some(last)).find(filled) {
                let star = if line.trim() == "*" || line.trim_start().starts_with("* ") { "* " } else { "" };
                style.lead = leading(line).to_owned() + star;
            }
            if !style.ends {
                style.last = leading(last).to_owned();
            }
        }
        style.is_short |= !is_known;
        style
    }

    /// As a prompt shows it.
    pub fn shown(&self) -> String {
        match &self.close {
            None => format!("{} …", self.open),
            Some(close) if self.begins => format!("{} …\n{}…\n{}{close}", self.open, self.lead, self.last),
            Some(close) => format!("{}\n{}…\n{}{close}", self.open, self.lead, self.last),
        }
    }

    /// Whether no line ends a comment of this form early, or goes on behind it.
    pub(super) fn takes(&self, lines: &[String], facts: &Facts) -> bool {
        let island = facts.islands.as_ref().map(|(_, close)| close.as_str());
        let nested = facts.block_comments.iter().filter(|_| facts.nested_comments).map(|(open, _)| open.as_str());
        let barred: Vec<&str> = match &self.close {
            Some(close) => nested.chain([close.as_str()]).collect(),
            None => island.into_iter().collect(),
        };
        // C joins a line that ends so with the next one.
        let is_joined = |line: &str| self.close.is_none() && line.ends_with('\\');
        !lines.iter().any(|line| is_joined(line) || barred.iter().any(|mark| line.contains(mark)))
    }

    /// Lines of documentation in this form.
    pub(super) fn written(&self, lines: &[String], indent: &str) -> String {
        let line = |lead: &str, text: &str| format!("{indent}{}\n", format!("{lead}{text}").trim_end());
        let Some(close) = &self.close else {
            return lines.iter().map(|text| line(&format!("{} ", self.open), text)).collect();
        };
        let (first, rest) = match lines {
            [only] if self.is_short => return line("", &format!("{} {only} {close}", self.open)),
            [first, rest @ ..] if self.begins => (format!("{} {first}", self.open), rest),
            all => (self.open.clone(), all),
        };
        let mut rest: Vec<String> = rest.iter().map(|text| format!("{}{text}", self.lead)).collect();
        match rest.last_mut().filter(|_| self.ends) {
            Some(end) => end.push_str(&format!(" {close}")),
            None => rest.push(format!("{}{close}", self.last)),
        }
        line("", &first) + &rest.iter().map(|text| line("", text)).collect::<String>()
    }
}
