//! The user name and the password: which of the places that may hold one counts.
//!
//! What was typed beats the environment, and that beats the options file: both come in front of
//! the typed words, and of a word that is given twice the last one counts. Of what was typed, a
//! URL's own part and an option, the last one counts as well. Only a password that counts is read
//! or asked for.

use std::path::Path;

use rustix::io::Errno;

use crate::args::ConnectionArgs;
use crate::exit::Exit;
use crate::protocol::Connect;
use crate::report::Report;
use crate::secret::{Secret, warn_of_readers};
use crate::terminal;
use crate::topic::MAX_STRING;
use crate::url::Url;

/// Finds the user name and the password, asking for it where that is wanted.
pub(super) fn credentials(
    connection: &ConnectionArgs,
    url: Option<&Url>,
    quiet: bool,
) -> Result<(Option<String>, Option<Secret>), Report> {
    let username = connection.username.clone();
    let username = match url {
        Some(url) => url.username(username),
        None => username,
    };
    Ok((username, password(connection, url, quiet)?))
}

/// The credentials of a CONNECT in words, with the verb for them.
pub(super) fn named(connect: &Connect) -> Option<&'static str> {
    match (&connect.username, &connect.password) {
        (Some(_), Some(_)) => Some("the user name and the password go"),
        (Some(_), None) => Some("the user name goes"),
        (None, Some(_)) => Some("the password goes"),
        (None, None) => None,
    }
}

/// clap has made sure that only one of the options was typed.
fn password(
    connection: &ConnectionArgs,
    url: Option<&Url>,
    quiet: bool,
) -> Result<Option<Secret>, Report> {
    if let Some(password) = url.and_then(Url::own_password) {
        return Ok(Some(password.clone()));
    }
    if let Some(path) = &connection.password_file {
        return from_file(path, "--password-file", "password", quiet).map(Some);
    }
    if connection.ask_password {
        return asked().map(Some);
    }
    Ok(connection.password.clone())
}

/// The first line of the file that `option` names, which is `what`. Warns of one that others can
/// read.
pub(super) fn from_file(
    path: &Path,
    option: &str,
    what: &str,
    quiet: bool,
) -> Result<Secret, Report> {
    let shown = path.display();
    let unusable = |exit| Report::new(exit, format!("cannot use the {option} {shown}"));
    let hint = format!("its first line is the {what}, and nothing else");
    let (line, file) = Secret::first_line(path, MAX_STRING)
        .map_err(|why| unusable(Exit::OS_ERROR).cause(why).hint(&*hint))?;
    let secret = line
        .filter(|line| !line.reveal().is_empty())
        .ok_or_else(|| {
            unusable(Exit::USAGE)
                .cause("its first line is empty")
                .hint(&*hint)
        })?;
    if secret.reveal().len() > MAX_STRING {
        return Err(unusable(Exit::USAGE)
            .cause(format!("its first line is longer than {MAX_STRING} bytes"))
            .hint(hint));
    }
    if !quiet {
        warn_of_readers(&file, path);
    }
    Ok(secret)
}

fn asked() -> Result<Secret, Report> {
    let failed = |exit, why: &str| {
        Report::new(exit, "cannot ask for the password")
            .cause(why)
            .hint("without a terminal, give it with --password-file FILE")
    };
    let password = terminal::ask("Password: ").map_err(|why| match why.raw_os_error() {
        // What open(2) says of /dev/tty in a process without a terminal.
        Some(code) if code == Errno::NXIO.raw_os_error() => {
            failed(Exit::OS_ERROR, "there is no terminal to ask on")
        }
        _ => failed(Exit::OS_ERROR, &why.to_string()),
    })?;
    match password.reveal().len() {
        0 => Err(Report::new(Exit::USAGE, "the password is empty")
            .hint("to give none, leave --ask-password out")),
        length if length > MAX_STRING => Err(Report::new(Exit::USAGE, "the password is too long")
            .cause(format!(
                "it is {length} bytes long, and MQTT allows {MAX_STRING}"
            ))),
        _ => Ok(password),
    }
}
