//! From the typed options to what is subscribed and printed, checked.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use mqtools_common::connect::ConnectConfig;
use mqtools_common::message::Qos;
use mqtools_common::protocol::Subscription;
use mqtools_common::reason::Version;
use mqtools_common::report::{self, Report};
use mqtools_common::topic::TopicFilter;
use mqtools_common::url::Url;
use mqtools_common::usage::misuse;

use crate::cli::Args;
use crate::enough::Enough;
use crate::exec::{CommandLine, Exec};
use crate::filter::Filter;
use crate::format::{Decoder, Format};
use crate::printer;
use crate::remover::Removal;
use crate::watch::Order;

/// One run of `mqsub`.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) connect: ConnectConfig,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) unsubscribes: Vec<TopicFilter>,
    pub(crate) filter: Filter,
    pub(crate) enough: Enough,
    /// Exit after so long without a message.
    pub(crate) idle_timeout: Option<Duration>,
    /// Exit after so long.
    pub(crate) timeout: Option<Duration>,
    pub(crate) exit_after_subscribe: bool,
    pub(crate) exit_on_error: bool,
    pub(crate) exec: Option<Exec>,
    pub(crate) stats: bool,
    /// `--save-dir`
    pub(crate) save_dir: Option<PathBuf>,
    /// `--remove-retained`
    pub(crate) removal: Option<Removal>,
    pub(crate) quiet: bool,
}

/// What standard output shows.
#[derive(Debug)]
pub(crate) enum Display {
    Messages(Format),
    /// `--message-rate`
    Rate,
    /// `-w`
    Watch {
        /// Without a newline at the end.
        format: Format,
        order: Order,
        /// Age and rate stand in front of it.
        has_columns: bool,
    },
    /// Nothing was asked for but something else to do with the messages.
    Nothing,
}

impl Config {
    pub(crate) fn new(args: Args) -> Result<(Self, Display), Report> {
        let url = args.url.parse()?;
        let mut topics = args.topic.clone();
        topics.extend(url.as_ref().and_then(Url::topic).map(str::to_owned));
        if topics.is_empty() && args.unsubscribe.is_empty() {
            return Err(misuse("the URL given with -L holds no topic")
                .hint("end it with /FILTER, or add -t FILTER"));
        }
        let mut connection = args.connection.clone();
        connection.mqtt5_option = mqtt5_option(&args);
        let mut connect = ConnectConfig::new(&connection, url.as_ref(), &args.will, args.talk)?;
        if let Some(count) = args.count.and_then(|count| u16::try_from(count).ok())
            && connect.connect.version == Version::V5
        {
            // Ask the broker for no more unacknowledged messages than will be printed.
            let asked = connect.connect.receive_maximum.unwrap_or(u16::MAX);
            connect.connect.receive_maximum = Some(asked.min(count));
        }
        if args.qos != Qos::AtMostOnce {
            connect.outlive_connection();
        }
        let publish = &connect.properties;
        let is_given = !publish.publish.is_empty() || publish.topic_alias.is_some();
        if is_given && !args.talk.quiet {
            report::warn("-D publish has no effect: mqsub only subscribes");
        }
        let subscriptions = filters("-t", &topics)?
            .into_iter()
            .map(|filter| Subscription {
                retain_as_published: args.retain_as_published,
                retain_handling: args.retain_handling.map(Into::into).unwrap_or_default(),
                ..Subscription::new(filter, args.qos)
            })
            .collect();
        let display = display(&args)?;
        let exec = (!args.exec.is_empty()).then(|| Exec {
            command: CommandLine {
                words: args.exec,
                shell: args.shell,
                password: connection
                    .variables
                    .has("MQ_PASSWORD")
                    .then(|| connection.password.clone())
                    .flatten(),
            },
            jobs: args.jobs.unwrap_or(1),
            strict: args.exit_on_error,
            quiet: args.talk.quiet,
        });
        let config = Self {
            connect,
            subscriptions,
            unsubscribes: filters("-U", &args.unsubscribe)?,
            filter: Filter {
                exclude: filters("-T", &args.filter_out)?,
                no_retained: args.no_retained,
                retained_only: args.retained_only,
                changed: args.changed_only.then(Box::default),
                repeats: exec.is_some(),
                percent: args.random_filter,
            },
            enough: Enough {
                count: args.count,
                until: args.until,
            },
            idle_timeout: args.idle_timeout,
            timeout: args.timeout,
            exit_after_subscribe: args.exit_after_subscribe,
            exit_on_error: args.exit_on_error,
            exec,
            save_dir: args.save_dir,
            stats: args.stats,
            removal: args.remove_retained.then_some(if args.dry_run {
                Removal::Dry
            } else {
                Removal::Real
            }),
            quiet: args.talk.quiet,
        };
        Ok((config, display))
    }
}

/// An option of the subscription that only MQTT 5 has.
fn mqtt5_option(args: &Args) -> Option<&'static str> {
    if args.retain_as_published {
        return Some("--retain-as-published");
    }
    args.retain_handling.map(|_| "--retain-handling")
}

fn display(args: &Args) -> Result<Display, Report> {
    if args.message_rate {
        return Ok(Display::Rate);
    }
    let is_asked = args.verbose || args.watch || args.json || args.payload_as.is_some();
    let is_handled = args.save_dir.is_some() || !args.exec.is_empty();
    if is_handled && !is_asked && args.format.is_none() {
        return Ok(Display::Nothing);
    }
    let newline = !args.no_newline && !args.watch;
    let json = args.json.then(|| OsStr::new("%j"));
    let format = match args.format.as_deref().or(json) {
        Some(text) => printer::template(text, newline, args.pretty, args.talk.quiet)?,
        None => Format::plain(args.verbose || args.watch, newline),
    };
    let format = format.decoded(args.payload_as.map(|payload_as| Decoder {
        payload_as: payload_as.into(),
        pretty: args.pretty,
        strict: args.exit_on_error,
    }));
    Ok(if args.watch {
        Display::Watch {
            format,
            order: args.watch_sort.map(Into::into).unwrap_or_default(),
            has_columns: args.format.is_none() && !args.json,
        }
    } else {
        Display::Messages(format.for_terminal(!args.raw && io::stdout().is_terminal()))
    })
}

fn filters(option: &str, texts: &[String]) -> Result<Vec<TopicFilter>, Report> {
    texts
        .iter()
        .map(|text| {
            TopicFilter::new(text).map_err(|why| {
                misuse(format!("{option} {text:?} is not a valid Topic Filter"))
                    .cause(why)
                    .hint(why.hint())
            })
        })
        .collect()
}
