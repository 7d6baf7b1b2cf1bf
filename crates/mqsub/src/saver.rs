//! `--save-dir`: each message in a file of its own, under a folder for each level of its topic.
//!
//! A file appears under its name when all of it is written. Folders are opened one below the
//! other, because a topic may be longer than any path, and no symbolic link is followed.

mod names;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use mqtools_common::exit::Exit;
use mqtools_common::message::Message;
use mqtools_common::report::Report;
use mqtools_common::topic::TopicName;
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use self::names::folders;

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What the names of files begin with: sorted, they are in the order in which messages came.
const TIME: &str = "%Y%m%dT%H%M%S.%9fZ";

/// Saves messages.
#[derive(Debug)]
pub(crate) struct Saver {
    root: OwnedFd,
    /// For messages.
    path: PathBuf,
    /// Tells apart what several processes save at the same time.
    tag: String,
    /// When the last message came; no two at the same time.
    last: Timestamp,
    /// The folder of the last message's topic.
    folder: Option<(TopicName, OwnedFd)>,
}

impl Saver {
    /// # Errors
    /// The folder is not there and cannot be made.
    pub(crate) fn new(path: &Path) -> Result<Self, Report> {
        let root = fs::create_dir_all(path).and_then(|()| File::open(path));
        let cannot = |why| {
            Report::new(
                Exit::OS_ERROR,
                format!("cannot save to the folder {path:?}"),
            )
            .cause(why)
        };
        Ok(Self {
            root: root.map_err(cannot)?.into(),
            path: path.to_owned(),
            tag: format!("{:08x}", fastrand::u32(..)),
            last: Timestamp::MIN,
            folder: None,
        })
    }

    /// Saves one message.
    ///
    /// # Errors
    /// It is not saved, and nothing of it is left.
    pub(crate) fn save(&mut self, message: &Message) -> Result<(), Report> {
        let draft = format!(".mqsub-{}", self.tag);
        self.write(message, &draft).map_err(|why| {
            let _ = unlinkat(&self.root, &draft, AtFlags::empty());
            let topic = message.topic.as_str();
            let path = &self.path;
            Report::new(
                Exit::OS_ERROR,
                format!("cannot save a message on the topic {topic:?} to the folder {path:?}"),
            )
            .cause(why)
            .hint(
                "what was not saved was not acknowledged either: with -c and -q 1 the broker \
                 keeps it",
            )
        })
    }

    fn write(&mut self, message: &Message, draft: &str) -> io::Result<()> {
        let mut file = match self.open_new(draft) {
            // Left by a run that was killed, or laid there by somebody else.
            Err(Errno::EXIST) => {
                unlinkat(&self.root, draft, AtFlags::empty())?;
                self.open_new(draft)?
            }
            file => file?,
        };
        file.write_all(&message.payload)?;
        let name = self.name();
        if let Some((topic, folder)) = &self.folder
            && *topic == message.topic
        {
            match renameat(&self.root, draft, folder, &name) {
                // Somebody has removed the folder.
                Err(Errno::NOENT) => {}
                done => return Ok(done?),
            }
        }
        let folder = self.open(&message.topic)?;
        renameat(&self.root, draft, &folder, &name)?;
        self.folder = Some((message.topic.detached(), folder));
        Ok(())
    }

    /// A link that somebody has made under this name is not followed.
    fn open_new(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        openat(&self.root, name, flags, Mode::from_raw_mode(0o666)).map(File::from)
    }

    fn name(&mut self) -> String {
        let next = self.last.saturating_add(SignedDuration::from_nanos(1));
        self.last = Timestamp::now().max(next.unwrap_or(Timestamp::MAX));
        format!(
            "{}-{}{}",
            self.last.strftime(TIME),
            self.tag,
            names::MESSAGE
        )
    }

    /// The folder of a topic, which is made if it is not there.
    fn open(&self, topic: &TopicName) -> io::Result<OwnedFd> {
        let mut folder: Option<OwnedFd> = None;
        for name in folders(topic.as_str()) {
            let parent = folder.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            folder = Some(open_or_make(parent, &name)?);
        }
        folder.ok_or_else(|| io::Error::other("a topic has one level at least"))
    }
}

fn open_or_make(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    match openat(parent, name, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return Ok(opened?),
    }
    match mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
        // Another process was faster.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(why) => return Err(why.into()),
    }
    Ok(openat(parent, name, FOLDER, Mode::empty())?)
}
