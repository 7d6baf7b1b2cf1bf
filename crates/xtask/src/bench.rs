//! `cargo xtask bench`: builds what is released, and measures it beside mosquitto's tools.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::shell::{cargo, root, run, show};
use crate::{dist, parts};

/// How to measure; `bench run --help` says more of each.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Fail unless every goal is met
    #[arg(long)]
    check: bool,
    /// A tenth of the messages, and one round, or a few where a run is short: to try things out
    #[arg(long)]
    quick: bool,
    /// Bind counterparts to one processor and what is measured to another
    #[arg(long)]
    pinned: bool,
    /// How often each program is run for each workload [default: 5]
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Only the workloads with this in their names; repeatable
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    only: Vec<String>,
}

/// Builds and measures; gives the benchmark's own exit status. A whole run is kept in
/// `bench/latest.json`, and the README's table is made of it.
pub(crate) fn measure(args: &BenchArgs) -> Result<ExitCode> {
    parts::ensure_for_bench()?;
    let packages = ["bench", "mqpub", "mqsub", "mqpasswd"].map(|name| ["--package", name]);
    run(cargo()
        .args(["build", "--release"])
        .args(packages.as_flattened()))?;
    let mut bench = Command::new(dist::target_folder().join("release/bench"));
    bench.current_dir(root()).args(words(args));
    show(&bench);
    let status = bench.status().context("cannot run the benchmark")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn words(args: &BenchArgs) -> Vec<String> {
    let mut words = vec!["run".to_owned()];
    for (option, given) in [
        ("--check", args.check),
        ("--quick", args.quick),
        ("--pinned", args.pinned),
    ] {
        words.extend(given.then(|| option.to_owned()));
    }
    if let Some(rounds) = args.rounds {
        words.extend(["--rounds".to_owned(), rounds.to_string()]);
    }
    for name in &args.only {
        words.extend(["--only".to_owned(), name.clone()]);
    }
    if args.only.is_empty() && !args.quick {
        let kept = ["--output", "bench/latest.json", "--readme", "README.md"];
        words.extend(kept.map(str::to_owned));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_is_kept() {
        let mut args = BenchArgs {
            check: true,
            quick: false,
            pinned: false,
            rounds: Some(7),
            only: Vec::new(),
        };
        let whole = "run --check --rounds 7 --output bench/latest.json --readme README.md";
        assert_eq!(words(&args).join(" "), whole);
        args.only = vec!["-l, QoS 0".to_owned()];
        assert_eq!(
            words(&args)[1..],
            ["--check", "--rounds", "7", "--only", "-l, QoS 0"]
        );
        args.quick = true;
        args.only.clear();
        assert_eq!(words(&args).join(" "), "run --check --quick --rounds 7");
    }
}
