//! `cargo xtask dist`: what is handed out, under `target/dist`. The programs are built here; each
//! form that they are handed out in is in a module of its own.

mod build;
mod debian;
mod layout;
mod licences;
mod linked;
mod sbom;
mod tarball;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};

use crate::parts;
use crate::shell::{read, root, say};
use build::{Linkage, programs};
pub(crate) use build::{TOOLS, release, target_folder};
use layout::Layout;
use linked::Linked;

/// What one run makes, and of what.
struct Release {
    /// Where everything goes that is handed out.
    folder: PathBuf,
    /// For what lies in between.
    work: PathBuf,
    /// Seconds since 1970: the time that files, documents and packages carry.
    epoch: u64,
    /// What is linked into each of the tools.
    linked: Vec<Linked>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Builds the Debian packages, the tarball, the lists of components and the checksums; with
/// `statically`, also a tarball of programs that need no library.
pub(crate) fn make(statically: bool) -> Result<ExitCode> {
    ensure!(
        cfg!(target_os = "linux"),
        "packages are made on Linux; `cargo install --path crates/mqpub` works everywhere"
    );
    parts::ensure_for_dist()?;
    let folder = target_folder().join("dist");
    let work = folder.join("work");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&work)?;
    let linked = TOOLS.iter().map(|tool| linked::of(tool));
    let release = Release {
        epoch: epoch()?,
        linked: linked.collect::<Result<_>>()?,
        folder,
        work,
    };

    let dynamic = release.lay_out(Linkage::Dynamic)?;
    debian::build(&release, &dynamic)?;
    tarball::build(&release, &dynamic, "linux")?;
    for document in sbom::documents(&release, Linkage::Dynamic)? {
        fs::write(release.folder.join(&document.name), &document.text)?;
    }
    if statically {
        let layout = release.lay_out(Linkage::Static)?;
        tarball::build(&release, &layout, "linux-static")?;
    }
    fs::remove_dir_all(&release.work)?;
    release.sum()?;
    Ok(ExitCode::SUCCESS)
}

impl Release {
    /// Builds the programs, and says where they and everything beside them goes.
    fn lay_out(&self, linkage: Linkage) -> Result<Layout> {
        let programs = programs(linkage, &self.work)?;
        let mut layout = Layout::of(&programs)?;
        layout.document(
            "third-party-licences.txt",
            licences::text(&self.linked, linkage)?,
        );
        for document in sbom::documents(self, linkage)? {
            layout.document(&document.name, document.text);
        }
        Ok(layout)
    }

    /// Writes SHA256SUMS, and says what was made.
    fn sum(&self) -> Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            names.push(entry?.file_name());
        }
        names.sort();
        let sums = read(
            Command::new("sha256sum")
                .args(&names)
                .current_dir(&self.folder),
        )?;
        fs::write(self.folder.join("SHA256SUMS"), sums)?;
        say(&format!("In {}:", self.folder.display()));
        for name in names {
            let size = fs::metadata(self.folder.join(&name))?.len();
            say(&format!("{size:>10}  {}", name.to_string_lossy()));
        }
        Ok(())
    }

    /// The time of this release, by date(1).
    fn date(&self, format: &str) -> Result<String> {
        let mut date = Command::new("date");
        date.args(["--utc", "--date", &format!("@{}", self.epoch), format])
            .env("LC_ALL", "C");
        Ok(read(&mut date)?.trim().to_owned())
    }
}

/// The time of the last commit, so that the same source gives the same files whenever they are made:
/// <https://reproducible-builds.org/specs/source-date-epoch/>.
fn epoch() -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            let mut git = Command::new("git");
            git.args(["log", "-1", "--format=%ct"]).current_dir(root());
            match read(&mut git) {
                Ok(text) => text,
                Err(error) => {
                    bail!("set SOURCE_DATE_EPOCH where there is no history of git ({error})")
                }
            }
        }
    };
    let text = text.trim();
    text.parse()
        .with_context(|| format!("SOURCE_DATE_EPOCH is not a number of seconds: {text:?}"))
}

/// `gzip -9n`: the smallest result, and the same one for the same bytes.
fn gzip(file: &Path) -> Result<()> {
    read(Command::new("gzip").arg("-9n").arg(file)).map(drop)
}
