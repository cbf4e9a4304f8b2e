//! Files and folders that only this user can read: makes them, and tightens ours when a server starts. On Windows it changes nothing, because
//! a profile's folders are its user's own there. It leaves which folders are ours to `paths`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Most entries of a folder that are looked at: ours has some ten.
#[cfg(unix)]
const MAX_ENTRIES: usize = 1000;

/// Makes a folder, and those above it that are missing.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Makes a new file. What is already there is left alone, a link too, and is an error.
pub fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

/// Makes a new file in place of the one that may be there; a link is replaced, not followed.
pub fn replace_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create_file(path),
    }
}

/// Opens a file of ours with these options, or makes it if they say so. A link is an error: what it leads to is not ours.
pub fn open_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(io::Error::other(format!("{} is a link", path.display())));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Somebody may put a link there between the look and the opening.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// Makes all files of this process private from now on, those of libraries too. Call it before the first thread starts.
pub fn begin() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Takes other users' rights from a folder of ours and what is in it. Links are not followed, and what belongs to another user is left alone;
/// the text says so of the folder itself.
#[cfg(unix)]
pub fn tighten(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let found = fs::symlink_metadata(folder).ok()?;
    if found.is_symlink() {
        return None;
    }
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me {
        return (me != 0)
            .then(|| format!("{} belongs to another user, who can read what is kept there", folder.display()));
    }
    // The folder first: then nobody else can put a link in place of what is in it.
    let mut left = MAX_ENTRIES;
    tighten_entry(folder, me, &mut left);
    None
}

/// Takes other users' rights from a folder of ours and what is in it.
#[cfg(not(unix))]
pub fn tighten(_: &Path) -> Option<String> {
    None
}

/// Takes other users' rights from a file or a folder and what is in it, if it is this user's own.
#[cfg(unix)]
fn tighten_entry(path: &Path, me: u32, left: &mut usize) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let Ok(found) = fs::symlink_metadata(path) else { return };
    let is_ours = (found.is_file() || found.is_dir()) && found.uid() == me;
    if !is_ours || *left == 0 {
        return;
    }
    *left -= 1;
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode & !0o077));
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            tighten_entry(&entry.path(), me, left);
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_private() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        create_folder(&folder).unwrap();
        create_folder(&folder).unwrap();
        create_file(&folder.join("c")).unwrap();
        assert!(create_file(&folder.join("c")).is_err());
        let other = place.path().join("other");
        fs::write(&other, "mine").unwrap();
        symlink(&other, folder.join("link")).unwrap();
        assert!(create_file(&folder.join("link")).is_err());
        replace_file(&folder.join("link")).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        symlink(&other, folder.join("kept")).unwrap();
        let append = |name: &str| open_file(&folder.join(name), OpenOptions::new().create(true).append(true));
        assert!(append("kept").unwrap_err().to_string().ends_with("kept is a link"));
        append("opened").unwrap();
        append("opened").unwrap();
        assert_eq!(mode(&folder.join("opened")), 0o600);
        for (path, expected) in [("a", 0o700), ("a/b", 0o700), ("a/b/c", 0o600), ("a/b/link", 0o600)] {
            assert_eq!(mode(&place.path().join(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_ours_is_tightened_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let (ours, other) = (place.path().join("ours"), place.path().join("other"));
        for folder in [ours.join("log"), other.clone()] {
            fs::create_dir_all(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for file in [ours.join("ledger.sqlite"), ours.join("log/a.log"), other.join("b")] {
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        }
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o775)).unwrap();
        symlink(&other, ours.join("link")).unwrap();
        symlink(other.join("b"), ours.join("file")).unwrap();
        symlink(&other, place.path().join("linked")).unwrap();
        assert_eq!(tighten(&ours), None);
        assert_eq!(tighten(&place.path().join("linked")), None);
        assert_eq!(tighten(&place.path().join("missing")), None);
        for (path, expected) in [
            ("ours", 0o700),
            ("ours/log", 0o700),
            ("ours/ledger.sqlite", 0o600),
            ("ours/log/a.log", 0o600),
            ("other", 0o755),
            ("other/b", 0o664),
        ] {
            assert_eq!(mode(&place.path().join(path)), expected, "{path}");
        }
    }
}
