//! One run of the command: what it gets to know of its message, and how it ended.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use bytes::Bytes;
use mqtools_common::message::Message;
use mqtools_common::property::PublishProperties;
use mqtools_common::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::Sender;
use tokio::sync::watch;

use crate::format::user_properties;

/// What `--exec` runs.
#[derive(Debug)]
pub(crate) struct CommandLine {
    /// The program and its arguments; with `--shell` the text for the shell comes first.
    pub(crate) words: Vec<OsString>,
    /// `--shell`
    pub(crate) shell: bool,
    /// The value of `MQ_PASSWORD`, which is hidden in our own environment.
    pub(crate) password: Option<Secret>,
}

impl CommandLine {
    /// The program, for messages.
    pub(crate) fn program(&self) -> OsString {
        if self.shell {
            return "sh".into();
        }
        self.words.first().cloned().unwrap_or_default()
    }

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn spawn(&self, message: &Message) -> io::Result<Child> {
        let mut command = Command::new(self.program());
        if self.shell {
            // The name of the shell is what its own messages begin with.
            let (text, arguments) = self.words.split_first().unzip();
            command.arg("-c").args(text).arg("sh");
            command.args(arguments.unwrap_or_default());
        } else {
            command.args(self.words.iter().skip(1));
        }
        command.env_remove("MQ_PASSWORD");
        if let Some(password) = &self.password {
            command.env("MQ_PASSWORD", OsStr::from_bytes(password.reveal()));
        }
        describe(message, &mut command);
        command.stdin(stdin_of(&message.payload)?).spawn()
    }
}

/// What a pipe takes before anybody reads, in bytes (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// A small payload is there before the command is: should we be killed, it does not take a part of
/// it for the whole.
fn stdin_of(payload: &[u8]) -> io::Result<Stdio> {
    if payload.len() > AT_ONCE {
        return Ok(Stdio::piped());
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(payload)?;
    Ok(reader.into())
}

/// The environment: only what the message has is set, and what our own environment says of
/// another message is not left.
fn describe(message: &Message, command: &mut Command) {
    command
        .env("MQ_TOPIC", message.topic.as_str())
        .env("MQ_QOS", message.qos.level().to_string())
        .env("MQ_RETAIN", if message.retain { "1" } else { "0" })
        .env("MQ_PAYLOAD_LEN", message.payload.len().to_string());
    let none = PublishProperties::default();
    let properties = message.properties.as_deref().unwrap_or(&none);
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let data = properties.correlation_data.as_deref().map(hexadecimal);
    let users = (!properties.user_properties.is_empty()).then(|| user_properties(properties));
    for (name, value) in [
        ("MQ_CONTENT_TYPE", properties.content_type.clone()),
        ("MQ_RESPONSE_TOPIC", properties.response_topic.clone()),
        // Any bytes, of which the environment takes no NUL.
        ("MQ_CORRELATION_DATA_HEX", data),
        (
            "MQ_MESSAGE_EXPIRY_INTERVAL",
            number(properties.message_expiry_interval),
        ),
        (
            "MQ_PAYLOAD_FORMAT_INDICATOR",
            number(properties.payload_format_indicator.map(u32::from)),
        ),
        ("MQ_USER_PROPERTIES", users),
    ] {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives it the payload and waits for its end, after which `ends` changes; asks it to end once
/// `quit` says so.
///
/// # Errors
/// The system does not tell how it ended.
pub(super) async fn attend(
    mut child: Child,
    payload: Bytes,
    mut ends: watch::Receiver<()>,
    mut quit: watch::Receiver<bool>,
) -> io::Result<ExitStatus> {
    let stdin = child.stdin.take();
    let stdin = stdin.map(|pipe| Sender::from_owned_fd(pipe.into()));
    let stdin = stdin.transpose()?;
    let feed = async {
        if let Some(mut stdin) = stdin {
            // It need not read: a pipe that it has closed is no failure.
            let _ = stdin.write_all(&payload).await;
        }
    };
    let mut feed = std::pin::pin!(feed);
    let (mut is_fed, mut is_asked) = (false, false);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        tokio::select! {
            // What it started may hold the pipe open without reading.
            Ok(()) = ends.changed() => {}
            () = &mut feed, if !is_fed => is_fed = true,
            Ok(_) = quit.wait_for(|quit| *quit), if !is_asked => {
                is_asked = true;
                // Not waited for yet, so that nobody else has the number.
                if let Some(id) = child.id().try_into().ok().and_then(Pid::from_raw) {
                    let _ = kill_process(id, Signal::TERM);
                }
            }
        }
    }
}
