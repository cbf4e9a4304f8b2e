//! Hand-written streams in `tests/streams/<protocol>`, each beside the `.chunks` it must decode to, however its bytes are split.
//! `UPDATE=1` rewrites the `.chunks`; read the difference.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use pennyworth_core::models::Protocol;
use pennyworth_providers::{Chunk, Expected, ProviderError, decode};
use proptest::prelude::*;

const EXPECTED: Expected =
    Expected { prompt_tokens: 100, max_tokens: 1000, chars_per_token: 4.39, charges: true, charged: None };

/// A stream: its file, its protocol and its bytes.
struct Stream {
    path: PathBuf,
    protocol: Protocol,
    bytes: Vec<u8>,
}

fn streams() -> Vec<Stream> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/streams");
    let mut streams = Vec::new();
    for (name, protocol) in Protocol::ALL {
        let files = std::fs::read_dir(folder.join(name)).unwrap_or_else(|_| panic!("{name} has no streams"));
        let files = files.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension != "chunks"));
        streams.extend(files.map(|path| Stream { bytes: std::fs::read(&path).unwrap(), path, protocol }));
    }
    streams.sort_by(|a, b| a.path.cmp(&b.path));
    streams
}

fn read(protocol: Protocol, pieces: Vec<Vec<u8>>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let pieces = pieces.into_iter().map(Ok::<_, ProviderError>);
    let chunks: Vec<_> = runtime.block_on(decode(protocol, stream::iter(pieces), EXPECTED).collect());
    let mut lines = String::new();
    for chunk in chunks {
        match chunk {
            Ok(Chunk::Limits(limits)) => writeln!(lines, "{limits:?}").unwrap(),
            Ok(Chunk::Text { text, logprob: None }) => writeln!(lines, "text {text:?}").unwrap(),
            Ok(Chunk::Text { text, logprob: Some(logprob) }) => {
                writeln!(lines, "text {text:?} logprob {logprob}").unwrap()
            }
            Ok(Chunk::Usage(usage)) => writeln!(lines, "{usage:?}").unwrap(),
            Ok(Chunk::Finish(reason)) => writeln!(lines, "finish {reason:?}").unwrap(),
            Err(error) => writeln!(lines, "error {error}: {:?}", error.next).unwrap(),
        }
    }
    lines
}

#[test]
fn each_stream_reads_as_it_should() {
    let streams = streams();
    assert!(streams.len() > 25, "the streams are there");
    for Stream { path, protocol, bytes } in streams {
        let read = read(protocol, vec![bytes]);
        let beside = path.with_extension("chunks");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &read).unwrap();
        }
        assert_eq!(read, std::fs::read_to_string(&beside).unwrap_or_default(), "{}", path.display());
        assert!(!read.contains("secret"), "{}", path.display());
    }
}

#[test]
fn each_stream_reads_the_same_byte_by_byte() {
    for Stream { path, protocol, bytes } in streams() {
        let whole = read(protocol, vec![bytes.clone()]);
        assert_eq!(read(protocol, bytes.iter().map(|byte| vec![*byte]).collect()), whole, "{}", path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_chunks(cuts in prop::collection::vec(1..200_usize, 1..40)) {
        for Stream { path, protocol, bytes } in streams() {
            let mut pieces = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece.to_vec());
                rest = after;
            }
            prop_assert_eq!(read(protocol, pieces), read(protocol, vec![bytes.clone()]), "{}", path.display());
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_never_taken_for_a_whole_one(at in 0.0..1.0_f64) {
        for Stream { path, protocol, bytes } in streams() {
            let whole = read(protocol, vec![bytes.clone()]);
            let cut = read(protocol, vec![bytes.iter().take((bytes.len() as f64 * at) as usize).copied().collect()]);
            let ends = |text: &str| text.contains("finish");
            // It may end well only if the end came before the cut: then its text is the whole text.
            let texts = |text: &str| text.lines().filter(|line| line.starts_with("text")).map(str::to_owned).collect::<Vec<_>>();
            prop_assert!(!ends(&cut) || texts(&cut) == texts(&whole), "{}: {cut}", path.display());
        }
    }

    #[test]
    fn hostile_bytes_are_answered_by_chunks_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for (name, protocol) in Protocol::ALL {
            let read = read(protocol, vec![b"data: {\"choices\":[{\"text\":\"".to_vec(), bytes.clone()]);
            prop_assert!(read.contains("error"), "{name}: {read}");
        }
    }
}
