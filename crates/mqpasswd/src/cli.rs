//! The command line: the one definition of every option, and what they mean together.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, CommandFactory as _, Parser, ValueEnum, ValueHint};
use mqtools_common::color::ColorArgs;
use mqtools_common::exit::Exit;
use mqtools_common::generate::{self, Definition, Manual};
use mqtools_common::passwd::broker::BrokerVersion;
use mqtools_common::passwd::entry::{UserName, check_password};
use mqtools_common::passwd::hash::{Cost, DEFAULT_ITERATIONS, MAX_ITERATIONS, Scheme};
use mqtools_common::report::{Report, warn};
use mqtools_common::scrub;
use mqtools_common::secret::Secret;
use mqtools_common::tool::Tool;
use mqtools_common::usage::{self, Parsed, misuse};

use crate::access::NewFile;
use crate::scheme::Hashing;

/// How long a generated password can be, in characters.
const LENGTHS: RangeInclusive<i64> = 12..=1024;

/// A command line, with nothing left to check but files and typed passwords.
#[derive(Debug)]
pub struct Request {
    /// The name the tool speaks of itself by.
    pub tool: &'static str,
    /// What to do.
    pub action: Action,
    /// Leave alone what is right already, and say on stdout whether anything changed.
    pub if_changed: bool,
    /// What is said on stdout is JSON.
    pub json: bool,
    /// The broker to signal after a change: a process id, or a file with one.
    pub reload: Option<OsString>,
}

/// What to do.
#[derive(Debug)]
pub enum Action {
    /// Add a user to an existing file, or change a password.
    Set(PathBuf, NewUser),
    /// Make a file with one user.
    Create(PathBuf, NewFile, NewUser),
    /// Print the line of a user.
    Print(NewUser),
    /// Print a hash.
    PrintHash(Password, Hashing),
    /// Remove a user. The name is not checked: whatever got into a file must come out.
    Delete(PathBuf, OsString),
    /// Hash the plain passwords of a file.
    HashPlain(PathBuf, Hashing),
    /// Add and update the users of another file.
    Import {
        /// Where they come from; `-` is stdin.
        source: PathBuf,
        /// Where they go.
        path: PathBuf,
        /// For a file that is made anew.
        new_file: Option<NewFile>,
        /// How passwords are hashed.
        hashing: Hashing,
    },
    /// Check a password.
    Verify(PathBuf, OsString, Password),
    /// Show the users.
    List(PathBuf),
    /// Look for what is wrong, and for what this release does not read.
    Check(PathBuf, Option<BrokerVersion>),
}

/// A user whose password is to be hashed.
#[derive(Debug)]
pub struct NewUser {
    /// The name.
    pub name: UserName,
    /// Where the password comes from.
    pub password: Password,
    /// How it is hashed.
    pub hashing: Hashing,
}

/// Where a password comes from.
#[derive(Debug)]
pub enum Password {
    /// The command line.
    Given(Secret),
    /// Somebody types it, or it is on stdin as if typed.
    Asked,
    /// The first line of a file.
    File(PathBuf),
    /// One line of stdin.
    Stdin,
    /// A random one, of so many characters.
    Generated(usize),
}

/// Reads a command line, the name of the tool first.
///
/// # Errors
/// A [`Report`] for a command line that makes no sense.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<Request>, Report> {
    let args: Vec<_> = args.into_iter().collect();
    if let Some(text) = generate::asked(&DEFINITION, &args) {
        return Ok(Parsed::Show(text));
    }
    let tool = Tool::MQPASSWD.called_as(args.first());
    let command = command(tool);
    scrub::arguments(&command, &args);
    match usage::parse::<Cli>(command, args)? {
        Parsed::Run(cli) => Ok(Parsed::Run(cli.request(tool)?)),
        Parsed::Show(text) => Ok(Parsed::Show(text)),
    }
}

/// What the manual page and the completions are made from.
pub const DEFINITION: Definition = Definition {
    tool: Tool::MQPASSWD,
    command,
    manual: Manual {
        before_options: include_str!("manual/description.roff"),
        after_options: &[include_str!("manual/rest.roff")],
    },
};

