//! Which file goes where, below a prefix such as `/usr` or `/usr/local`: the same in every form.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::gzip;
use crate::shell::root;

/// The names that scripts written for mosquitto's tools call.
pub(super) const ORIGINAL_NAMES: [(&str, &str); 3] = [
    ("mosquitto_pub", "mqpub"),
    ("mosquitto_sub", "mqsub"),
    ("mosquitto_passwd", "mqpasswd"),
];

/// A folder to put before others in PATH.
pub(super) const LINKS: &str = "lib/mqtools/bin";

const DOCUMENTS: &str = "share/doc/mqtools";

/// Files with their paths below the prefix.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    entries: Vec<(String, Entry)>,
}

#[derive(Debug, Clone)]
enum Entry {
    Program(PathBuf),
    File(Vec<u8>),
    /// Ends in `.gz` when it is there.
    Compressed(Vec<u8>),
    Link(String),
}

impl Layout {
    /// The programs, and everything that is checked in: manual pages, completions, documents.
    pub(super) fn of(programs: &[PathBuf]) -> Result<Self> {
        let mut layout = Self::default();
        for program in programs {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            layout.add(format!("bin/{name}"), Entry::Program(program.clone()));
        }
        for (original, ours) in ORIGINAL_NAMES {
            layout.link(
                &format!("{LINKS}/{original}"),
                &format!("../../../bin/{ours}"),
            );
        }
        for (folder, target) in [
            ("man", "share/man/man1"),
            ("completions/bash", "share/bash-completion/completions"),
            ("completions/zsh", ZSH),
            ("completions/fish", "share/fish/vendor_completions.d"),
        ] {
            for (name, content) in generated(&root().join(folder))? {
                let entry = match folder {
                    "man" => Entry::Compressed(content),
                    _ => Entry::File(content),
                };
                layout.add(format!("{target}/{name}"), entry);
            }
        }
        for name in ["README.md", "LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
            let content = fs::read(root().join(name)).with_context(|| format!("no {name}"))?;
            layout.document(name, content);
        }
        let migration = fs::read(root().join("docs/migration.md"))?;
        layout.document("migration.md", migration);
        let changelog = fs::read(root().join("CHANGELOG.md"))?;
        layout.add(
            format!("{DOCUMENTS}/changelog"),
            Entry::Compressed(changelog),
        );
        Ok(layout)
    }

    /// Adds a file beside the other documents; compressed where Debian's policy (12.3) wants that.
    pub(super) fn document(&mut self, name: &str, content: impl Into<Vec<u8>>) {
        let content = content.into();
        let entry = match name.ends_with(".txt") {
            true => Entry::Compressed(content),
            false => Entry::File(content),
        };
        self.add(format!("{DOCUMENTS}/{name}"), entry);
    }

    /// Adds any file.
    pub(super) fn file(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.add(path.to_owned(), Entry::File(content.into()));
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.add(path.to_owned(), Entry::Link(target.to_owned()));
    }

    /// Leaves out what lies at this path.
    pub(super) fn without(mut self, path: &str) -> Self {
        self.entries.retain(|(there, _)| there != path);
        self
    }

    /// Moves what lies below one folder to another one.
    pub(super) fn moved(mut self, from: &str, to: &str) -> Self {
        for (path, _) in &mut self.entries {
            if let Some(rest) = path.strip_prefix(from) {
                *path = format!("{to}{rest}");
            }
        }
        self
    }

    /// Writes everything below `prefix`, with the permissions that it is to have.
    pub(super) fn write(&self, prefix: &Path) -> Result<()> {
        for (path, entry) in &self.entries {
            let path = prefix.join(path);
            fs::create_dir_all(path.parent().unwrap_or(prefix))?;
            let wrote = match entry {
                Entry::Program(program) => fs::copy(program, &path).map(|_| ()),
                Entry::File(content) | Entry::Compressed(content) => fs::write(&path, content),
                Entry::Link(target) => symlink(target, &path),
            };
            wrote.with_context(|| format!("cannot write {}", path.display()))?;
            let mode = match entry {
                Entry::Program(_) => 0o755,
                Entry::File(_) | Entry::Compressed(_) => 0o644,
                Entry::Link(_) => continue,
            };
            fs::set_permissions(&path, PermissionsExt::from_mode(mode))?;
            if let Entry::Compressed(_) = entry {
                gzip(&path)?;
            }
        }
        open_folders(prefix)
    }

    fn add(&mut self, path: String, entry: Entry) {
        self.entries.push((path, entry));
    }
}

/// Where zsh looks below /usr/local; Debian's zsh looks elsewhere below /usr.
pub(super) const ZSH: &str = "share/zsh/site-functions";

/// The files of a folder that `cargo xtask generate` writes, in order.
fn generated(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read(entry.path())?));
    }
    if files.is_empty() {
        bail!(
            "there is nothing in {}; `cargo xtask generate` writes it",
            folder.display()
        );
    }
    files.sort();
    Ok(files)
}

/// Whatever the umask was, everybody may look into the folders.
fn open_folders(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_names_the_command_that_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        for missing in [folder.path().to_owned(), folder.path().join("man")] {
            let error = generated(&missing).unwrap_err().to_string();
            assert!(error.contains("cargo xtask generate"), "{error}");
        }
        fs::write(folder.path().join("b"), "2").unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let files = generated(folder.path()).unwrap();
        let expected = [
            ("a".to_owned(), b"1".to_vec()),
            ("b".to_owned(), b"2".to_vec()),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn what_is_written_has_its_permissions_whatever_the_source_had() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        fs::write(&program, "#!").unwrap();
        fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        let mut layout = Layout::default();
        layout.add("bin/tool".to_owned(), Entry::Program(program));
        layout.file("share/text", "text");
        layout.link("lib/link", "../bin/tool");
        let prefix = folder.path().join("prefix");
        layout
            .without("share/none")
            .moved("share", "moved")
            .write(&prefix)
            .unwrap();
        let mode = |path: &str| {
            let file = fs::metadata(prefix.join(path)).unwrap();
            file.permissions().mode() & 0o7777
        };
        assert_eq!(
            ["bin", "bin/tool", "lib/link", "moved/text"].map(mode),
            [0o755, 0o755, 0o755, 0o644]
        );
    }
}
