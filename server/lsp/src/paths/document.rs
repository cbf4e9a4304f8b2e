//! Documents' paths: from the URI by which an editor names a document to the path by which the server knows it, and on to its place on disk.
//! It leaves the rules that hold there to `settings`. Nothing here reads a disk.
//!
//! The path of a document is that of its file. A document without a file has its URI as a path, which equals no file's path. So each document is
//! one, however its URI is spelled, and no two documents share a path.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use url::Url;

/// Characters that separate the parts of a URI. Encoded, they are part of a name and stay encoded.
const DELIMITERS: &[u8] = b"/?#%";

/// Most URIs around one of a file.
const MAX_WRAPPED: usize = 8;

/// Most marks in a path behind which it may end.
const MAX_MARKS: usize = 8;

/// Where a document lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The path on disk, and those that it may mean besides; none if its URI names none.
    pub paths: Vec<PathBuf>,
    /// Whether the URI means this very file. The path in another URI may belong to another machine or to an archive.
    pub is_certain: bool,
}

/// The path by which the server knows a document.
pub fn path(uri: &str) -> PathBuf {
    file(uri).unwrap_or_else(|| PathBuf::from(canonical(uri)))
}

/// The path of a file's URI; `None` for a document without a file, such as an unsaved one.
pub fn file(uri: &str) -> Option<PathBuf> {
    let url = match Url::parse(uri) {
        Ok(url) if url.scheme() == "file" => url,
        // Some clients send a path. A URI's scheme has more than one letter, so `C:\a.rs` is a path, too.
        Ok(url) if url.scheme().len() > 1 => return None,
        _ => return absolute(uri).filter(|path| path.file_name().is_some()),
    };
    let path = here(&url)?;
    let name = path.file_name()?;
    // Some clients do not encode these characters. A file has no query, so they are part of its name.
    let rest = match (url.query(), url.fragment()) {
        (None, None) => return Some(path),
        (query, fragment) => {
            let query = query.map(|query| format!("?{query}"));
            let fragment = fragment.map(|fragment| format!("#{fragment}"));
            [query, fragment].into_iter().flatten().collect::<String>()
        }
    };
    let rest = decoded(&rest, DELIMITERS);
    if url.path().ends_with('/') {
        return Some(path.join(rest));
    }
    let mut name = OsString::from(name);
    name.push(rest);
    Some(path.with_file_name(name))
}

/// The path of a folder's URI; `None` if it is no folder of this machine.
pub fn folder(uri: &str) -> Option<PathBuf> {
    match Url::parse(uri) {
        // `file:` alone names no folder; only `file:///` is the root.
        Ok(url) if url.scheme() == "file" => here(&url).filter(|_| uri.len() > "file://".len()),
        Ok(url) if url.scheme().len() > 1 => None,
        _ => absolute(uri),
    }
}

/// The path in the URI of a folder that may lie on another machine; `None` if it is one of this machine, or has none.
pub fn folder_elsewhere(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok().as_ref().and_then(inside).filter(|_| folder(uri).is_none())
}

/// Where the document of a path lies.
pub fn location(path: &Path) -> Location {
    let is_certain = path.is_absolute();
    let url = || path.to_str().and_then(|uri| Url::parse(uri).ok());
    let place = if is_certain { Some(path.to_owned()) } else { url().as_ref().and_then(inside) };
    Location {
        paths: place.iter().flat_map(|place| std::iter::once(place.clone()).chain(meant(place))).collect(),
        is_certain,
    }
}

/// The paths that a path means if a query or the mark of a place begins in it, as in `.env#L1`.
fn meant(path: &Path) -> Vec<PathBuf> {
    let text = path.to_str().unwrap_or_default();
    let ends = text.match_indices(['?', '#']).map(|(at, _)| at).take(MAX_MARKS);
    let before = ends.filter_map(|end| text.get(..end)).filter(|before| !before.ends_with(['/', '\\']));
    before.map(PathBuf::from).filter(|path| path.file_name().is_some()).collect()
}

