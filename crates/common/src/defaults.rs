//! Options that come from elsewhere than the command line: from an options file and from the
//! environment.
//!
//! They become words in front of the typed ones, the file's first: of an option that is given
//! twice the last one counts, so the command line beats the environment, and that the file.
//! What excludes an option of a stronger place is left out instead of being a contradiction.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Args, Command};
use rustix::fs::lstat;

use crate::exit::Exit;
use crate::options_file::{self, Entry, is_secret};
use crate::report::{Report, warn};
use crate::tool::Tool;
use crate::usage::{PROPERTY, WORD_SEPARATOR, misuse};

/// clap's name of `-o`.
pub(crate) const OPTIONS_FILE: &str = "options_file";

/// The environment variables, and the options that they stand for.
pub const VARIABLES: [(&str, &str); 7] = [
    ("MQ_HOST", "host"),
    ("MQ_PORT", "port"),
    ("MQ_USERNAME", "username"),
    ("MQ_PASSWORD", "password"),
    ("MQ_CAFILE", "cafile"),
    ("MQ_CERT", "cert"),
    ("MQ_KEY", "key"),
];

/// Which of the variables say something that nothing stronger says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<&'static str>);

impl Variables {
    /// Whether the value of an option is that of its variable.
    #[must_use]
    pub fn has(&self, variable: &str) -> bool {
        self.0.contains(&variable)
    }
}

/// The most that an options file may hold, in bytes: what is larger is not one.
const MAX_SIZE: u64 = 1024 * 1024;

/// Of two options that do not contradict each other, the first says that the second of a
/// weaker place is not meant.
const DISPLACES: [(&str, &str); 6] = [
    ("host", "unix"),
    ("port", "unix"),
    ("cafile", "no_tls"),
    ("capath", "no_tls"),
    ("tls_use_os_certs", "no_tls"),
    ("psk", "no_tls"),
];

/// The option that names an options file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "General")]
pub struct DefaultsArgs {
    /// Read options from this file, one a line: -h localhost; /dev/null for none [default:
    /// the file of the tool's name in ~/.config]
    #[arg(
        short = 'o',
        long = "options-file",
        value_name = "FILE",
        allow_hyphen_values = true
    )]
    // By the time there is a value it has been used.
    options_file: Option<PathBuf>,
}

/// A command line with all that counts, and the words of each property as one.
pub(crate) struct Complete {
    /// The tool's name, then the options, the typed ones last.
    pub(crate) arguments: Vec<OsString>,
    /// Where options come from beside the command line, for messages.
    pub(crate) sources: Vec<String>,
    /// Whose options count.
    pub(crate) variables: Variables,
}

/// Whether no option comes from elsewhere than the command line, which names no file, of the tool that
/// is called by this name.
pub(crate) fn are_none(tool: Tool, name: &str) -> bool {
    // A file that stays shut is told of later.
    variables().is_empty() && matches!(default_file(tool.options_files(name)), Ok(None))
}

/// Puts the options of the default file, or that of `-o`, and of the environment in front of
/// the typed ones. `arguments` begin with the tool's name, and the words of each property are one.
///
/// # Errors
/// A file that is not there or cannot be read, a line or a variable that cannot be used.
pub(crate) fn complete(
    tool: Tool,
    command: &mut Command,
    arguments: Vec<OsString>,
) -> Result<Complete, Report> {
    let mut complete = Complete {
        arguments,
        sources: Vec::new(),
        variables: Variables::default(),
    };
    let names = tool.options_files(command.get_name());
    let may_be_named = complete.arguments.iter().skip(1).any(may_name_file);
    let mut file = if may_be_named {
        None
    } else {
        default_file(names)?
    };
    let variables = variables();
    if !may_be_named && file.is_none() && variables.is_empty() {
        return Ok(complete);
    }
    command.build();
    let Some(mut typed) = Typed::new(command, &complete.arguments) else {
        return Ok(complete);
    };
    if let Some(path) = typed.file.take() {
        file = Some((open(&path)?, path));
    } else if may_be_named {
        file = default_file(names)?;
    }
    let mut settings = Vec::new();
    let mut stronger = typed.ids.clone();
    if !variables.is_empty() {
        complete.sources.push("the environment".to_owned());
        settings = environment(variables, command)?;
        settings.retain(|one| !is_displaced(&one.id, &typed.ids, command));
        stronger.extend(settings.iter().map(|one| one.id.clone()));
        let is_used = |id: &str| {
            let is_typed = typed.ids.iter().any(|typed| typed == id);
            !is_typed && settings.iter().any(|one| one.id == id)
        };
        let used = VARIABLES.iter().filter(|(_, id)| is_used(id));
        complete.variables = Variables(used.map(|&(name, _)| name).collect());
    }
    if let Some((file, path)) = file {
        complete.sources.push(path.display().to_string());
        let mut entries = entries(file, &path, command, &typed.ids)?;
        entries.retain(|one| {
            !is_displaced(&one.id, &stronger, command) && !typed.says_property_of(one)
        });
        check_entries(&entries, &path, command)?;
        let weaker = entries.into_iter().map(|entry| Setting {
            id: entry.id,
            words: entry.words,
        });
        settings.splice(..0, weaker);
    }
    let words = settings.into_iter().flat_map(|one| one.words);
    complete.arguments.splice(1..1, words);
    Ok(complete)
}

