//! Thousands of random schedules of one session against a model broker over a bad network.
//!
//! Every schedule follows from its seed. `MQ_SESSION_SEED=N` replays one and shows its steps,
//! `MQ_SESSION_RUNS=N` tries more of them.

mod broker;
mod monitor;
mod plan;
mod run;

use plan::Plan;

/// Names the schedule when an assertion fails somewhere below.
struct OnPanic<'a>(u64, &'a Plan);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with MQ_SESSION_SEED={}: {:?}", self.0, self.1);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("not a number"))
}

fn schedules(seeds: std::ops::Range<u64>) {
    let mut reconnects = 0;
    let mut resent = 0;
    let mut by_alias = 0;
    for seed in seeds {
        let plan = Plan::new(seed);
        let named = OnPanic(seed, &plan);
        let tally = run::run(&plan, None);
        reconnects += tally.reconnects;
        resent += tally.resent;
        by_alias += tally.by_alias;
        drop(named);
    }
    // The schedules are hard enough to mean something.
    assert!(
        reconnects > 100 && resent > 100 && by_alias > 100,
        "{reconnects}, {resent}, {by_alias}"
    );
}

/// The seeds are shared out among tests, so that they run at the same time.
fn part(index: u64) {
    if let Some(seed) = number("MQ_SESSION_SEED") {
        let plan = Plan::new(seed);
        let _named = OnPanic(seed, &plan);
        run::run(&plan, Some(|step| eprintln!("{step}")));
        return;
    }
    let runs = number("MQ_SESSION_RUNS").unwrap_or(6000) / 2;
    schedules(index * runs..(index + 1) * runs);
}

#[test]
fn every_schedule_ends_with_every_message_where_it_belongs() {
    part(0);
}

#[test]
fn every_other_schedule_ends_so_too() {
    part(1);
}