/// The path in a URI that is not a file's: in its path, or in the URI that it wraps, as in `jar:file:///a.jar!/B.java`. Some clients encode the
/// slashes of either.
fn inside(url: &Url) -> Option<PathBuf> {
    let mut url = url.clone();
    for _ in 0..MAX_WRAPPED {
        if !url.cannot_be_a_base() {
            return on_disk(&url).filter(|path| path.file_name().is_some());
        }
        let whole = decoded(url.path(), &[]);
        if let Some(path) = absolute(&whole) {
            return Some(path).filter(|path| path.file_name().is_some());
        }
        url = Url::parse(url.path()).or_else(|_| Url::parse(&whole)).ok()?;
    }
    None
}

/// The last name of a document's path, which may have an extension.
pub fn name(path: &Path) -> String {
    let name = || path.file_name().map(|name| name.to_string_lossy().into_owned());
    if path.is_absolute() {
        return name().unwrap_or_default();
    }
    let uri = path.to_string_lossy();
    let hierarchical = Url::parse(&uri).ok().map(|url| decoded(url.path(), DELIMITERS));
    let path = hierarchical.as_deref().unwrap_or(&uri);
    path.trim_end_matches('/').rsplit(['/', '\\', ':']).next().unwrap_or_default().to_owned()
}

/// The notebook of a cell's path: its URI up to the fragment, which names the cell. `None` for other documents.
pub fn notebook(path: &Path) -> Option<PathBuf> {
    let (notebook, _) = path.to_str()?.rsplit_once('#')?;
    let is_notebook = notebook.starts_with("vscode-notebook-cell:") || notebook.ends_with(".ipynb");
    is_notebook.then(|| PathBuf::from(notebook))
}

/// The names that a document's URI has behind its scheme and host, as a relative path; of a file, the whole path below the root.
pub fn relative(path: &Path) -> PathBuf {
    let names = |path: &Path| path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if path.is_absolute() {
        return names(path);
    }
    let uri = path.to_string_lossy();
    let url = Url::parse(&uri).ok();
    names(Path::new(&url.map_or_else(|| uri.to_string(), |url| decoded(url.path(), &[]))))
}

/// The path that the URL of a file means on this machine.
fn here(url: &Url) -> Option<PathBuf> {
    // An encoded slash separates names, so what leads up may only show once it is decoded.
    url.to_file_path().ok().map(|path| with_large_drive(folded(&path)))
}

/// A text as a path; `None` if it is none from the root on.
fn absolute(text: &str) -> Option<PathBuf> {
    Some(Path::new(text)).filter(|path| path.is_absolute()).map(folded)
}