/// The definition that completions and manual pages are made from. `tool` is the name that
/// the texts use.
#[must_use]
pub fn command(tool: &'static str) -> clap::Command {
    Cli::command()
        .name(tool)
        .override_usage(format!(
            "{tool} [OPTIONS] [-c] PASSWORDFILE USERNAME\n       \
             {tool} [OPTIONS] [-c] -b PASSWORDFILE\n                        \
             USERNAME PASSWORD\n       \
             {tool} -D PASSWORDFILE USERNAME\n       \
             {tool} [OPTIONS] -U PASSWORDFILE\n       \
             {tool} [OPTIONS] [-c] --import SOURCE\n                        \
             PASSWORDFILE\n       \
             {tool} --verify PASSWORDFILE USERNAME\n       \
             {tool} --list|--check [--json] PASSWORDFILE\n       \
             {tool} [OPTIONS] --hash-only [USERNAME]"
        ))
        .after_help(format!(
            "Examples:\n  \
             {tool} -c passwd alice                 new file; asks for a password\n  \
             {tool} passwd bob                      add bob, or a new password\n  \
             printf 'pw\\npw\\n' | {tool} passwd eve  the same in a script\n  \
             {tool} --generate passwd dev7          a random password, shown once\n  \
             {tool} --import users.csv passwd       many users at once\n  \
             {tool} -D passwd bob                   remove bob\n  \
             {tool} -U users.txt                    hash user:password lines\n  \
             {tool} --check passwd                  what is wrong with the file\n\n\
             A running broker reads the file again when it gets the signal HUP (--reload).\n\n\
             Exit codes: 0 done, 1 failed, wrong password or bad file, 2 the two passwords\n\
             differ, 3 no such user (--verify).\n"
        ))
}

/// Manages the password files of MQTT brokers
#[derive(Parser)]
#[command(version, max_term_width = 100, args_override_self = true)]
#[command(group = ArgGroup::new("action").args(["delete", "hash_plain", "import", "verify", "list",
    "check", "hash_only"]))]
#[command(group = ArgGroup::new("source").args(["password_file", "password_stdin", "generate"])
    .conflicts_with_all(["delete", "hash_plain", "import", "list", "check"]))]
struct Cli {
    /// Take the password from the command line; it stays in the shell's history
    #[arg(short = 'b', conflicts_with_all = ["source", "import", "list", "check", "hash_only"])]
    batch: bool,

