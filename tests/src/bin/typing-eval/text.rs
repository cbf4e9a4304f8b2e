//! A file that is typed, the part of it that is typed, and what the model of a run knows of it. It leaves latency and money to `oracle`.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A file, and the part of it that is typed.
pub(crate) struct Text {
    /// The file's path.
    pub(crate) name: String,
    pub(crate) language: &'static str,
    pub(crate) truth: String,
    /// The part's offsets, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How often the model is right, in percent.
    right: u64,
    /// Tells files apart by what they hold.
    id: u64,
}

impl Text {
    /// A file with a part in its middle; `None` if the file is too short.
    pub(crate) fn new(name: String, language: &'static str, text: &str, lines: usize, right: u64) -> Option<Text> {
        let truth = text.replace("\r\n", "\n");
        let starts: Vec<usize> = truth.match_indices('\n').map(|(at, _)| at + 1).collect();
        let first = starts.len() / 2;
        let (start, end) = (*starts.get(first)?, *starts.get(first + lines)?);
        // The first line is indented already, as after a line break.
        let indent = truth[start..].len() - truth[start..].trim_start_matches([' ', '\t']).len();
        let start = start + indent;
        let id = hash(&truth);
        (starts.len() > lines * 3).then_some(Text { name, language, truth, start, end: end - 1, right, id })
    }

    /// What is still to be typed at a cursor.
    pub(crate) fn rest(&self, at: usize) -> &str {
        &self.truth[at..self.end]
    }

    /// Bytes that one key types: a character, and after a line break the indentation, which the editor adds.
    pub(crate) fn key(&self, at: usize) -> usize {
        let rest = self.rest(at);
        let first = rest.chars().next().map_or(0, char::len_utf8);
        match rest.starts_with('\n') {
            true => rest.len() - rest[first..].trim_start_matches([' ', '\t']).len(),
            false => first,
        }
    }

    /// Keys that it takes to type the part by hand.
    pub(crate) fn keys(&self) -> u64 {
        let after = |at: &usize| Some(at + self.key(*at)).filter(|_| *at < self.end);
        std::iter::successors(Some(self.start), after).skip(1).count() as u64
    }

    /// What the model writes from a cursor to the end of the part. In a line that it does not know, one word begins with a wrong letter until it is
    /// typed; behind that word the model is right.
    pub(crate) fn written(&self, at: usize) -> String {
        let mut written = String::with_capacity(self.end - at);
        let mut start = at;
        for (line, number) in self.rest(at).split_inclusive('\n').zip(self.line(at)..) {
            match self.wrong(number).and_then(|wrong| wrong.checked_sub(start)).filter(|wrong| *wrong < line.len()) {
                Some(wrong) => {
                    let (right, spoilt) = line.split_at(wrong);
                    let first = spoilt.chars().next().map_or(0, char::len_utf8);
                    let other = if spoilt.starts_with('q') { "z" } else { "q" };
                    written.extend([right, other, &spoilt[first..]]);
                }
                None => written.push_str(line),
            }
            start += line.len();
        }
        written
    }

    /// Whether the model is right about a number of lines from a cursor on, the cursor's own included.
    pub(crate) fn knows_lines(&self, at: usize, count: usize) -> bool {
        let written = self.written(at);
        written.lines().take(count).eq(self.rest(at).lines().take(count))
    }

    /// Whether the model is right about the text that is typed next: the rest of the line, or the next line that holds something.
    pub(crate) fn knows_next(&self, at: usize) -> bool {
        self.knows_lines(at, self.lines_of(at, "x"))
    }

    /// The number of lines from a cursor on that a suggestion stands for: its own number, or more if it leaves out blank ones.
    pub(crate) fn lines_of(&self, at: usize, offered: &str) -> usize {
        let holds = |line: &&str| !line.trim().is_empty();
        let wanted = offered.lines().filter(holds).count();
        let lines = self.rest(at).lines().enumerate().filter(|(_, line)| holds(line));
        let last = lines.take(wanted).last().map_or(0, |(number, _)| number + 1);
        last.max(offered.matches('\n').count() + 1)
    }

    /// A place as editors print it.
    pub(crate) fn place(&self, at: usize) -> String {
        let column = at - self.truth[..at].rfind('\n').map_or(0, |at| at + 1);
        format!("{}:{}:{}", self.name, self.line(at) + 1, column + 1)
    }

    /// The offset of the letter that the model gets wrong in a line; `None` if it knows the line. Numbers from the line's own decide, so each call
    /// finds the same. A line without letters, such as a closing brace, is known to every model.
    fn wrong(&self, line: usize) -> Option<usize> {
        let start = match line {
            0 => 0,
            _ => self.truth.match_indices('\n').nth(line - 1)?.0 + 1,
        };
        let text = self.truth[start..].split('\n').next().unwrap_or_default();
        let mut before = ' ';
        let begins = |(at, c): (usize, char)| {
            let is_first = c.is_alphabetic() && !before.is_alphanumeric() && before != '_';
            before = c;
            is_first.then_some(start + at)
        };
        let words: Vec<usize> = text.char_indices().filter_map(begins).collect();
        let number = hash(&(self.id, line));
        let at = words.get((number / 100) as usize % words.len().max(1))?;
        (number % 100 >= self.right).then_some(*at)
    }

    fn line(&self, at: usize) -> usize {
        self.truth[..at].matches('\n').count()
    }
}

/// A number for a value, the same in each run.
pub(crate) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
