//! The Debian packages, by dpkg's own programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::layout::{Layout, ORIGINAL_NAMES, ZSH};
use super::{Release, VERSION, gzip};
use crate::shell::{read, root, run};

/// The first packaging of a version; one that changes only the packaging counts up.
const REVISION: &str = "1";

const NO_UPLOAD: &str =
    "# It is not uploaded to Debian, which has no bug report that asks for it.\n";

/// Makes `mqtools`, and `mqtools-mosquitto-names` with the original names in `/usr/bin`.
pub(super) fn build(release: &Release, layout: &Layout) -> Result<()> {
    let source = release.work.join("debian");
    fs::create_dir_all(&source)?;
    let control = root().join("packaging/debian/control");
    fs::copy(&control, source.join("control"))
        .with_context(|| format!("no {}", control.display()))?;
    let changelog = changelog(release)?;
    fs::write(source.join("changelog"), &changelog)?;

    // Debian has these elsewhere, and common-licenses instead of the licence's text.
    let mut tools = layout
        .clone()
        .without("share/doc/mqtools/LICENSE")
        .without("share/doc/mqtools/LICENSE-APACHE")
        .without("share/doc/mqtools/LICENSE-MIT")
        .moved(ZSH, "share/zsh/vendor-completions");
    tools.file("share/doc/mqtools/changelog.Debian", changelog.clone());
    tools.file("share/doc/mqtools/copyright", copyright()?);
    package(release, "mqtools", &tools)?;

    let mut names = Layout::default();
    for (original, ours) in ORIGINAL_NAMES {
        // mosquitto_passwd belongs to the broker's package, which must stay installable whatever
        // we do: only the folder for PATH has it.
        if original != "mosquitto_passwd" {
            names.link(&format!("bin/{original}"), ours);
            let page = format!("share/man/man1/{original}.1.gz");
            names.link(&page, &format!("{ours}.1.gz"));
        }
    }
    let folder = "share/doc/mqtools-mosquitto-names";
    names.file(&format!("{folder}/changelog.Debian"), changelog);
    names.file(&format!("{folder}/copyright"), copyright()?);
    package(release, "mqtools-mosquitto-names", &names)
}

fn package(release: &Release, name: &str, layout: &Layout) -> Result<()> {
    let tree = release.work.join(name);
    let information = tree.join("DEBIAN");
    fs::create_dir_all(&information)?;
    let mut layout = layout.clone();
    let overrides = format!("share/lintian/overrides/{name}");
    layout.file(
        &overrides,
        format!("{NO_UPLOAD}{name}: initial-upload-closes-no-bugs *\n"),
    );
    layout.write(&tree.join("usr"))?;
    gzip(&tree.join(format!("usr/share/doc/{name}/changelog.Debian")))?;

    let mut words = vec![format!("-p{name}"), format!("-P{name}")];
    if tree
        .join("usr/bin/mqpub")
        .symlink_metadata()
        .is_ok_and(|file| file.is_file())
    {
        // Which libraries the programs need, by Debian's names and in which versions.
        let programs =
            ["mqpub", "mqsub", "mqpasswd"].map(|tool| format!("-e{name}/usr/bin/{tool}"));
        run(in_work(release, "dpkg-shlibdeps")
            .arg("-Tdebian/substvars")
            .args(&programs))?;
        words.push("-Tdebian/substvars".to_owned());
    } else {
        words.push("-T/dev/null".to_owned());
    }
    run(in_work(release, "dpkg-gencontrol")
        .args(words)
        .args(["-cdebian/control", "-ldebian/changelog"])
        .arg("-fdebian/files"))?;
    fs::write(information.join("md5sums"), md5sums(&tree)?)?;
    for file in ["control", "md5sums"] {
        fs::set_permissions(information.join(file), PermissionsExt::from_mode(0o644))?;
    }
    for folder in [&tree, &information] {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755))?;
    }
    // xz, because not every dpkg that may install it reads zstd, which is Ubuntu's choice.
    run(in_work(release, "dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--build", name])
        .arg(&release.folder))
}

/// One of dpkg's programs, where it finds `debian/control`.
fn in_work(release: &Release, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&release.work)
        .env("SOURCE_DATE_EPOCH", release.epoch.to_string())
        .env("LC_ALL", "C");
    command
}

/// Debian's own, which names the version; what changed is in the project's.
fn changelog(release: &Release) -> Result<String> {
    let control = fs::read_to_string(root().join("packaging/debian/control"))?;
    let maintainer = control
        .lines()
        .find_map(|line| line.strip_prefix("Maintainer: "))
        .context("packaging/debian/control names no maintainer")?;
    Ok(format!(
        "mqtools ({VERSION}-{REVISION}) unstable; urgency=medium\n\n  \
         * What is new in {VERSION} is in changelog.gz.\n\n \
         -- {maintainer}  {}\n",
        release.date("+%a, %d %b %Y %H:%M:%S +0000")?
    ))
}

fn copyright() -> Result<Vec<u8>> {
    let path = root().join("packaging/debian/copyright");
    fs::read(&path).with_context(|| format!("no {}", path.display()))
}

/// In the order of their names, as `dpkg --verify` reads them.
fn md5sums(tree: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(tree, &tree.join("usr"), &mut files)?;
    files.sort();
    read(Command::new("md5sum").args(&files).current_dir(tree))
}

fn list(tree: &Path, folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(tree, &entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path().strip_prefix(tree)?.to_owned());
        }
    }
    Ok(())
}
