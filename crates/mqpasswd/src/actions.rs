//! Each action on a password file, from what the command line says to what is on the disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use mqtools_common::exit::Exit;
use mqtools_common::passwd::broker::BrokerVersion;
use mqtools_common::passwd::entry::Credential;
use mqtools_common::passwd::file::{self, Outcome};
use mqtools_common::passwd::hash::{self, HashError};
use mqtools_common::passwd::patch::Patch;
use mqtools_common::report::Report;
use mqtools_common::secret::Secret;

use crate::changes::{Changes, Counts};
use crate::cli::{Action, NewUser, Password};
use crate::edits::{self, EditError, Found};
use crate::import::{self, Record};
use crate::{Done, Hashing, NewFile, passwords, print, print_json, survey, tell};

/// What to look at when a user is not found.
const OTHER_CASE: &str = "check the name; upper and lower case differ";

/// What came of an action.
pub(crate) enum Performed {
    /// A file was to be changed.
    Change(Done),
    /// A question was answered, or something printed.
    Answer(Exit),
}

/// # Errors
/// A [`Report`]; the file is as it was.
pub(crate) fn perform(
    tool: &str,
    action: Action,
    if_changed: bool,
    json: bool,
) -> Result<Performed, Report> {
    let answered = |()| Performed::Answer(Exit::SUCCESS);
    Ok(match action {
        Action::Set(path, user) => Performed::Change(set(tool, path, user, if_changed)?),
        Action::Create(path, new_file, user) => {
            Performed::Change(create(path, &new_file, user, if_changed)?)
        }
        Action::Print(user) => {
            let password = passwords::new(&user.password)?;
            let hash = hash_alone(&password, user.hashing)?;
            print(&edits::new_file(&[(&user.name, &hash)])).map(answered)?
        }
        Action::PrintHash(password, hashing) => {
            let hash = hash_alone(&passwords::new(&password)?, hashing)?;
            print(format!("{hash}\n").as_bytes()).map(answered)?
        }
        Action::Delete(path, user) => Performed::Change(delete(path, &user, if_changed)?),
        Action::HashPlain(path, hashing) => Performed::Change(hash_plain(path, hashing)?),
        Action::Import {
            source,
            path,
            new_file,
            hashing,
        } => Performed::Change(import(tool, &source, path, new_file, hashing, if_changed)?),
        Action::Verify(path, user, password) => {
            Performed::Answer(verify(&path, &user, &password, json)?)
        }
        Action::List(path) => {
            let users = survey::list(&file::read(&path)?);
            if json {
                print_json(&users)
            } else {
                print(survey::table(&users).as_bytes())
            }
            .map(answered)?
        }
        Action::Check(path, target) => Performed::Answer(check(&path, target, json)?),
    })
}

fn set(tool: &str, path: PathBuf, user: NewUser, if_changed: bool) -> Result<Done, Report> {
    let names = [user.name.as_str().as_bytes()];
    // Whoever types a password should not learn afterwards that the file is missing or broken.
    if matches!(user.password, Password::Asked) {
        let text = read_existing(tool, &path, Some(user.name.as_str()))?;
        edits::find(&text, &names).map_err(|error| refused(&path, &error))?;
    }
    let password = passwords::new(&user.password)?;
    let mut counts = None;
    let outcome = file::edit(&path, |text| {
        let found = edits::find(text, &names).map_err(|error| refused(&path, &error))?;
        let record = record(&user, password.clone());
        let changes = plan(record, &found, user.hashing, if_changed)?;
        counts = Some(changes.counts);
        Ok(found.set(&changes.new_ones()))
    })
    .map_err(|report| hint_at_new(report, tool, &path, Some(user.name.as_str())))?;
    Ok(Done {
        counts,
        generated: kept_if_generated(&user.password, &password),
        ..done(path, outcome)
    })
}

fn create(
    path: PathBuf,
    new_file: &NewFile,
    user: NewUser,
    if_changed: bool,
) -> Result<Done, Report> {
    let old = before_creating(&path, new_file, if_changed)?;
    let password = passwords::new(&user.password)?;
    let generated = kept_if_generated(&user.password, &password);
    let found = edits::find_readable(&old, &[user.name.as_str().as_bytes()]);
    let changes = plan(record(&user, password), &found, user.hashing, if_changed)?;
    make(path, new_file, &changes, generated)
}