/// What is on the command line.
struct Typed {
    ids: Vec<String>,
    /// Of `-o`.
    file: Option<PathBuf>,
    /// Of each `-D`, its words joined.
    properties: Vec<OsString>,
}

impl Typed {
    /// None when the command line asks for help or the version.
    fn new(command: &Command, arguments: &[OsString]) -> Option<Self> {
        // What is missing may stand in the file, and a mistake shows again at the end.
        let matches = command
            .clone()
            .ignore_errors(true)
            .try_get_matches_from(arguments)
            .ok()?;
        let is_typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let ids = matches.ids().map(|id| id.as_str().to_owned());
        let properties = matches.try_get_many::<OsString>(PROPERTY).ok().flatten();
        Some(Self {
            ids: ids.filter(|id| is_typed(id)).collect(),
            file: matches.get_one::<PathBuf>(OPTIONS_FILE).cloned(),
            properties: properties.into_iter().flatten().cloned().collect(),
        })
    }

    /// Whether an entry is a property that was typed with another value. User Properties add up.
    fn says_property_of(&self, entry: &Entry) -> bool {
        /// The packet and the property.
        fn name(words: &OsString) -> Vec<&[u8]> {
            let words = words.as_bytes().split(|&byte| byte == WORD_SEPARATOR);
            words.take(2).collect()
        }
        let Some(words) = entry.words.get(1).filter(|_| entry.id == PROPERTY) else {
            return false;
        };
        let own = name(words);
        own.get(1) != Some(&&b"user-property"[..])
            && self.properties.iter().any(|typed| name(typed) == own)
    }
}

/// An option that was not typed.
struct Setting {
    /// clap's name of it.
    id: String,
    words: Vec<OsString>,
}

/// Whether a word of the command line could be `-o`, also at the end of a cluster.
fn may_name_file(word: &OsString) -> bool {
    match word.as_bytes() {
        [b'-', b'-', long @ ..] => long.starts_with(b"options-file"),
        [b'-', short @ ..] => short.contains(&b'o'),
        _ => false,
    }
}

/// The variables that are set, with the options that they stand for.
fn variables() -> Vec<(&'static str, &'static str, OsString)> {
    VARIABLES
        .iter()
        .filter_map(|&(name, id)| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            Some((name, id, value))
        })
        .collect()
}

