//! The command line: the one definition of every option, and what they mean together.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser, ValueEnum, ValueHint};
use mqtools_common::exit::Exit;
use mqtools_common::passwd::entry::{UserName, check_password};
use mqtools_common::passwd::hash::{DEFAULT_ITERATIONS, MAX_ITERATIONS, Scheme};
use mqtools_common::report::{Report, warn};
use mqtools_common::scrub;
use mqtools_common::secret::Secret;
use mqtools_common::tool::Tool;
use mqtools_common::usage::{self, Parsed, misuse};

/// What to do, with nothing left to check but the file and a typed password.
#[derive(Debug)]
pub enum Action {
    /// Add a user to an existing file, or change a password.
    Set(PathBuf, NewUser),
    /// Make a file with one user.
    Create {
        /// Where.
        path: PathBuf,
        /// Whether a file that is there already is overwritten.
        overwrite: bool,
        /// Who is in it.
        user: NewUser,
    },
    /// Print the line of a user.
    Print(NewUser),
    /// Remove a user. The name is not checked: whatever got into a file must come out.
    Delete(PathBuf, OsString),
    /// Hash the plain passwords of a file.
    HashPlain(PathBuf, Scheme),
}

/// A user whose password is to be hashed.
#[derive(Debug)]
pub struct NewUser {
    /// The name.
    pub name: UserName,
    /// From the command line; without it, somebody has to be asked.
    pub password: Option<Secret>,
    /// How the password is hashed.
    pub scheme: Scheme,
}

/// Reads a command line, the name of the tool first; gives that name with the action.
///
/// # Errors
/// A [`Report`] for a command line that makes no sense.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<(&'static str, Action)>, Report> {
    let args: Vec<_> = args.into_iter().collect();
    let tool = Tool::MQPASSWD.called_as(args.first());
    let command = command(tool);
    scrub::arguments(&command, &args);
    match usage::parse::<Cli>(command, args)? {
        Parsed::Run(cli) => Ok(Parsed::Run((tool, cli.action(tool)?))),
        Parsed::Show(text) => Ok(Parsed::Show(text)),
    }
}

/// The definition that completions and manual pages are made from. `tool` is the name that
/// the texts use.
#[must_use]
pub fn command(tool: &'static str) -> clap::Command {
    Cli::command()
        .name(tool)
        .override_usage(format!(
            "{tool} [OPTIONS] [-c] PASSWORDFILE USERNAME\n       \
             {tool} [OPTIONS] [-c] -b PASSWORDFILE USERNAME PASSWORD\n       \
             {tool} -D PASSWORDFILE USERNAME\n       \
             {tool} [OPTIONS] -U PASSWORDFILE"
        ))
        .after_help(format!(
            "Examples:\n  \
             {tool} -c passwd alice                 new file; asks for a password\n  \
             {tool} passwd bob                      add bob, or a new password\n  \
             printf 'pw\\npw\\n' | {tool} passwd eve  the same in a script\n  \
             {tool} -D passwd bob                   remove bob\n  \
             {tool} -U users.txt                    hash user:password lines\n\n\
             A running broker reads the file again when it gets the signal HUP.\n\n\
             Exit codes: 0 done, 1 failed, 2 the two passwords differ.\n"
        ))
}

/// Manages the password files of MQTT brokers
#[derive(Parser)]
#[command(version, max_term_width = 100, args_override_self = true)]
struct Cli {
    /// Take the password from the command line; it stays in the shell's history
    #[arg(short = 'b')]
    batch: bool,

    /// Make a new file; an existing one is overwritten
    #[arg(short = 'c', conflicts_with_all = ["delete", "hash_plain"])]
    create: bool,

    /// With -c: leave an existing file as it is, and fail
    #[arg(long, requires = "create")]
    no_clobber: bool,

    /// Remove the user
    #[arg(short = 'D', conflicts_with_all = ["batch", "hash_plain"])]
    delete: bool,

    /// Hash the plain passwords of a file of user:password lines; lines that are hashed
    /// already stay as they are
    #[arg(short = 'U')]
    hash_plain: bool,

    /// How passwords are hashed: mosquitto reads sha512-pbkdf2 from 2.0 on, argon2id from 2.1
    /// on, and the weak sha512 always
    #[arg(short = 'H', value_name = "SCHEME", default_value = "sha512-pbkdf2")]
    scheme: SchemeName,

    /// Iterations of sha512-pbkdf2: each makes every login a little slower, and guessing too
    /// [default: 1000]
    #[arg(short = 'I', value_name = "N", allow_hyphen_values = true,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ITERATIONS)))]
    iterations: Option<u32>,

    /// The password file. With -c, - prints the line instead of writing a file
    #[arg(value_name = "PASSWORDFILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

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

impl Cli {
    fn action(self, tool: &str) -> Result<Action, Report> {
        let scheme = self.scheme();
        let mut words = self.user.into_iter();
        let (name, password, more) = (words.next(), words.next(), words.next());
        let too_many = || {
            let error = "there are too many words on the command line".to_owned();
            unfit(tool, error).hint(format!("options go before the user; see {tool} --help"))
        };
        if self.hash_plain {
            return match name {
                None => Ok(Action::HashPlain(self.file, scheme)),
                Some(_) => Err(too_many()),
            };
        }
        let name = name.ok_or_else(|| unfit(tool, "the user name is missing".to_owned()))?;
        let password = match (self.batch, password, more) {
            (true, Some(password), None) => Some(password_argument(password)?),
            (true, None, _) => return Err(unfit(tool, "-b needs the password, too".to_owned())),
            (false, None, _) => None,
            _ => return Err(too_many()),
        };
        if self.delete {
            return Ok(Action::Delete(self.file, name));
        }
        let user = NewUser {
            name: user_name(name)?,
            password,
            scheme,
        };
        Ok(if !self.create {
            Action::Set(self.file, user)
        } else if self.file == Path::new("-") {
            Action::Print(user)
        } else {
            Action::Create {
                path: self.file,
                overwrite: !self.no_clobber,
                user,
            }
        })
    }

