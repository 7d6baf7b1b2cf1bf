//! Which group of `--help` an option belongs to: the tests of mqpub and mqsub share it.

use clap::{Args, Command};
use mqtools_common::args::{ConnectionArgs, TalkArgs, TlsArgs, WillArgs};
use mqtools_common::color::ColorArgs;
use mqtools_common::defaults::DefaultsArgs;

/// Each option stands where the struct says that defines it; those of the tool alone are in one of
/// its `own` groups.
#[track_caller]
pub(crate) fn check(command: &Command, own: &[&str]) {
    // The first that has an option says where it belongs: the options of TLS are among those of
    // the connection.
    let mut groups = vec![
        ("TLS", ids::<TlsArgs>()),
        ("Connection", ids::<ConnectionArgs>()),
        ("Connection", vec!["url".to_owned()]),
        ("Will", ids::<WillArgs>()),
        ("General", ids::<DefaultsArgs>()),
        ("General", ids::<ColorArgs>()),
        ("General", ids::<TalkArgs>()),
    ];
    groups.retain(|(_, ids)| !ids.is_empty());
    assert_eq!(groups.len(), 7);
    for arg in command.get_arguments() {
        let id = arg.get_id().to_string();
        let heading = arg.get_help_heading().unwrap_or_default();
        match groups.iter().find(|(_, ids)| ids.contains(&id)) {
            Some((group, _)) => assert_eq!(heading, *group, "{id}"),
            None => assert!(own.contains(&heading), "{id} under {heading}"),
        }
    }
}

fn ids<T: Args>() -> Vec<String> {
    let command = T::augment_args(Command::new("tool"));
    let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
    ids.collect()
}
