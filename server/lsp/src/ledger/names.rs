//! Names with numbers, by which figures are kept. It leaves the figures to `cube`.

use std::collections::HashMap;

/// Names, each with its number.
#[derive(Debug, Default)]
pub struct Names {
    all: Vec<String>,
    known: HashMap<String, u16>,
    last: u16,
}

impl Names {
    /// The number of a name. More than there are numbers share the last one.
    pub fn number(&mut self, name: &str) -> u16 {
        // Rows that follow each other mostly have the same.
        if self.all.get(usize::from(self.last)).is_some_and(|last| last == name) {
            return self.last;
        }
        if let Some(number) = self.known.get(name) {
            self.last = *number;
            return *number;
        }
        let Ok(number) = u16::try_from(self.all.len()) else { return u16::MAX };
        self.all.push(name.to_owned());
        self.known.insert(name.to_owned(), number);
        self.last = number;
        number
    }

    /// Takes over names. Returns the number here of each number there.
    pub(super) fn take(&mut self, more: &Names) -> Vec<u16> {
        more.all.iter().map(|name| self.number(name)).collect()
    }

    /// The names in the order of their numbers.
    pub fn all(&self) -> &[String] {
        &self.all
    }
}

/// The numbers of the names of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key {
    /// The day.
    pub day: u16,
    /// The model.
    pub model: u16,
    /// The task.
    pub task: u16,
    /// The language.
    pub language: u16,
    /// The provider.
    pub provider: u16,
}
