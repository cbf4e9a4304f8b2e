//! Places in other files that were edited lately: what a model is told besides the file at hand. They change only when the user goes on in another
//! file, so that the beginning of prompts stays the same while somebody types. It leaves how many a model is told to `core::prompt`.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pennyworth_core::prompt::{Excerpt, normalised};
use pennyworth_core::text;
use ropey::Rope;

use crate::engine::lock;

/// Places that are remembered.
const PLACES: usize = 8;
/// Lines of a place before and after the edit.
const AROUND: usize = 14;
/// Bytes of a place at most: a minified file has lines of a megabyte.
const MAX_BYTES: usize = 3000;

/// The places, the oldest first.
#[derive(Default)]
pub struct Recent(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Edited>,
    places: VecDeque<Place>,
}

/// The last edit of the file at hand.
struct Edited {
    path: PathBuf,
    text: Rope,
    line: usize,
}

struct Place {
    path: PathBuf,
    lines: Range<usize>,
    text: String,
}

impl Recent {
    /// A document was edited in a line. True if it is another one than before, so that a place of that one is remembered now, if `is_normal`
    /// says of its path and text that it is neither secret nor ignored nor generated.
    pub fn edited(&self, path: &Path, text: &Rope, line: usize, is_normal: impl Fn(&Path, &Rope) -> bool) -> bool {
        let mut state = lock(&self.0);
        if let Some(last) = state.last.as_mut().filter(|last| last.path == path) {
            (last.text, last.line) = (text.clone(), line);
            return false;
        }
        let left = state.last.replace(Edited { path: path.to_owned(), text: text.clone(), line });
        let place = left.filter(|left| is_normal(&left.path, &left.text)).and_then(Edited::place);
        place.is_some_and(|place| state.remember(place))
    }

    /// What a prompt for a file may hold, the oldest first: places of other files that are allowed now, their paths as `shown`.
    pub fn excerpts(
        &self,
        path: &Path,
        is_allowed: impl Fn(&Path) -> bool,
        shown: impl Fn(&Path) -> String,
    ) -> Vec<Excerpt> {
        let state = lock(&self.0);
        let others = state.places.iter().filter(|place| place.path != path && is_allowed(&place.path));
        others.map(|place| Excerpt { path: shown(&place.path), text: place.text.clone() }).collect()
    }

    /// Forgets everything.
    pub fn forget(&self) {
        *lock(&self.0) = State::default();
    }
}

impl State {
    fn remember(&mut self, place: Place) -> bool {
        if self.places.iter().any(|known| known.path == place.path && known.text == place.text) {
            return false;
        }
        let overlaps = |known: &Place| known.lines.start < place.lines.end && place.lines.start < known.lines.end;
        self.places.retain(|known| known.path != place.path || !overlaps(known));
        if self.places.len() >= PLACES {
            self.places.pop_front();
        }
        self.places.push_back(place);
        true
    }
}

impl Edited {
    /// The lines around the edit; nothing if there is nothing in them.
    fn place(self) -> Option<Place> {
        let Edited { path, text, line } = self;
        let count = text.len_lines();
        let line = line.min(count);
        let lines = line.saturating_sub(AROUND)..(line + AROUND + 1).min(count);
        let (start, end) = (text.line_to_byte(lines.start), text.line_to_byte(lines.end));
        let cut = text::slice(&text, start, end.min(start + MAX_BYTES));
        let text = normalised(&cut).trim_end().to_owned();
        (!text.trim().is_empty()).then_some(Place { path, lines, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> Rope {
        Rope::from((0..100).map(|line| format!("{name}{line}\n")).collect::<String>())
    }

    fn heads(recent: &Recent, path: &str) -> Vec<String> {
        let all =
            recent.excerpts(Path::new(path), |path| path != Path::new("secret"), |path| path.display().to_string());
        all.iter().map(|excerpt| format!("{}:{}", excerpt.path, excerpt.text.lines().next().unwrap())).collect()
    }

    #[test]
    fn a_place_is_remembered_when_the_user_goes_on_elsewhere() {
        let recent = Recent::default();
        let edit = |path: &str, line: usize| recent.edited(Path::new(path), &text(path), line, |_, _| true);
        assert!(!edit("a", 50) && !edit("a", 51));
        assert!(heads(&recent, "a").is_empty() && heads(&recent, "b").is_empty());
        assert!(edit("b", 3));
        assert_eq!(heads(&recent, "b"), ["a:a37"]);
        assert!(heads(&recent, "a").is_empty(), "a file is no excerpt of itself");
        assert!(edit("a", 60), "from b");
        assert!(edit("b", 90));
        assert_eq!(heads(&recent, "c"), ["b:b0", "a:a46"], "a place that overlaps takes the other's place");
        assert!(edit("secret", 1) && edit("d", 1));
        assert_eq!(heads(&recent, "c"), ["b:b0", "a:a46", "b:b76"]);
        recent.forget();
        assert!(heads(&recent, "c").is_empty());
    }

    #[test]
    fn what_is_not_normal_is_not_remembered_and_there_is_a_bound() {
        let recent = Recent::default();
        let long = Rope::from("ä".repeat(1_000_000));
        for (path, text) in [("generated", text("g")), ("long", long), ("empty", Rope::from("")), ("end", text("e"))] {
            recent.edited(Path::new(path), &text, 9, |path, _| path != Path::new("generated"));
        }
        let all = recent.excerpts(Path::new("x"), |_| true, |path| path.display().to_string());
        assert_eq!(all.iter().map(|excerpt| excerpt.path.as_str()).collect::<Vec<_>>(), ["long"]);
        assert!(all.iter().all(|excerpt| excerpt.text.len() <= MAX_BYTES));
        for number in 0..30 {
            let name = number.to_string();
            recent.edited(Path::new(&name), &text(&name), 500, |_, _| true);
        }
        assert_eq!(heads(&recent, "x").len(), PLACES);
    }
}