    fn scheme(&self) -> Scheme {
        let scheme = match self.scheme {
            SchemeName::Sha512Pbkdf2 => {
                return Scheme::Sha512Pbkdf2 {
                    iterations: self.iterations.unwrap_or(DEFAULT_ITERATIONS),
                };
            }
            SchemeName::Sha512 => Scheme::Sha512,
            SchemeName::Argon2id => Scheme::Argon2id,
        };
        // The original ignores it, and scripts may give it in any case.
        if self.iterations.is_some() {
            warn("-I has no effect without -H sha512-pbkdf2");
        }
        scheme
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed<(&'static str, Action)>, Report> {
        parse(line.split(' ').map(OsString::from))
    }

    fn action(line: &str) -> Action {
        match parsed(line) {
            Ok(Parsed::Run((_, action))) => action,
            other => panic!("{other:?}"),
        }
    }

    fn error(line: &str) -> String {
        let report = parsed(line).unwrap_err();
        assert_eq!(report.exit(), Exit::PASSWD_FAILED);
        report.to_string().lines().next().unwrap().to_owned()
    }

    #[test]
    fn the_definition_is_sound() {
        command("mqpasswd").debug_assert();
    }

    #[test]
    fn help_fits_100_columns_and_speaks_of_the_tool_by_its_name() {
        for (tool, other) in [
            ("mqpasswd", "mosquitto_passwd"),
            ("mosquitto_passwd", "mqpasswd"),
        ] {
            for flag in ["-h", "--help"] {
                let Ok(Parsed::Show(help)) = parsed(&format!("/usr/bin/{tool} {flag}")) else {
                    panic!("no help");
                };
                assert!(help.contains(tool) && !help.contains(other), "{help}");
                assert!(
                    help.lines().all(|line| line.chars().count() <= 100),
                    "{help}"
                );
            }
        }
    }

    #[test]
    fn a_user_is_set_created_or_printed() {
        assert!(matches!(action("mqpasswd f u"), Action::Set(_, user) if user.password.is_none()));
        assert!(matches!(action("mqpasswd -c f u"), Action::Create { .. }));
        assert!(matches!(action("mqpasswd -c - u"), Action::Print(_)));
        assert!(matches!(action("mqpasswd - u"), Action::Set(..)));
        assert!(matches!(action("mqpasswd -D f u"), Action::Delete(..)));
        assert!(matches!(action("mqpasswd -U f"), Action::HashPlain(..)));
        assert!(matches!(action("mqpasswd -b -U f"), Action::HashPlain(..)));
    }

    #[test]
    fn a_password_may_look_like_an_option() {
        for password in ["-c", "-D", "-secret", "--", "--help", "-H", "a:b"] {
            let Action::Set(_, user) = action(&format!("mqpasswd -b f u {password}")) else {
                panic!("{password}");
            };
            assert_eq!(user.password.unwrap().reveal(), password.as_bytes());
        }
    }

    #[test]
    fn flags_may_be_clustered_and_repeated_and_the_last_value_wins() {
        assert!(matches!(
            action("mqpasswd -bc f u p"),
            Action::Create { .. }
        ));
        assert!(matches!(
            action("mqpasswd -c -c -b f u p"),
            Action::Create { .. }
        ));
        let Action::HashPlain(_, scheme) =
            action("mqpasswd -H argon2id -I5 -Hsha512-pbkdf2 -I 7 -U f")
        else {
            panic!("not -U");
        };
        assert_eq!(scheme, Scheme::Sha512Pbkdf2 { iterations: 7 });
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for pair in ["-c -D", "-c -U", "-D -U", "-b -D"] {
            let (first, second) = pair.split_once(' ').unwrap();
            for line in [
                format!("mqpasswd {first} {second} f u p"),
                format!("mqpasswd {second} {first} f u p"),
            ] {
                assert!(error(&line).contains("cannot be used with"), "{line}");
            }
        }
    }

    #[test]
    fn the_number_of_words_is_checked_and_no_word_is_repeated() {
        for line in [
            "mqpasswd f u secret",
            "mqpasswd -b f u my secret",
            "mqpasswd -U f secret",
        ] {
            assert_eq!(
                error(line),
                "error: there are too many words on the command line"
            );
            assert!(!parsed(line).unwrap_err().to_string().contains("secret"));
        }
        assert_eq!(
            error("mqpasswd -b f u"),
            "error: -b needs the password, too"
        );
        assert_eq!(error("mqpasswd f"), "error: the user name is missing");
        assert_eq!(
            error("mqpasswd"),
            "error: the following required arguments were not provided: <PASSWORDFILE>"
        );
    }

    #[test]
    fn iterations_have_a_range_and_a_scheme() {
        for number in ["0", "-1", "2147483648", "x", ""] {
            let error = parsed(&format!("mqpasswd -I {number} f u")).unwrap_err();
            assert!(error.to_string().contains("'-I <N>'"), "{error}");
        }
        let Action::Set(_, user) = action("mqpasswd -H sha512 -I 5 f u") else {
            panic!("not a user");
        };
        assert_eq!(user.scheme, Scheme::Sha512);
        assert!(error("mqpasswd -H md5 f u").contains("argon2id"));
    }

    #[test]
    fn debug_output_hides_the_password() {
        let shown = format!("{:?}", action("mqpasswd -b f u hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
