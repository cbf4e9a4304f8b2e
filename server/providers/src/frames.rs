//! Splits bytes into frames, within size limits and however the bytes arrive: server-sent events, or one JSON value per line.
//! It skips event names, ids and retry times, which no protocol here needs, and leaves the meaning of the data to the protocol's file.
//!
//! We do not use the usual crate: it panics on a stream that opens with a byte order mark, and holds back everything after a byte that
//! is not UTF-8 until the stream ends.

/// Most bytes of one event; a token's frame with its probabilities has a few hundred.
const MAX_EVENT: usize = 256 * 1024;
/// Most bytes of one stream.
const MAX_STREAM: usize = 8 * 1024 * 1024;

/// Why a stream is not read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// More bytes than any answer has.
    TooLarge,
    /// Data that is not UTF-8.
    NotUtf8,
}

/// What separates the frames of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events: `data:` lines up to a blank one.
    #[default]
    Events,
    /// One frame per line.
    Lines,
}

/// The state between two pieces of a stream.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    framing: Framing,
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    after_cr: bool,
    begun: bool,
    total: usize,
}

impl Frames {
    /// Before the first piece.
    pub(crate) fn new(framing: Framing) -> Frames {
        Frames { framing, ..Frames::default() }
    }

    /// Reads a piece and appends the data of the frames it completes.
    pub(crate) fn push(&mut self, piece: &[u8], frames: &mut Vec<String>) -> Result<(), Fault> {
        self.total = self.total.saturating_add(piece.len());
        if self.total > MAX_STREAM {
            return Err(Fault::TooLarge);
        }
        for &byte in piece {
            // A line ends with "\n", "\r\n" or "\r".
            if std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n' {
                continue;
            }
            match byte {
                b'\n' | b'\r' => frames.extend(self.end_line()?),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > MAX_EVENT {
                return Err(Fault::TooLarge);
            }
        }
        Ok(())
    }

    /// The last event if the blank line after it is missing; some servers leave that out.
    pub(crate) fn finish(&mut self) -> Result<Option<String>, Fault> {
        match self.line.is_empty() {
            true => self.dispatch(),
            false => Ok(self.end_line()?.or(self.dispatch()?)),
        }
    }

    fn end_line(&mut self) -> Result<Option<String>, Fault> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if self.framing == Framing::Lines {
            self.data = (!line.is_empty()).then(|| line.to_vec());
            return self.dispatch();
        }
        if line.is_empty() {
            return self.dispatch();
        }
        // A comment is a field without a name, so it is skipped with the other fields.
        let value = match line.strip_prefix(b"data") {
            Some([]) => [].as_slice(),
            Some([b':', value @ ..]) => value.strip_prefix(b" ").unwrap_or(value),
            _ => return Ok(None),
        };
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            none => *none = Some(value.to_vec()),
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Result<Option<String>, Fault> {
        self.data.take().map(String::from_utf8).transpose().map_err(|_| Fault::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Fault> {
        let (mut sse, mut events) = (Frames::default(), Vec::new());
        for piece in pieces {
            sse.push(piece, &mut events)?;
        }
        events.extend(sse.finish()?);
        Ok(events)
    }

    #[test]
    fn events_are_read_whatever_ends_their_lines() {
        for (bytes, expected) in [
            ("data: a\n\ndata: b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata:b\r\n\r\n", vec!["a", "b"]),
            ("data: a\r\rdata: b\r\r", vec!["a", "b"]),
            ("\u{feff}data: a\n\n", vec!["a"]),
            (": comment\n\nevent: x\nid: 1\ndata: a\nretry: 5\n\n", vec!["a"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            ("data\n\ndata:  x\n\n", vec!["", " x"]),
            ("database: no\n\n\n\n", vec![]),
            ("data: größe 🎉", vec!["größe 🎉"]),
            ("data: cut\n", vec!["cut"]),
            ("", vec![]),
        ] {
            assert_eq!(read(&[bytes.as_bytes()]).unwrap(), expected, "{bytes:?}");
            let single: Vec<_> = bytes.as_bytes().chunks(1).collect();
            assert_eq!(read(&single).unwrap(), expected, "{bytes:?} byte by byte");
        }
    }

    #[test]
    fn lines_are_read_whatever_ends_them() {
        for (bytes, expected) in [
            ("{\"a\":1}\n{\"b\":2}\n", vec!["{\"a\":1}", "{\"b\":2}"]),
            ("\u{feff}{}\r\n\r\n[]", vec!["{}", "[]"]),
            ("", vec![]),
        ] {
            for size in [1, 3, 100] {
                let (mut frames, mut read) = (Frames::new(Framing::Lines), Vec::new());
                bytes.as_bytes().chunks(size).for_each(|piece| frames.push(piece, &mut read).unwrap());
                read.extend(frames.finish().unwrap());
                assert_eq!(read, expected, "{bytes:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_not_text_is_said_at_once() {
        assert_eq!(read(&[&vec![b'x'; MAX_EVENT + 1]]), Err(Fault::TooLarge));
        assert_eq!(read(&[b"data: \xff\xfe\n\n"]), Err(Fault::NotUtf8));
        let lines = "data: aaaaaaaaaaaaaaa\n".repeat(MAX_EVENT / 10);
        assert_eq!(read(&[lines.as_bytes()]), Err(Fault::TooLarge));
        let events = "data: aaaaaaaaaaaaaaa\n\n".repeat(MAX_STREAM / 22);
        assert_eq!(read(&[events.as_bytes()]), Err(Fault::TooLarge));
    }
}
