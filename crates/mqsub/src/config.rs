//! From the typed options to what is subscribed and printed, checked.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use mqtools_common::connect::ConnectConfig;
use mqtools_common::protocol::Subscription;
use mqtools_common::reason::Version;
use mqtools_common::report::Report;
use mqtools_common::topic::TopicFilter;
use mqtools_common::url::Url;
use mqtools_common::usage::misuse;

use crate::cli::Args;
use crate::filter::Filter;
use crate::format::{Format, Template};

/// One run of `mqsub`.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) connect: ConnectConfig,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) unsubscribes: Vec<TopicFilter>,
    pub(crate) filter: Filter,
    pub(crate) format: Format,
    /// Exit after so many printed messages.
    pub(crate) count: Option<u64>,
    /// Exit after so long.
    pub(crate) timeout: Option<Duration>,
    pub(crate) exit_after_subscribe: bool,
    pub(crate) quiet: bool,
}

impl Config {
    pub(crate) fn new(args: Args) -> Result<Self, Report> {
        let url = args.url.parse()?;
        let mut topics = args.topic.clone();
        topics.extend(url.as_ref().and_then(Url::topic).map(str::to_owned));
        if topics.is_empty() && args.unsubscribe.is_empty() {
            return Err(misuse("the URL given with -L holds no topic")
                .hint("end it with /FILTER, or add -t FILTER"));
        }
        let mut connect =
            ConnectConfig::new(&args.connection, url.as_ref(), &args.will, args.talk)?;
        if let Some(count) = args.count
            && connect.connect.version == Version::V5
        {
            // Ask the broker for no more unacknowledged messages than will be printed.
            connect.connect.receive_maximum = u16::try_from(count).ok();
        }
        let subscriptions = filters("-t", &topics)?
            .into_iter()
            .map(|filter| Subscription {
                filter,
                qos: args.qos,
            })
            .collect();
        Ok(Self {
            connect,
            subscriptions,
            unsubscribes: filters("-U", &args.unsubscribe)?,
            filter: Filter {
                exclude: filters("-T", &args.filter_out)?,
                no_retained: args.no_retained,
                retained_only: args.retained_only,
            },
            format: match &args.format {
                Some(text) => template(text, &args)?,
                None => Format::Plain {
                    topic: args.verbose,
                    newline: !args.no_newline,
                    terminal: false,
                },
            }
            .for_terminal(!args.raw && io::stdout().is_terminal()),
            count: args.count,
            timeout: args.timeout,
            exit_after_subscribe: args.exit_after_subscribe,
            quiet: args.talk.quiet,
        })
    }
}

fn template(text: &OsStr, args: &Args) -> Result<Format, Report> {
    Template::new(text.as_bytes(), !args.no_newline, args.pretty)
        .map(|template| Format::Template(Box::new(template)))
        .map_err(|why| {
            misuse(format!("-F {text:?} is not a valid format"))
                .cause(&why)
                .hint(why.hint())
        })
}

fn filters(option: &str, texts: &[String]) -> Result<Vec<TopicFilter>, Report> {
    texts
        .iter()
        .map(|text| {
            TopicFilter::new(text).map_err(|why| {
                misuse(format!("{option} {text:?} is not a valid Topic Filter")).cause(why)
            })
        })
        .collect()
}
