//! Drives the targets on the stable toolchain: every file of the corpus, then mutations of them.
//!
//! The inputs are the same in every run. `MQ_FUZZ_SEED` begins with another one, `MQ_FUZZ_CASES`
//! sets how many a target gets. An input that breaks a promise is written to a file, which belongs
//! into the corpus once the fault is mended.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "all of it is test code: to fail is to panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fastrand::Rng;
use fuzz::{TARGETS, Target, target};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No input grows beyond this, in bytes.
const MAX_INPUT: usize = 4096;

/// Everything in the process counts, so one target runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folders = fs::read_dir(corpus()).unwrap();
    let folders: BTreeSet<_> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = TARGETS.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(folders, names);
    for target in TARGETS {
        assert!(seeds(target).len() >= 3, "{}", target.name);
    }
}

#[test]
fn a_broken_promise_is_noticed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let greedy = Target {
        name: "greedy",
        run: |input| drop(vec![1_u8; input.len() * 1000]),
        words: &[],
        memory: (1000, 999),
        cases: 0,
    };
    assert_eq!(attempt(&greedy, b"x"), Ok(()));
    assert!(attempt(&greedy, &[0; 5000]).unwrap_err().contains("memory"));
    let panicking = Target {
        run: |_| panic!("on purpose"),
        ..greedy
    };
    assert!(attempt(&panicking, b"").unwrap_err().contains("on purpose"));
}

/// Each target by itself, so that a fault of one does not hide those of others.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            drive(stringify!($name));
        })*

        #[test]
        fn no_target_is_left_out() {
            let driven = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(driven, TARGETS.iter().map(|it| it.name).collect());
        }
    };
}

tests! {
    certificate format key options_file password_file property round_trip session socks srv stream topic url websocket
}

fn drive(name: &str) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let target = target(name).expect("a target");
    let seeds = seeds(target);
    for (path, input) in &seeds {
        if let Err(why) = attempt(target, input) {
            panic!("{}: {why}", path.display());
        }
    }
    let inputs: Vec<_> = seeds.into_iter().map(|(_, input)| input).collect();
    let first = number("MQ_FUZZ_SEED").unwrap_or(1);
    for seed in first..first + number("MQ_FUZZ_CASES").unwrap_or(target.cases) {
        let input = mutated(seed, &inputs, target.words);
        if let Err(why) = attempt(target, &input) {
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{seed}"));
            fs::write(&file, &input).unwrap();
            panic!(
                "seed {seed}, input in {}: {why}\n\
                 again: MQ_FUZZ_SEED={seed} MQ_FUZZ_CASES=1 cargo test -p fuzz --test targets {name}",
                file.display()
            );
        }
    }
}

/// Runs a target once; gives the promise that was broken.
fn attempt(target: &Target, input: &[u8]) -> Result<(), String> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let taken = MEMORY.peak_usage().saturating_sub(before);
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        return Err(text.unwrap_or_else(|| resume_unwind(panic)));
    }
    let (base, factor) = target.memory;
    let allowed = base + factor * input.len();
    if taken > allowed {
        return Err(format!(
            "{taken} bytes of memory for {} of input, where {allowed} are allowed",
            input.len()
        ));
    }
    Ok(())
}

/// An input that begins as one of the corpus and is damaged in a few places.
fn mutated(seed: u64, inputs: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed);
    let mut input = inputs[rng.usize(..inputs.len())].clone();
    for _ in 0..1 << rng.u32(0..5) {
        let at = rng.usize(..=input.len());
        let end = (at + rng.usize(..16)).min(input.len());
        match rng.u8(..10) {
            0 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 if at < input.len() => {
                input[at] = rng.choice([0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF]).unwrap()
            }
            3 => drop(input.drain(at..end)),
            4 => input.insert(at, rng.u8(..)),
            5 => {
                let noise: Vec<u8> = (0..rng.usize(..32)).map(|_| rng.u8(..)).collect();
                input.splice(at..end, noise);
            }
            6 => {
                let copy = input[at..end].repeat(rng.usize(1..8));
                input.splice(at..at, copy);
            }
            7 => {
                let other = &inputs[rng.usize(..inputs.len())];
                let from = rng.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            8 => input.truncate(at),
            _ => {
                if let Some(word) = rng.choice(words) {
                    input.splice(at..at, word.iter().copied());
                }
            }
        }
        input.truncate(MAX_INPUT);
    }
    input
}

fn seeds(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpus().join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    // The order decides which input a seed stands for.
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}