fn import(
    tool: &str,
    source: &Path,
    path: PathBuf,
    new_file: Option<NewFile>,
    hashing: Hashing,
    if_changed: bool,
) -> Result<Done, Report> {
    let text = match &new_file {
        Some(new_file) => before_creating(&path, new_file, if_changed)?,
        None => read_existing(tool, &path, None)?,
    };
    let records = import::read(source, hashing.target)?;
    let found = match &new_file {
        Some(_) => edits::find_readable(&text, &names(&records)),
        None => edits::find(&text, &names(&records)).map_err(|error| refused(&path, &error))?,
    };
    let changes =
        Changes::plan(records, &found.stored(), hashing, if_changed).map_err(|(line, error)| {
            let line = line.unwrap_or_default();
            import::cannot(source).cause(format!("line {line}: {error}"))
        })?;
    let counts = changes.counts;
    let done = match new_file {
        Some(new_file) => make(path, &new_file, &changes, None)?,
        None => apply(path, &changes)?,
    };
    tell(&format!(
        "{}: {} added, {} updated, {} unchanged",
        done.path.display(),
        counts.added,
        counts.updated,
        counts.unchanged
    ));
    Ok(done)
}

fn delete(path: PathBuf, user: &OsStr, if_changed: bool) -> Result<Done, Report> {
    let outcome = file::edit(&path, |text| {
        let found = edits::find(text, &[user.as_bytes()]);
        match found.and_then(|found| found.delete()) {
            Err(EditError::NoSuchUser) if if_changed => Ok(Patch::default()),
            Err(EditError::NoSuchUser) => Err(Report::new(
                Exit::PASSWD_FAILED,
                format!("user '{}' is not in {}", user.display(), path.display()),
            )
            .hint(OTHER_CASE)),
            other => other.map_err(|error| refused(&path, &error)),
        }
    })?;
    Ok(done(path, outcome))
}

fn hash_plain(path: PathBuf, hashing: Hashing) -> Result<Done, Report> {
    let (mut hashed, mut kept) = (0, 0);
    let outcome = file::edit(&path, |text| {
        let new = edits::hash_plain(text, hashing.scheme(None))
            .map_err(|error| refused(&path, &error))?;
        (hashed, kept) = (new.hashed, new.kept);
        Ok(new.patch)
    })?;
    tell(&format!(
        "{}: {hashed} hashed, {kept} hashed already",
        path.display()
    ));
    Ok(Done {
        counts: Some(Counts {
            added: 0,
            updated: hashed,
            unchanged: kept,
        }),
        ..done(path, outcome)
    })
}

fn verify(path: &Path, user: &OsStr, source: &Password, json: bool) -> Result<Exit, Report> {
    let text = file::read(path)?;
    let stored = edits::find_readable(&text, &[user.as_bytes()]).stored();
    let stored = stored.get(user.as_bytes());
    let password = passwords::present(source)?;
    let shown = user.to_string_lossy().escape_debug().to_string();
    let (answer, report) = match stored.map(|stored| hash::verify(&password, stored.value)) {
        Some(Ok(true)) => ("right", None),
        Some(Ok(false)) => {
            let error = format!("the password of '{shown}' is wrong");
            ("wrong", Some(Report::new(Exit::PASSWD_FAILED, error)))
        }
        Some(Err(fault)) => {
            let error = format!("no password can be right for '{shown}'");
            let report = Report::new(Exit::PASSWD_FAILED, error).cause(match fault {
                HashError::Unknown => "the stored password is not hashed".to_owned(),
                fault => fault.to_string(),
            });
            ("unusable", Some(report))
        }
        None => {
            let error = format!("user '{shown}' is not in {}", path.display());
            let report = Report::new(Exit::NO_SUCH_USER, error).hint(OTHER_CASE);
            ("no such user", Some(report))
        }
    };
    if json {
        print_json(&serde_json::json!({ "user": user.to_string_lossy(), "password": answer }))?;
    }
    Ok(report.map_or(Exit::SUCCESS, |report| report.end(json)))
}

fn check(path: &Path, target: Option<BrokerVersion>, json: bool) -> Result<Exit, Report> {
    let interrupted = file::is_interrupted(path)?;
    let text = file::read(path)?;
    let findings = survey::check(path, &text, target, interrupted);
    let good = survey::is_good(&findings);
    if json {
        print_json(&serde_json::json!({ "ok": good, "findings": findings }))?;
    } else {
        print(survey::report(path, &findings).as_bytes())?;
    }
    Ok(if good {
        Exit::SUCCESS
    } else {
        Exit::PASSWD_FAILED
    })
}