    /// Make a new file; an existing one is overwritten
    #[arg(short = 'c', conflicts_with_all = ["delete", "hash_plain", "verify", "list", "check",
        "hash_only"])]
    create: bool,

    /// With -c: leave an existing file as it is, and fail
    #[arg(long, requires = "create")]
    no_clobber: bool,

    /// With -c: who owns a new file [default: whoever runs this; made by root, the file can be
    /// read by the group of the user mosquitto, if there is one]
    #[arg(long, value_name = "USER[:GROUP]", requires = "create")]
    owner: Option<String>,

    /// With -c: the permissions of a new file [default: 600, or 640 with a group]
    #[arg(long, value_name = "OCTAL", requires = "create", value_parser = octal_mode)]
    mode: Option<u32>,

    /// Remove the user
    #[arg(short = 'D', conflicts_with = "batch")]
    delete: bool,

    /// Hash the plain passwords of a file of user:password lines; lines that are hashed
    /// already stay as they are
    #[arg(short = 'U')]
    hash_plain: bool,

    /// How passwords are hashed: mosquitto reads sha512-pbkdf2 from 2.0 on, argon2id from 2.1
    /// on, and the weak sha512 always [default: that of an existing user, or sha512-pbkdf2]
    #[arg(short = 'H', value_name = "SCHEME")]
    scheme: Option<SchemeName>,

    /// Iterations of sha512-pbkdf2: each makes every login a little slower, and guessing too
    /// [default: 1000]
    #[arg(short = 'I', value_name = "N", allow_hyphen_values = true,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ITERATIONS)))]
    iterations: Option<u32>,

    /// Cost of argon2id: KiB of memory, passes, lanes [default: m=47104,t=1,p=1]
    #[arg(long, value_name = "m=KIB,t=N,p=N", conflicts_with = "iterations",
          value_parser = |text: &str| Cost::parse(text)
              .map_err(|_| "it has the form m=47104,t=1,p=1, with 8 KiB or more for each lane"))]
    cost: Option<Cost>,

    /// Write what this release of mosquitto reads, and nothing else; with --check, complain
    /// of what it does not read
    #[arg(long = "for", value_name = "VERSION")]
    target: Option<Release>,

    /// Take the password from the first line of a file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,

    /// Take the password from one line of stdin
    #[arg(long)]
    password_stdin: bool,

    /// Make a random password, and print it on stdout [default length: 24]. Alone with man, bash,
    /// zsh, fish, powershell or elvish: print the manual page, or the completions for that shell
    #[arg(long, value_name = "LENGTH", num_args = 0..=1, require_equals = true,
          default_missing_value = "24", conflicts_with_all = ["verify", "hash_only", "if_changed"],
          value_parser = clap::value_parser!(u16).range(LENGTHS))]
    generate: Option<u16>,

    /// Add and update the users of a file of user:password lines, or of CSV with a header
    /// (user,password); - is stdin. One bad line, and nothing changes
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    import: Option<PathBuf>,

    /// Ask whether a password is right: exit code 0 yes, 1 no, 3 no such user
    #[arg(long)]
    verify: bool,

    /// Show the users, how their passwords are hashed, and which releases of mosquitto read that
    #[arg(long)]
    list: bool,

    /// Look for everything that is wrong with the file; exit code 1 when something is
    #[arg(long)]
    check: bool,

    /// Print the hash alone, for a template or a secrets manager
    #[arg(long)]
    hash_only: bool,

    /// Leave the file untouched where the password is right already, and print changed or
    /// unchanged
    #[arg(long, conflicts_with_all = ["verify", "list", "check", "hash_only"])]
    if_changed: bool,

    /// Print what was found or done as JSON, a generated password too
    #[arg(long, conflicts_with = "hash_only")]
    json: bool,

    /// Make the broker read the file after a change: its process id, or the file with it
    #[arg(long, value_name = "PIDFILE|PID", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["verify", "list", "check", "hash_only"])]
    reload: Option<OsString>,

    #[command(flatten)]
    _color: ColorArgs,

    /// The password file. With -c, - prints the line instead of writing a file
    #[arg(value_name = "PASSWORDFILE", value_hint = ValueHint::FilePath,
          required_unless_present = "hash_only")]
    file: Option<PathBuf>,

    /// The user, and with -b the password; without -b it is typed twice, or read from two
    /// lines of stdin. Options go before the user
    // Everything behind the first of them is taken as it is: a password may look like an option.
    #[arg(value_names = ["USERNAME", "PASSWORD"], num_args = 0.., trailing_var_arg = true,
          allow_hyphen_values = true)]
    user: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemeName {
    Sha512Pbkdf2,
    Sha512,
    Argon2id,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Release {
    #[value(name = "1.6")]
    V1_6,
    #[value(name = "2.0")]
    V2_0,
    #[value(name = "2.1")]
    V2_1,
}

impl From<Release> for BrokerVersion {
    fn from(release: Release) -> Self {
        match release {
            Release::V1_6 => Self::V1_6,
            Release::V2_0 => Self::V2_0,
            Release::V2_1 => Self::V2_1,
        }
    }
}

impl Cli {
    fn request(mut self, tool: &'static str) -> Result<Request, Report> {
        let if_changed = self.if_changed;
        let json = self.json;
        let reload = self.reload.take();
        let action = self.action(tool)?;
        if matches!(action, Action::Print(_)) && (if_changed || json || reload.is_some()) {
            let error = "-c - prints a line, and writes no file that could change".to_owned();
            return Err(unfit(tool, error));
        }
        Ok(Request {
            tool,
            action,
            if_changed,
            json,
            reload,
        })
    }

    fn action(mut self, tool: &str) -> Result<Action, Report> {
        let hashing = self.hashing(tool)?;
        let new_file = self.create.then(|| NewFile {
            overwrite: !self.no_clobber,
            owner: self.owner.take(),
            mode: self.mode,
        });
        let file = self.file.take();
        let words = std::mem::take(&mut self.user);
        let mut count = words.len();
        let mut words = words.into_iter();
        if self.hash_only {
            if count > 0 {
                return Err(too_many(tool));
            }
            if let Some(name) = file {
                user_name(name.into_os_string())?;
            }
            return Ok(Action::PrintHash(self.source(), hashing));
        }
        // Without one, clap has complained.
        let mut file = file.unwrap_or_default();
        if self.hash_plain || self.import.is_some() || self.list || self.check {
            if count > 0 {
                return Err(too_many(tool));
            }
            return Ok(match self.import {
                Some(source) => Action::Import {
                    source,
                    path: file,
                    new_file,
                    hashing,
                },
                None if self.hash_plain => Action::HashPlain(file, hashing),
                None if self.list => Action::List(file),
                None => Action::Check(file, self.target.map(Into::into)),
            });
        }
        if count == 2
            && self.generate.is_some()
            && !self.batch
            && let Some(length) = file.to_str().and_then(length)
        {
            // `--generate 20 FILE USER`: three words mean nothing else.
            self.generate = Some(length);
            file = words.next().map(PathBuf::from).unwrap_or_default();
            count = 1;
        }
        let name = words
            .next()
            .ok_or_else(|| unfit(tool, "the user name is missing".to_owned()))?;
        let password = match (self.batch, words.next(), count) {
            (true, Some(password), 2) => Password::Given(password_argument(password)?),
            (true, None, _) => return Err(unfit(tool, "-b needs the password, too".to_owned())),
            (false, None, _) => self.source(),
            _ => return Err(too_many(tool)),
        };
        if self.delete {
            return Ok(Action::Delete(file, name));
        }
        if self.verify {
            return Ok(Action::Verify(file, name, password));
        }
        let user = NewUser {
            name: user_name(name)?,
            password,
            hashing,
        };
        Ok(match new_file {
            None => Action::Set(file, user),
            Some(_) if file == Path::new("-") => {
                if self.generate.is_some() {
                    let error = "--generate prints the password where -c - prints the line";
                    return Err(unfit(tool, error.to_owned()));
                }
                Action::Print(user)
            }
            Some(new_file) => Action::Create(file, new_file, user),
        })
    }

    /// Where the password comes from when it is not on the command line.
    fn source(&mut self) -> Password {
        match (self.password_file.take(), self.generate) {
            (Some(file), _) => Password::File(file),
            (None, Some(length)) => Password::Generated(length.into()),
            (None, None) if self.password_stdin => Password::Stdin,
            (None, None) => Password::Asked,
        }
    }

    fn hashing(&self, tool: &str) -> Result<Hashing, Report> {
        let target = self.target.map(BrokerVersion::from);
        let pbkdf2 = || Scheme::Sha512Pbkdf2 {
            iterations: self.iterations.unwrap_or(DEFAULT_ITERATIONS),
        };
        let chosen = match self.scheme {
            Some(SchemeName::Sha512Pbkdf2) => Some(pbkdf2()),
            Some(SchemeName::Sha512) => Some(Scheme::Sha512),
            Some(SchemeName::Argon2id) => Some(Scheme::Argon2id(self.cost.unwrap_or_default())),
            None => match (self.iterations, self.cost) {
                (Some(_), _) => Some(pbkdf2()),
                (None, Some(cost)) => Some(Scheme::Argon2id(cost)),
                (None, None) => target.map(BrokerVersion::scheme),
            },
        };
        if self.cost.is_some() && !matches!(chosen, Some(Scheme::Argon2id(_))) {
            return Err(unfit(tool, "--cost is that of -H argon2id".to_owned()));
        }
        // The original ignores it, and scripts may give it in any case.
        if self.iterations.is_some() && !matches!(chosen, Some(Scheme::Sha512Pbkdf2 { .. })) {
            warn("-I has no effect without -H sha512-pbkdf2");
        }
        let hashing = Hashing { chosen, target };
        match hashing.unreadable() {
            Some(version) => Err(unfit(
                tool,
                format!(
                    "mosquitto {} does not read passwords that are hashed so",
                    version.name()
                ),
            )),
            None => Ok(hashing),
        }
    }
}

/// A length of a generated password.
fn length(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|length| LENGTHS.contains(&i64::from(*length)))
}

fn octal_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777 && mode & 0o400 != 0)
        .ok_or_else(|| "it has the form 640, and the owner can read".to_owned())
}

fn too_many(tool: &str) -> Report {
    let error = "there are too many words on the command line".to_owned();
    unfit(tool, error).hint(format!("options go before the user; see {tool} --help"))
}

fn user_name(name: OsString) -> Result<UserName, Report> {
    let shown = name.to_string_lossy().escape_debug().to_string();
    let report = || {
        Report::new(
            Exit::PASSWD_FAILED,
            format!("'{shown}' cannot be a user name"),
        )
    };
    let name = name
        .into_string()
        .map_err(|_| report().cause("it is not UTF-8"))?;
    UserName::new(name).map_err(|error| report().cause(error))
}

fn password_argument(password: OsString) -> Result<Secret, Report> {
    let password = Secret::new(password.into_vec());
    check_password(&password).map_err(|error| {
        Report::new(Exit::PASSWD_FAILED, "the password cannot be used").cause(error)
    })?;
    Ok(password)
}

fn unfit(tool: &str, error: String) -> Report {
    misuse(error).hint(format!("{tool} --help lists the options"))
}
