//! A tarball that can be unpacked over any prefix.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::layout::Layout;
use super::{Release, VERSION, gzip};
use crate::shell::run;

/// Packs the files below one folder that has the name of the tarball.
pub(super) fn build(release: &Release, layout: &Layout, system: &str) -> Result<()> {
    let name = format!("mqtools-{VERSION}-{}-{system}", std::env::consts::ARCH);
    let folder = release.work.join(&name);
    fs::create_dir_all(&folder)?;
    layout.write(&folder)?;
    let tarball = release.folder.join(format!("{name}.tar"));
    // Nothing of the machine: neither its users nor the order and the times of its files.
    run(Command::new("tar")
        .args(["--create", "--format=ustar", "--sort=name"])
        .args(["--owner=root:0", "--group=root:0"])
        .arg(format!("--mtime=@{}", release.epoch))
        .arg("--file")
        .arg(&tarball)
        .arg("--directory")
        .arg(&release.work)
        .arg(&name))?;
    gzip(&tarball)
}
