//! Who may read a new password file.

use std::io;
use std::path::Path;

use mqtools_common::exit::Exit;
use mqtools_common::passwd::file::Access;
use mqtools_common::report::{self, Report};
use nix::unistd::{Group, User};
use rustix::process::geteuid;

/// The user that brokers run as where a package installed them.
const BROKER: &str = "mosquitto";

/// What the command line says about a new file.
#[derive(Debug, Clone, Default)]
pub struct NewFile {
    /// Whether a file that is there already is overwritten.
    pub overwrite: bool,
    /// `USER`, `USER:GROUP` or `:GROUP`, by name or by number.
    pub owner: Option<String>,
    /// The permission bits.
    pub mode: Option<u32>,
}

/// The access to give to a new file, and what to say about it.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access: Access,
    /// Something that nobody asked for was done.
    pub(crate) to_the_broker: bool,
}

impl NewFile {
    /// # Errors
    /// A [`Report`] for an owner that the system does not know.
    pub(crate) fn grant(&self) -> Result<Granted, Report> {
        let mut access = Access {
            mode: self.mode,
            ..Access::default()
        };
        let mut to_the_broker = false;
        if let Some(owner) = &self.owner {
            let (user, group) = match owner.split_once(':') {
                Some((user, group)) => (user, Some(group)),
                None => (owner.as_str(), None),
            };
            if !user.is_empty() {
                access.owner = Some(user_id(user)?);
            }
            if let Some(group) = group.filter(|group| !group.is_empty()) {
                access.group = Some(group_id(group)?);
            }
        } else if geteuid().is_root()
            && let Ok(Some(broker)) = User::from_name(BROKER)
        {
            access.group = Some(broker.gid.as_raw());
            to_the_broker = true;
        }
        if access.mode.is_none() && access.group.is_some() {
            access.mode = Some(0o640);
        }
        Ok(Granted {
            access,
            to_the_broker,
        })
    }
}

impl Granted {
    /// Tells what a person should know about a file that was made by root.
    pub(crate) fn tell(&self, path: &Path) {
        let path = path.display();
        if self.to_the_broker {
            report::note(format_args!(
                "{path} can be read by the group of the user {BROKER}; --owner and --mode choose \
                 otherwise"
            ));
        } else if geteuid().is_root() && self.access == Access::default() {
            report::hint(format_args!(
                "only root can read {path}; for a broker that runs as another user: chown USER \
                 {path}, or --owner"
            ));
        }
    }
}

/// Whether a file with this owner, group and mode can be read by the user of brokers; `None`
/// where there is no such user.
pub(crate) fn broker_can_read(owner: u32, group: u32, mode: u32) -> Option<bool> {
    let broker = User::from_name(BROKER).ok().flatten()?;
    if broker.uid.as_raw() == owner {
        return Some(mode & 0o400 != 0);
    }
    // By the group's members, because macOS has no getgrouplist that nix knows.
    let is_member = broker.gid.as_raw() == group
        || Group::from_gid(group.into()).is_ok_and(|group| {
            group.is_some_and(|group| group.mem.iter().any(|one| one == BROKER))
        });
    Some(if is_member {
        mode & 0o040 != 0
    } else {
        mode & 0o004 != 0
    })
}

fn user_id(name: &str) -> Result<u32, Report> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => number(name).ok_or_else(|| unknown("user", name)),
        Err(error) => Err(unknown("user", name).cause(io::Error::from(error))),
    }
}

fn group_id(name: &str) -> Result<u32, Report> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => number(name).ok_or_else(|| unknown("group", name)),
        Err(error) => Err(unknown("group", name).cause(io::Error::from(error))),
    }
}

/// The highest number means "leave it" to the system.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != u32::MAX)
}

fn unknown(what: &str, name: &str) -> Report {
    Report::new(
        Exit::PASSWD_FAILED,
        format!("there is no {what} '{name}' on this machine"),
    )
}
