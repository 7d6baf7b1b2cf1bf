//! The password, from wherever the command line says it is.

use std::path::Path;

use mqtools_common::exit::Exit;
use mqtools_common::passwd::entry::{MAX_LENGTH, check_password};
use mqtools_common::report::Report;
use mqtools_common::secret::{Secret, warn_of_readers};

use crate::cli::Password;
use crate::prompt;

/// A password to be hashed: typed twice, when it is typed.
///
/// # Errors
/// A [`Report`] when there is none, or it cannot be used.
pub(crate) fn new(source: &Password) -> Result<Secret, Report> {
    match source {
        Password::Asked => prompt::new_password(),
        source => present(source),
    }
}

/// A password to be checked against a hash.
///
/// # Errors
/// As [`new`].
pub(crate) fn present(source: &Password) -> Result<Secret, Report> {
    let password = match source {
        Password::Given(password) => password.clone(),
        Password::Asked => prompt::present_password()?,
        Password::Stdin => prompt::line_of_stdin_once()?,
        Password::File(path) => first_line(path)?,
        Password::Generated(length) => generate(*length)?,
    };
    check_password(&password).map_err(|error| {
        Report::new(Exit::PASSWD_FAILED, "the password cannot be used").cause(error)
    })?;
    Ok(password)
}

fn first_line(path: &Path) -> Result<Secret, Report> {
    let shown = path.display();
    let failed = |error| {
        Report::new(
            Exit::PASSWD_FAILED,
            format!("cannot read the password from {shown}"),
        )
        .cause(error)
    };
    let (line, file) = Secret::first_line(path, MAX_LENGTH).map_err(failed)?;
    warn_of_readers(&file, path);
    // None is refused as an empty one.
    Ok(line.unwrap_or_else(|| Secret::new(Vec::new())))
}

/// Letters and digits, each as likely as every other: nothing that a shell, a URL or a
/// configuration file would need quoted. Six bits a character, less a little.
fn generate(length: usize) -> Result<Secret, Report> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut password = Vec::with_capacity(length);
    let mut random = zeroize::Zeroizing::new([0; 64]);
    while password.len() < length {
        getrandom::fill(&mut *random).map_err(|error| {
            Report::new(Exit::PASSWD_FAILED, "cannot make a password").cause(error)
        })?;
        // 62 and 63 would make some characters likelier than others.
        let letters = random
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        password.extend(letters.take(length - password.len()));
    }
    Ok(Secret::new(password))
}
