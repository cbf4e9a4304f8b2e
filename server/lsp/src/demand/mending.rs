//! What a finding of a review suggests, as an edit of its file: other lines in place of its own. It leaves where the finding stands now to
//! `core::demand`, and applying the edit to editors and commands.

use pennyworth_core::demand::{Edit, Fix};
use pennyworth_core::mask::{MARK, Masks};
use ropey::Rope;

/// The edit of a file, with line breaks `\n`. `None` if the file has no such lines, or if the edit would write what stood for a key or password in the
/// prompt. `name` is the file's path as prompts show it.
pub fn mending(fix: &Fix, name: &str, text: &Rope) -> Option<Edit> {
    let (first, behind) = (fix.first.checked_sub(1)? as usize, fix.last as usize);
    let range = text.try_line_to_byte(first).ok()?..text.try_line_to_byte(behind).ok()?;
    // The last line may have no line break.
    let has_break = behind < text.len_lines();
    let lines = fix.text.trim_end_matches(['\r', '\n']);
    let new = match has_break && !lines.is_empty() {
        true => format!("{lines}\n"),
        false => lines.to_owned(),
    };
    (!has_mask(&new, name, text)).then_some(Edit { range, text: new })
}

/// Whether new lines repeat what stands for a secret of the file.
fn has_mask(new: &str, name: &str, text: &Rope) -> bool {
    let mut masks = Masks::default();
    // The same text has the same masks, and few lines look like one.
    new.contains(MARK) && masks.masked(&text.to_string(), name).is_none_or(|_| masks.find(new, true).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_the_place_of_others_and_no_mask_is_written() {
        let text = "a\nPASSWORD = \"hunter2-prod\"\nc";
        let edited = |first, last, new: &str| {
            let Edit { range, text: new } =
                mending(&Fix { first, last, text: new.into() }, "a.py", &Rope::from_str(text))?;
            let mut all = text.to_owned();
            all.replace_range(range, &new);
            Some(all)
        };
        assert_eq!(edited(1, 1, "x\ny").as_deref(), Some("x\ny\nPASSWORD = \"hunter2-prod\"\nc"));
        assert_eq!(edited(3, 3, "x\n").as_deref(), Some("a\nPASSWORD = \"hunter2-prod\"\nx"), "no line break is added");
        assert_eq!(edited(1, 2, "").as_deref(), Some("c"));
        assert_eq!(edited(2, 2, "PASSWORD = \"************\""), None, "the password would be lost");
        assert_eq!(edited(1, 1, "a ** 2").as_deref(), Some("a ** 2\nPASSWORD = \"hunter2-prod\"\nc"));
        assert_eq!((edited(0, 1, "x"), edited(4, 5, "x")), (None, None));
    }
}
