//! Thousands of random schedules of one session against a model broker over a bad network.
//!
//! Every schedule follows from its seed. `MQ_SESSION_SEED=N` replays one and shows its steps,
//! `MQ_SESSION_RUNS=N` tries more of them.

mod at_most_once;
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

/// How many tests share the schedules.
const PARTS: u64 = 4;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("not a number"))
}

/// What happened in the schedules of one test: they are to be hard enough to mean something.
#[derive(Debug, Default)]
struct Total {
    reconnects: usize,
    resent: usize,
    by_alias: usize,
    timeouts: usize,
    takeovers: usize,
    late: usize,
    told: usize,
    kept: usize,
    proven: usize,
    in_vain: usize,
}

fn schedules(seeds: std::ops::Range<u64>, least: usize) {
    let mut total = Total::default();
    for seed in seeds {
        let plan = Plan::new(seed);
        let named = OnPanic(seed, &plan);
        let tally = run::run(&plan, None);
        total.reconnects += tally.reconnects;
        total.resent += tally.resent;
        total.by_alias += tally.by_alias;
        total.timeouts += tally.timeouts;
        total.takeovers += tally.takeovers;
        total.late += tally.late;
        total.told += tally.told;
        total.kept += tally.kept;
        total.proven += tally.proven;
        total.in_vain += tally.in_vain;
        drop(named);
    }
    let Total {
        reconnects,
        resent,
        by_alias,
        timeouts,
        takeovers,
        late,
        told,
        kept,
        proven,
        in_vain,
    } = total;
    let enough = [
        reconnects, resent, by_alias, timeouts, takeovers, late, told, kept, proven, in_vain,
    ]
    .iter()
    .all(|count| *count >= least);
    assert!(enough, "{total:?}");
}

/// The seeds are shared out among tests, so that they run at the same time.
fn part(index: u64) {
    if let Some(seed) = number("MQ_SESSION_SEED") {
        let plan = Plan::new(seed);
        let _named = OnPanic(seed, &plan);
        run::run(&plan, Some(|step| eprintln!("{step}")));
        return;
    }
    let runs = number("MQ_SESSION_RUNS").unwrap_or(24_000) / PARTS;
    // As rare as anything is that has to happen now and then.
    let least = usize::try_from(runs / 10).unwrap();
    schedules(index * runs..(index + 1) * runs, least);
}

#[test]
fn schedules_of_the_first_quarter_end_with_every_message_where_it_belongs() {
    part(0);
}

#[test]
fn schedules_of_the_second_quarter_end_so_too() {
    part(1);
}

#[test]
fn schedules_of_the_third_quarter_end_so_too() {
    part(2);
}

#[test]
fn schedules_of_the_fourth_quarter_end_so_too() {
    part(3);
}
