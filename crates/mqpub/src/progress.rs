//! `--progress`: tells a person how far a long run is. The run leaves its numbers here, and a thread
//! of its own looks at them and draws.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mqtools_common::progress::{DecimalBytes, PATIENCE, Progress as Bar, is_possible};
use mqtools_common::report;

use crate::books;
use crate::cli::ShowProgress;

/// From one look at the numbers to the next.
const BEAT: Duration = Duration::from_millis(100);

/// How far a rate looks back.
const MEMORY: Duration = Duration::from_secs(3);

/// A smaller message is sent before anybody could read how far it is, in bytes.
const LARGE: usize = 256 * 1024;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Messages, so many if that is known.
    Messages(Option<u64>),
    /// The bytes of one message, which is in a file.
    File,
    /// The bytes of one message, from standard input.
    Stdin,
}

/// What `--progress` and its surroundings say.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) work: Work,
    /// Where standard error is no terminal, too: a line a second.
    pub(crate) is_asked: bool,
    /// Messages are acknowledged, and those that are not yet can be counted.
    pub(crate) has_answers: bool,
}

impl Plan {
    /// None where nobody would look, or it would be in the way.
    pub(crate) fn new(
        work: Work,
        how: ShowProgress,
        reads_stdin: bool,
        is_silent: bool,
        has_answers: bool,
    ) -> Option<Self> {
        let is_wanted = match how {
            ShowProgress::Always => true,
            ShowProgress::Never => false,
            ShowProgress::Auto => {
                !is_silent
                    && io::stderr().is_terminal()
                    // Somebody types there.
                    && !(reads_stdin && io::stdin().is_terminal())
            }
        };
        is_wanted.then_some(Self {
            work,
            is_asked: how == ShowProgress::Always,
            has_answers,
        })
    }
}

/// Vanishes when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    plan: Plan,
    numbers: Arc<Numbers>,
    drawing: Option<JoinHandle<()>>,
}

/// What the run leaves for the thread that draws.
#[derive(Debug, Default)]
struct Numbers {
    messages: AtomicU64,
    in_flight: AtomicU64,
    /// Of the message, if that is known yet.
    all_bytes: AtomicU64,
    /// Read, and afterwards sent.
    bytes: AtomicU64,
    is_down: AtomicBool,
    has_ended: AtomicBool,
}

impl Progress {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut progress = Self {
            plan,
            numbers: Arc::default(),
            drawing: None,
        };
        if progress.plan.work != Work::File {
            progress.draw();
        }
        progress
    }

    /// The message is that long, and nothing of it is sent yet.
    pub(crate) fn is_long(&mut self, bytes: usize) {
        self.numbers.bytes.store(0, Ordering::Relaxed);
        self.numbers
            .all_bytes
            .store(bytes as u64, Ordering::Relaxed);
        if bytes >= LARGE {
            self.draw();
        }
    }

    /// Counts what is read of `input`.
    pub(crate) fn count<R: Read>(&self, input: R) -> impl Read {
        Counted {
            input,
            numbers: Arc::clone(&self.numbers),
        }
    }

    /// So much was given to the session, has no answer yet, and so many bytes are not sent.
    pub(crate) fn saw(&self, messages: u64, in_flight: usize, unsent: usize, is_up: bool) {
        let numbers = &self.numbers;
        numbers.messages.store(messages, Ordering::Relaxed);
        numbers.in_flight.store(in_flight as u64, Ordering::Relaxed);
        numbers.is_down.store(!is_up, Ordering::Relaxed);
        if messages > 0 && !matches!(self.plan.work, Work::Messages(_)) {
            let all = numbers.all_bytes.load(Ordering::Relaxed);
            let sent = all.saturating_sub(unsent as u64);
            numbers.bytes.store(sent, Ordering::Relaxed);
        }
    }

    fn draw(&mut self) {
        if self.drawing.is_some() {
            return;
        }
        let mut drawer = Drawer {
            numbers: Arc::clone(&self.numbers),
            work: self.plan.work,
            has_answers: self.plan.has_answers,
            samples: VecDeque::new(),
        };
        let in_lines = self.plan.is_asked && !is_possible();
        // A run without a bar is better than none.
        self.drawing = thread::Builder::new()
            .name("progress".into())
            .spawn(move || {
                if in_lines {
                    drawer.write_lines();
                } else {
                    drawer.draw_bar();
                }
            })
            .ok();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.numbers.has_ended.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            drawing.thread().unpark();
            let _ = drawing.join();
        }
    }
}

struct Drawer {
    numbers: Arc<Numbers>,
    work: Work,
    has_answers: bool,
    /// What was done by then, the oldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Drawer {
    fn draw_bar(&mut self) {
        let bar = Bar::new("");
        if !self.waits(PATIENCE) {
            return;
        }
        loop {
            let (done, all) = (self.done(), self.all());
            bar.show(done, all, |_| self.text());
            if !self.waits(BEAT) {
                return;
            }
        }
    }

