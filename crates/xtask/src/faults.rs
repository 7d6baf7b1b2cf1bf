//! `cargo xtask faults` and `cargo xtask soak`: the tests against broken brokers and networks, for
//! longer than every change has to wait for.

use anyhow::Result;

use crate::shell::{cargo, run};
use crate::test;

/// Makes `runs` runs of each kind, ours and mosquitto_pub's, and prints what was lost and doubled.
pub(crate) fn table(runs: u32) -> Result<()> {
    let runs = runs.to_string();
    long_test(
        "kills::",
        &[("MQ_KILL_RUNS", &runs), ("MQ_KILL_BESIDE", "1")],
    )
}

/// Lets publishers and subscribers run while their broker is restarted.
pub(crate) fn soak(minutes: f64) -> Result<()> {
    long_test("soak::", &[("MQ_SOAK_MINUTES", &minutes.to_string())])
}

fn long_test(name: &str, environment: &[(&str, &str)]) -> Result<()> {
    test::setup()?;
    run(cargo().args(["build", "--bins"]))?;
    let mut command = cargo();
    command.args(["test", "--package", "mqpub", "--test", "faults"]);
    command.args(["--", name, "--nocapture"]);
    command.env("MQ_TOOLS_BUILT", "1");
    command.envs(environment.iter().copied());
    run(&mut command)
}