/// The path without `..`, each with the name before it, as in a URI.
fn folded(path: &Path) -> PathBuf {
    if !path.components().any(|part| part == Component::ParentDir) {
        return path.to_owned();
    }
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            // The root has nothing above it.
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

/// The path in any URL, as if it were one of this machine.
fn on_disk(url: &Url) -> Option<PathBuf> {
    if url.scheme() == "file"
        && let Some(path) = here(url)
    {
        return Some(path);
    }
    let is_path = url.path().starts_with('/');
    is_path.then(|| Url::parse(&format!("file://{}", url.path())).ok()).flatten().and_then(|url| here(&url))
}

/// The path with the letter of its drive in capitals, as no two drives differ in case alone.
fn with_large_drive(path: PathBuf) -> PathBuf {
    let Some(text) = path.to_str() else { return path };
    let at = usize::from(text.starts_with('/'));
    match text.as_bytes().get(at..at + 3) {
        Some([letter, b':', b'/' | b'\\']) if letter.is_ascii_lowercase() => {
            let mut text = text.to_owned();
            if let Some(drive) = text.get_mut(at..=at) {
                drive.make_ascii_uppercase();
            }
            text.into()
        }
        _ => path,
    }
}

/// A URI without differences of spelling: the scheme in lower case, and no character encoded that separates nothing.
fn canonical(uri: &str) -> String {
    decoded(Url::parse(uri).as_ref().map_or(uri, Url::as_str), DELIMITERS)
}

/// The text without percent signs, except before these characters and what is no text.
fn decoded(text: &str, kept: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten().and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| !kept.contains(byte) && !byte.is_ascii_control()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn each_spelling_of_a_document_has_one_path_and_each_document_its_own() {
        for (path, spellings) in [
            (
                "/w/a b.rs",
                &[
                    "file:///w/a%20b.rs",
                    "file:///w/a b.rs",
                    "FILE:///w/a%20b.rs",
                    "file://localhost/w/a%20b.rs",
                    "file:/w/a%20b.rs",
                    "file:///w/./x/../a%20b.rs",
                    "file:///%77/%61%20b%2Ers",
                    "file:///w/x%2F..%2Fa b.rs",
                    "file:///w/x/..%2Fa%20b.rs",
                    "/w/a b.rs",
                    "/w/x/../a b.rs",
                    "/../w/a b.rs",
                ][..],
            ),
            ("/w/é.rs", &["file:///w/%C3%A9.rs", "file:///w/%c3%a9.rs", "file:///w/é.rs"]),
            ("/C:/w/a.rs", &["file:///C:/w/a.rs", "file:///c:/w/a.rs", "file:///c%3A/w/a.rs", "file:///C%3a/w/a.rs"]),
            ("/w/a#b.rs", &["file:///w/a%23b.rs", "file:///w/a#b.rs"]),
            ("/w/a?b.rs", &["file:///w/a%3Fb.rs", "file:///w/a?b.rs"]),
            ("untitled:Untitled-1", &["untitled:Untitled-1", "UNTITLED:Untitled%2D1"]),
            ("untitled:/w/Untitled-1", &["untitled:/w/Untitled-1", "untitled:/w/Untitled%2d1"]),
            (
                "vscode-notebook-cell:/c:/w/n.ipynb#W1",
                &["vscode-notebook-cell:/c%3A/w/n.ipynb#W1", "vscode-notebook-cell:/c:/w/n.ipynb#W1"],
            ),
            ("vscode-notebook-cell:/w/n.ipynb#W2", &["vscode-notebook-cell:/w/n.ipynb#W2"]),
            ("git:/w/a.rs?1", &["git:/w/a.rs?1"]),
            ("git:/w/a.rs?2", &["git:/w/a.rs?2"]),
            ("x:/a%2Fb", &["x:/a%2Fb", "x:/%61%2Fb"]),
            ("file:///", &["file:", "file:/", "file://", "file:///", "file://localhost"]),
            ("file://host/share/a.rs", &["file://host/share/a.rs", "file://HOST/share/a%2Ers"]),
            ("", &[""]),
            ("no uri", &["no uri", "no%20uri"]),
        ] {
            for spelling in spellings {
                assert_eq!(super::path(spelling), Path::new(path), "{spelling}");
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_place_of_a_document_is_in_its_uri_whatever_that_is_called() {
        for (uri, expected, shown) in [
            ("file:///w/a.rs", Some("/w/a.rs"), "a.rs"),
            ("file://localhost/w/a.rs", Some("/w/a.rs"), "a.rs"),
            ("file://host/share/a.rs", Some("/share/a.rs"), "a.rs"),
            ("vscode-notebook-cell:/w/n%20b.ipynb#W0sZmlsZQ%3D%3D", Some("/w/n b.ipynb"), "n b.ipynb"),
            ("vscode-remote://ssh-remote%2Bhost/w/a.rs", Some("/w/a.rs"), "a.rs"),
            ("vscode-vfs://github/o/r/a.rs", Some("/o/r/a.rs"), "a.rs"),
            (r#"git:/w/a.rs?{"path":"/w/a.rs","ref":"~"}"#, Some("/w/a.rs"), "a.rs"),
            ("fugitive:///w/.git//0/a.rs", Some("/w/.git//0/a.rs"), "a.rs"),
            ("jdt://contents/rt.jar/java.util/List.class?=x", Some("/rt.jar/java.util/List.class"), "List.class"),
            ("jar:file:///w/x.jar!/a/B.java", Some("/w/x.jar!/a/B.java"), "B.java"),
            ("zipfile:///w/x.zip::a.py", Some("/w/x.zip::a.py"), "a.py"),
            ("untitled:/w/new.py", Some("/w/new.py"), "new.py"),
            ("untitled:%2Fw%2Foff%2Fnew.py", Some("/w/off/new.py"), "%2Fw%2Foff%2Fnew.py"),
            ("vscode-notebook-cell:%2Fw%2Fx%2F..%2Fn.ipynb#x", Some("/w/n.ipynb"), "%2Fw%2Fx%2F..%2Fn.ipynb"),
            ("jar:file%3A%2F%2F%2Fw%2Fx.jar!%2FB.java", Some("/w/x.jar!/B.java"), "%2F%2F%2Fw%2Fx.jar!%2FB.java"),
            ("untitled:Untitled-1.py", None, "Untitled-1.py"),
            ("file://", None, ""),
            ("file:///", None, ""),
            ("inmemory://model/", None, ""),
            ("", None, ""),
        ] {
            let document = super::path(uri);
            let Location { paths, is_certain } = location(&document);
            assert_eq!(paths.first().map(PathBuf::as_path), expected.map(Path::new), "{uri}");
            assert_eq!(is_certain, document.is_absolute(), "{uri}");
            assert_eq!(name(&document), shown, "{uri}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_query_may_be_none_of_a_files_name() {
        for (uri, expected) in [
            ("file:///w/.env?x=1", &["/w/.env?x=1", "/w/.env"][..]),
            ("file:///w/.env#L1", &["/w/.env#L1", "/w/.env"]),
            ("file:///w/.env?", &["/w/.env?", "/w/.env"]),
            ("file:///w/.env#a/b", &["/w/.env#a/b", "/w/.env"]),
            ("/w/.env?x#y", &["/w/.env?x#y", "/w/.env", "/w/.env?x"]),
            ("file:///w/#a.py", &["/w/#a.py"]),
            ("file:///w/a.py", &["/w/a.py"]),
        ] {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(location(&super::path(uri)).paths, expected, "{uri}");
        }
    }

    #[test]
    fn the_notebook_of_a_cell_is_its_uri_without_the_cell() {
        for (uri, expected) in [
            ("vscode-notebook-cell:/w/n%20b.ipynb#W0sZmlsZQ%3D%3D", Some("vscode-notebook-cell:/w/n b.ipynb")),
            (
                "vscode-notebook-cell:Untitled-1.ipynb?jupyter-notebook#W1",
                Some("vscode-notebook-cell:Untitled-1.ipynb?jupyter-notebook"),
            ),
            ("file:///w/n.ipynb#c1", Some("/w/n.ipynb")),
            ("file:///w/n.ipynb", None),
            ("file:///w/a.rs#c1", None),
            ("untitled:Untitled-1#c", None),
        ] {
            assert_eq!(notebook(&super::path(uri)).as_deref(), expected.map(Path::new), "{uri}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn folders() {
        for (uri, expected) in [
            ("file:///w", Some("/w")),
            ("file:///w%20x/", Some("/w x/")),
            ("file:///", Some("/")),
            ("file://", None),
            ("vscode-remote://x/w", None),
            ("/w", Some("/w")),
            ("/w/x/..", Some("/w")),
            ("w", None),
        ] {
            assert_eq!(folder(uri).as_deref(), expected.map(Path::new), "{uri}");
        }
        for (uri, expected) in [
            ("vscode-remote://ssh-remote%2Bh/w/off", Some("/w/off")),
            ("file://host/w/off", Some("/w/off")),
            ("vscode-vfs://github/w/off/", Some("/w/off/")),
            ("memfs:%2Fw%2Foff", Some("/w/off")),
            ("file:///w", None),
            ("/w", None),
            ("vscode-remote://x/", None),
            ("w", None),
        ] {
            assert_eq!(folder_elsewhere(uri).as_deref(), expected.map(Path::new), "{uri}");
        }
    }
}