/// The text of a file that is to be changed, not made.
fn read_existing(tool: &str, path: &Path, user: Option<&str>) -> Result<Vec<u8>, Report> {
    file::read(path).map_err(|report| hint_at_new(report, tool, path, user))
}

fn hint_at_new(report: Report, tool: &str, path: &Path, user: Option<&str>) -> Report {
    match (path.try_exists(), user) {
        (Ok(false), Some(user)) => report.hint(format!(
            "to make a new file: {tool} -c {} {user}",
            path.display()
        )),
        (Ok(false), None) => report.hint("-c makes a new file"),
        _ => report,
    }
}

/// The text that a new file replaces, as far as it matters.
fn before_creating(path: &Path, new_file: &NewFile, if_changed: bool) -> Result<Vec<u8>, Report> {
    let there = path.symlink_metadata().is_ok();
    // Before anybody types a password.
    if there && !new_file.overwrite {
        return Err(file::exists(path));
    }
    if if_changed && path.try_exists().unwrap_or(false) {
        file::read(path)
    } else {
        Ok(Vec::new())
    }
}

fn record(user: &NewUser, password: Secret) -> Record {
    Record {
        name: user.name.clone(),
        credential: Credential::Plain(password),
        line: None,
    }
}

fn names(records: &[Record]) -> Vec<&[u8]> {
    let names = records.iter().map(|record| record.name.as_str().as_bytes());
    names.collect()
}

fn plan(
    record: Record,
    found: &Found<'_>,
    hashing: Hashing,
    if_changed: bool,
) -> Result<Changes, Report> {
    Changes::plan(vec![record], &found.stored(), hashing, if_changed)
        .map_err(|(_, error)| cannot_hash(error))
}

/// Puts what is new into an existing file.
fn apply(path: PathBuf, changes: &Changes) -> Result<Done, Report> {
    let counts = changes.counts;
    if counts.is_change() {
        let users = changes.new_ones();
        let names = users.iter().map(|(name, _)| name.as_str().as_bytes());
        let names: Vec<_> = names.collect();
        file::edit(&path, |text| {
            let found = edits::find(text, &names).map_err(|error| refused(&path, &error))?;
            Ok(found.set(&users))
        })?;
    }
    Ok(Done {
        path,
        changed: counts.is_change(),
        counts: Some(counts),
        generated: None,
    })
}

/// Makes a file with these users and no others.
fn make(
    path: PathBuf,
    new_file: &NewFile,
    changes: &Changes,
    generated: Option<Secret>,
) -> Result<Done, Report> {
    let text = edits::new_file(&changes.all());
    let granted = new_file.grant()?;
    let outcome = if new_file.overwrite {
        file::create(&path, granted.access, &text)?
    } else {
        file::create_new(&path, granted.access, &text)?;
        Outcome::Created
    };
    if outcome == Outcome::Created {
        granted.tell(&path);
    } else if new_file.owner.is_some() || new_file.mode.is_some() {
        mqtools_common::report::warn(format_args!(
            "{} was there, and keeps its owner and mode",
            path.display()
        ));
    }
    Ok(Done {
        counts: Some(changes.counts),
        generated,
        ..done(path, outcome)
    })
}

fn done(path: PathBuf, outcome: Outcome) -> Done {
    Done {
        path,
        changed: outcome != Outcome::Unchanged,
        counts: None,
        generated: None,
    }
}

fn kept_if_generated(source: &Password, password: &Secret) -> Option<Secret> {
    matches!(source, Password::Generated(_)).then(|| password.clone())
}

/// A hash for no file.
fn hash_alone(password: &Secret, hashing: Hashing) -> Result<String, Report> {
    hash::hash(hashing.scheme(None), password).map_err(cannot_hash)
}

fn cannot_hash(error: HashError) -> Report {
    Report::new(Exit::PASSWD_FAILED, "cannot hash the password").cause(error)
}

/// Nothing was changed, because of a line of the file.
fn refused(path: &Path, error: &EditError) -> Report {
    Report::new(
        Exit::PASSWD_FAILED,
        format!("cannot change {}", path.display()),
    )
    .cause(error)
}