    fn write_lines(&mut self) {
        while self.waits(PATIENCE) {
            report::progress(self.text());
        }
    }

    /// False when the run has ended.
    fn waits(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            if self.numbers.has_ended.load(Ordering::Relaxed) {
                return false;
            }
            let now = Instant::now();
            if now >= until {
                return true;
            }
            thread::park_timeout(until - now);
        }
    }

    fn all(&self) -> Option<u64> {
        match self.work {
            Work::Messages(count) => count,
            Work::File | Work::Stdin => {
                let all = self.numbers.all_bytes.load(Ordering::Relaxed);
                (all > 0).then_some(all)
            }
        }
    }

    fn done(&self) -> u64 {
        match self.work {
            Work::Messages(_) => self.numbers.messages.load(Ordering::Relaxed),
            Work::File | Work::Stdin => self.numbers.bytes.load(Ordering::Relaxed),
        }
    }

    /// The numbers in words.
    fn text(&mut self) -> String {
        let (done, all) = (self.done(), self.all());
        let rate = self.rate(Instant::now(), done);
        let mut text = match self.work {
            Work::Messages(None) => books::messages(done),
            Work::Messages(Some(all)) => format!("{done} of {}", books::messages(all)),
            Work::File | Work::Stdin => match all {
                Some(all) => format!("{} of {}", DecimalBytes(done), DecimalBytes(all)),
                None => format!("{} read", DecimalBytes(done)),
            },
        };
        let _ = match self.work {
            Work::Messages(_) => write!(text, ", {rate:.0}/s"),
            Work::File | Work::Stdin => write!(text, ", {}/s", DecimalBytes(rate as u64)),
        };
        if self.has_answers && matches!(self.work, Work::Messages(_)) {
            let count = self.numbers.in_flight.load(Ordering::Relaxed);
            let _ = write!(text, ", {count} in flight");
        }
        if let Some(all) = all
            && rate > 0.0
        {
            let _ = write!(
                text,
                ", {} left",
                time((all.saturating_sub(done)) as f64 / rate)
            );
        }
        if self.numbers.is_down.load(Ordering::Relaxed) {
            text += ", no connection";
        }
        text
    }

    /// For each second, over the last few.
    fn rate(&mut self, now: Instant, done: u64) -> f64 {
        // Something else is counted now, or some of it once more.
        if self.samples.back().is_some_and(|(_, last)| *last > done) {
            self.samples.clear();
        }
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(at, _)| now - *at > MEMORY)
        {
            self.samples.pop_front();
        }
        let Some((since, before)) = self.samples.front() else {
            return 0.0;
        };
        (done - before) as f64 / (now - *since).as_secs_f64().max(0.001)
    }
}

/// In seconds, in the units that matter.
fn time(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// An input whose bytes are counted.
struct Counted<R> {
    input: R,
    numbers: Arc<Numbers>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.numbers
            .bytes
            .fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawer(work: Work) -> Drawer {
        Drawer {
            numbers: Arc::default(),
            work,
            has_answers: true,
            samples: VecDeque::new(),
        }
    }

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut drawer = drawer(Work::Messages(None));
        let start = Instant::now();
        let mut rates = (0..100_u64).map(|beat| {
            // 1000 a second for five seconds, then none.
            let done = 100 * beat.min(50);
            drawer.rate(start + BEAT * u32::try_from(beat).unwrap(), done)
        });
        assert!(rates.next().unwrap().abs() < 1e-9);
        for rate in rates.by_ref().take(50) {
            assert!((999.0..1001.0).contains(&rate), "{rate}");
        }
        assert!(rates.last().unwrap().abs() < 1e-9);
        assert!(drawer.samples.len() < 40);
    }

    #[test]
    fn times_have_units() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (59.0, "59 s"),
            (59.1, "1 min 0 s"),
            (3599.0, "59 min 59 s"),
            (90_061.0, "25 h 1 min"),
            (f64::INFINITY, "5124095576030431 h 0 min"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }

    #[test]
    fn the_numbers_are_told_in_words() {
        let mut drawer = drawer(Work::Messages(Some(10)));
        drawer.numbers.messages.store(3, Ordering::Relaxed);
        drawer.numbers.in_flight.store(2, Ordering::Relaxed);
        assert_eq!(drawer.text(), "3 of 10 messages, 0/s, 2 in flight");
        drawer.work = Work::Stdin;
        drawer.samples.clear();
        drawer.numbers.bytes.store(1_500_000, Ordering::Relaxed);
        assert_eq!(drawer.text(), "1.50 MB read, 0 B/s");
        drawer.numbers.all_bytes.store(2_000_000, Ordering::Relaxed);
        drawer.numbers.is_down.store(true, Ordering::Relaxed);
        assert_eq!(drawer.text(), "1.50 MB of 2.00 MB, 0 B/s, no connection");
    }
}