fn environment(
    variables: Vec<(&str, &'static str, OsString)>,
    command: &mut Command,
) -> Result<Vec<Setting>, Report> {
    let mut settings = Vec::new();
    for (variable, id, value) in variables {
        let words = vec![format!("--{}", long_name(id)).into(), value];
        options_file::check(id, &words, command).map_err(|why| {
            misuse(format!(
                "the environment variable {variable} cannot be used"
            ))
            .cause(why)
            .hint(format!("unset {variable}, or give it a value that fits"))
        })?;
        settings.push(Setting {
            id: id.to_owned(),
            words,
        });
    }
    Ok(settings)
}

/// What follows the two dashes.
fn long_name(id: &str) -> &str {
    match id {
        "password" => "pw",
        id => id,
    }
}

/// The first of these files of the user's configuration that is there, and its path.
fn default_file(names: &[&str]) -> Result<Option<(File, PathBuf)>, Report> {
    let folder = |variable: &str| std::env::var_os(variable).filter(|path| !path.is_empty());
    let folder = match (folder("XDG_CONFIG_HOME"), folder("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => Path::new(&home).join(".config"),
        (None, None) => return Ok(None),
    };
    for name in names {
        let path = folder.join(name);
        // Whoever may not look into the folder, as in that of root after a change of the
        // user, has no file there. A file that is there and stays shut is a mistake.
        if lstat(&path).is_err() {
            continue;
        }
        let file = File::open(&path).map_err(|why| unreadable(&path, &why))?;
        // A folder of this name may be somebody else's.
        if !file.metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(Some((file, path)));
        }
    }
    Ok(None)
}

fn open(path: &Path) -> Result<File, Report> {
    File::open(path).map_err(|why| unreadable(path, &why))
}

fn unreadable(path: &Path, why: &io::Error) -> Report {
    Report::new(
        Exit::OS_ERROR,
        format!("cannot read the options file {}", path.display()),
    )
    .cause(why)
    .hint("-o FILE names another one, -o /dev/null none")
}

/// Reads a file, and warns if its passwords can be read by anyone.
fn entries(
    file: File,
    path: &Path,
    command: &mut Command,
    typed: &[String],
) -> Result<Vec<Entry>, Report> {
    let mut text = Vec::new();
    let mode = file
        .metadata()
        .map_or(0, |found| found.permissions().mode());
    file.take(MAX_SIZE + 1)
        .read_to_end(&mut text)
        .map_err(|why| unreadable(path, &why))?;
    if text.len() as u64 > MAX_SIZE {
        return Err(misuse(format!("{} is no options file", path.display()))
            .cause(format!("it is larger than {MAX_SIZE} bytes")));
    }
    let entries = options_file::parse(&text, command).map_err(|fault| {
        misuse(format!(
            "line {} of the options file {} cannot be used",
            fault.line,
            path.display()
        ))
        .cause(fault.what)
        .hint(format!(
            "a line is one option and its value, as in: -h localhost; {} --help lists the options",
            command.get_name()
        ))
    })?;
    let quiet = typed.iter().any(|id| id == "quiet") || entries.iter().any(|one| one.id == "quiet");
    if mode & 0o004 != 0 && !quiet && entries.iter().any(holds_password) {
        let path = path.display();
        warn(format_args!(
            "everybody on this machine can read the password in {path}; mend it with: chmod 600 {path}"
        ));
    }
    Ok(entries)
}

/// Of a URL it is the part before the `@`.
fn holds_password(entry: &Entry) -> bool {
    let has_user = || {
        let value = entry.words.last();
        value.is_some_and(|value| value.as_bytes().contains(&b'@'))
    };
    match entry.id.as_str() {
        "url" | "proxy" => has_user(),
        id => is_secret(id),
    }
}

/// Whether an option is not meant, because something stronger says otherwise.
fn is_displaced(id: &str, stronger: &[String], command: &Command) -> bool {
    stronger
        .iter()
        .any(|other| excludes(other, id, command) || DISPLACES.contains(&(other, id)))
}

fn check_entries(entries: &[Entry], path: &Path, command: &Command) -> Result<(), Report> {
    for (index, second) in entries.iter().enumerate() {
        let before = entries.iter().take(index);
        let Some(first) = before
            .rev()
            .find(|one| excludes(&one.id, &second.id, command))
        else {
            continue;
        };
        let option = |entry: &Entry| {
            let word = entry.words.first();
            word.map_or_else(String::new, |word| word.display().to_string())
        };
        return Err(misuse(format!(
            "lines {} and {} of the options file {} contradict each other",
            first.line,
            second.line,
            path.display()
        ))
        .cause(format!(
            "{} cannot be used with {}",
            option(second),
            option(first)
        )));
    }
    Ok(())
}

/// Whether the definition of the options allows only one of both.
fn excludes(one: &str, other: &str, command: &Command) -> bool {
    let declared = |one: &str, other: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_id() == one);
        arg.is_some_and(|arg| {
            let conflicts = command.get_arg_conflicts_with(arg);
            conflicts.iter().any(|arg| arg.get_id() == other)
        })
    };
    let in_one_group = || {
        command.get_groups().any(|group| {
            let has = |id: &str| group.get_args().any(|member| member == id);
            !group.clone().is_multiple() && has(one) && has(other)
        })
    };
    one != other && (declared(one, other) || declared(other, one) || in_one_group())
}
