//! `bench-limit`: the minimal loops as a program, `once`, `pub` or `sub`. It reads its own command
//! line, because clap would be a third of what it does.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use bench::limit::{Task, once, publish, subscribe};
use bench::packet::Version;

const USAGE: &str = "\
bench-limit once [OPTIONS] MESSAGE   publish one message
bench-limit pub  [OPTIONS]           publish the lines of stdin
bench-limit sub  [OPTIONS]           print the payloads of --count messages
Options: --port N, --qos 0|1|2, --version mqttv311|mqttv5, --topic T, --window N, --count N
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let action = words.next().unwrap_or_default();
    let Some((task, rest)) = parse(words) else {
        return fail(USAGE);
    };
    let result = match action.as_str() {
        "once" => once(&task, rest.as_bytes()),
        "pub" => publish(&task, io::stdin().lock()).map(|_| ()),
        "sub" => stdout().and_then(|stdout| subscribe(&task, stdout)),
        _ => return fail(USAGE),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("error: {error}\n")),
    }
}

/// Without the buffer that looks for line ends.
fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<(Task, String)> {
    let mut task = Task::default();
    let mut rest = String::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--port" => task.port = words.next()?.parse().ok()?,
            "--qos" => task.qos = words.next()?.parse().ok().filter(|&qos| qos <= 2)?,
            "--version" => task.version = Version::parse(&words.next()?)?,
            "--topic" => task.topic = words.next()?,
            "--window" => task.window = words.next()?.parse().ok().filter(|&window| window > 0)?,
            "--count" => task.count = words.next()?.parse().ok()?,
            _ => rest = word,
        }
    }
    Some((task, rest))
}

fn fail(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
