//! Connections that are lost and made again, and runs that follow each other, with a real broker.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use harness::{Broker, Output, Running, mqpub, mqsub, together};

use crate::support::{publish, subscribe, subscribed, terminate};

/// QoS 1 and 2 in both versions that keep a session well.
const WAYS: [(&str, &str); 4] = [
    ("mqttv311", "1"),
    ("mqttv311", "2"),
    ("mqttv5", "1"),
    ("mqttv5", "2"),
];

/// A way to a broker that can be cut while the broker lives.
struct Cable {
    port: u16,
    ends: Arc<Mutex<Ends>>,
}

#[derive(Default)]
struct Ends {
    is_cut: bool,
    streams: Vec<TcpStream>,
}

impl Cable {
    fn to(broker: &Broker) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(Mutex::new(Ends::default()));
        let (target, plugged) = (broker.port(), Arc::clone(&ends));
        // It ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let near = stream.unwrap();
                let mut ends = plugged.lock().unwrap();
                if ends.is_cut {
                    continue;
                }
                let far = TcpStream::connect(("localhost", target)).unwrap();
                forward(&near, &far);
                forward(&far, &near);
                ends.streams.extend([near, far]);
            }
        });
        Self { port, ends }
    }

    fn args(&self) -> Vec<String> {
        vec![
            "-h".into(),
            "127.0.0.1".into(),
            "-p".into(),
            self.port.to_string(),
        ]
    }

    fn cut(&self) {
        let mut ends = self.ends.lock().unwrap();
        ends.is_cut = true;
        for stream in ends.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.ends.lock().unwrap().is_cut = false;
    }
}

fn forward(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
}

fn broker() -> Broker {
    Broker::builder().config("max_queued_messages 0").start()
}

fn numbers(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("{number}\n")).collect()
}

#[track_caller]
fn publish_numbers(broker: &Broker, qos: &str, range: std::ops::Range<u32>) {
    mqpub()
        .args(broker.args())
        .args(["-t", "kept", "-l", "-q", qos])
        .stdin(numbers(range))
        .run()
        .assert_success();
}

/// How often each number was printed.
#[derive(Default)]
struct Tally(BTreeMap<u32, u32>);

impl Tally {
    fn add(&mut self, printed: &str) {
        for line in printed.lines() {
            *self.0.entry(line.parse().unwrap()).or_default() += 1;
        }
    }

    #[track_caller]
    fn assert_all(&self, count: u32, qos: &str) {
        let missing: Vec<_> = (0..count).filter(|n| !self.0.contains_key(n)).collect();
        assert!(missing.is_empty(), "QoS {qos}: {missing:?} are lost");
        let twice: Vec<_> = self.0.iter().filter(|(_, times)| **times > 1).collect();
        assert!(qos == "1" || twice.is_empty(), "QoS {qos}: {twice:?}");
    }
}

#[test]
fn what_comes_while_the_connection_is_down_is_printed() {
    together(WAYS, |(version, qos)| {
        let broker = broker();
        let cable = Cable::to(&broker);
        let mqsub = mqsub()
            .args(cable.args())
            .args(["-V", version, "-q", qos, "-c", "-i", "me", "-t", "kept"])
            .spawn();
        broker.wait_for_log("Sending SUBACK to me");
        publish_numbers(&broker, qos, 0..200);
        mqsub.wait_for_stdout("99\n");
        cable.cut();
        mqsub.wait_for_stderr("trying again");
        publish_numbers(&broker, qos, 200..400);
        cable.mend();
        publish_numbers(&broker, qos, 400..600);
        mqsub.wait_for_stdout("599\n");
        let mut tally = Tally::default();
        tally.add(terminate(mqsub).stdout_str());
        tally.assert_all(600, qos);
        // It had its session all the time.
        assert_eq!(broker.log().matches("Sending SUBACK to me").count(), 1);
    });
}

#[test]
fn what_comes_while_mqsub_rests_is_printed() {
    const PART: u32 = 250;
    const RUNS: u32 = 3;
    together(WAYS, |(version, qos)| {
        let broker = broker();
        let args = ["-V", version, "-q", qos, "-c", "-i", "me", "-t", "kept"];
        subscribe(&broker, &[&args, &["-E"][..]].concat()).assert_success();
        let mut publisher = mqpub()
            .args(broker.args())
            .args(["-t", "kept", "-l", "-q", qos])
            .spawn();
        let mut tally = Tally::default();
        let start = |run: u32| {
            publisher.write_stdin(numbers(run * PART..(run + 1) * PART));
            mqsub().args(broker.args()).args(args).spawn()
        };
        let mut stops = Vec::new();
        for run in 0..RUNS {
            let mqsub = start(run);
            // Somewhere in the midst of them.
            let lines = fastrand::usize(1..=PART as usize);
            stops.push(lines);
            mqsub.wait_for_stdout(|text: &str| text.lines().count() >= lines);
            tally.add(terminate(mqsub).stdout_str());
        }
        let mqsub = start(RUNS);
        let last = format!("{}\n", (RUNS + 1) * PART - 1);
        mqsub.wait_for_stdout(&last);
        tally.add(terminate(mqsub).stdout_str());
        publisher.close_stdin();
        publisher.wait().assert_success();
        println!("{version}, QoS {qos}: stopped after {stops:?} lines");
        tally.assert_all((RUNS + 1) * PART, qos);
    });
}

/// Everything in flight behind the last wanted message stays.
#[test]
fn the_sixth_is_the_first_of_the_next_run() {
    together(WAYS, |(version, qos)| {
        let broker = broker();
        let args = ["-V", version, "-q", qos, "-c", "-i", "me", "-t", "kept"];
        subscribe(&broker, &[&args, &["-E"][..]].concat()).assert_success();
        publish_numbers(&broker, qos, 1..8);
        for expected in ["1\n2\n3\n4\n5\n", "6\n7\n"] {
            let count = expected.lines().count().to_string();
            let output = subscribe(&broker, &[&args, &["-C", &count][..]].concat());
            assert_eq!(output.assert_success().stdout_str(), expected);
        }
    });
}

/// As often as closed connections without any use would end it.
#[test]
fn a_broker_that_is_restarted_again_and_again_ends_nothing() {
    together(["mqttv311", "mqttv5"], |version| {
        let mut broker = Broker::start();
        let mqsub = subscribed(&broker, &["-V", version, "-i", "me", "-t", "a"]);
        for times in 1..=3 {
            let text = format!("before {times}");
            publish(&broker, &["-t", "a", "-m", &text]);
            mqsub.wait_for_stdout(&format!("{text}\n"));
            broker.restart();
            mqsub.wait_for_stderr(|text: &str| text.matches("received SUBACK").count() > times);
        }
        publish(&broker, &["-t", "a", "-m", "after"]);
        mqsub.wait_for_stdout("after\n");
        let output = terminate(mqsub);
        let lines = |start: &str| {
            let all = output.stderr_str().lines();
            all.filter(|line| line.starts_with(start)).count()
        };
        assert_eq!((lines("warning: "), lines("note: ")), (3, 3), "{output}");
    });
}

/// Each takes the session of the other over. A broker that says so ends the first at once;
/// mosquitto 2.0 only closes the connection.
#[test]
fn a_fight_for_one_client_identifier_ends() {
    together(["mqttv311", "mqttv5"], |version| {
        let broker = Broker::start();
        let args = ["-V", version, "-i", "me", "-t", "a"];
        let start = || subscribed(&broker, &args);
        let (first, second) = (start(), start());
        let (loser, winner) = until_one_ends(first, second);
        assert_eq!(loser.status, 142, "{loser}");
        let mut error = loser
            .stderr_str()
            .lines()
            .filter(|line| !line.starts_with("debug: "));
        let hint = error.next_back().unwrap();
        assert!(
            hint.starts_with("hint: another client ") && hint.contains("give each its own"),
            "{loser}"
        );
        // Until the other is there again, and longer.
        while !winner.stdout_so_far().contains("text\n") {
            publish(&broker, &["-t", "a", "-m", "text"]);
        }
        terminate(winner);
    });
}

fn until_one_ends(first: Running, second: Running) -> (Output, Running) {
    loop {
        match (first.is_running(), second.is_running()) {
            (false, _) => return (first.wait(), second),
            (_, false) => return (second.wait(), first),
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
fn it_waits_for_a_first_connection_where_it_is_told_to() {
    let mut broker = Broker::start();
    broker.kill();
    let refused = mqsub().args(broker.args()).args(["-t", "a"]).run();
    let refused = refused.assert_code(14);
    assert!(!refused.stderr_str().contains("again"), "{refused}");
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-C", "1", "--retry", "forever"])
        .spawn();
    mqsub.wait_for_stderr("; trying again\n");
    broker.restart();
    broker.wait_for_log("Sending SUBACK to");
    publish(&broker, &["-t", "a", "-m", "text"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    let told: Vec<_> = output.stderr_str().lines().collect();
    assert!(
        told.len() == 2 && told[1].starts_with("note: connected to "),
        "{output}"
    );
}

#[test]
fn without_a_connection_it_ends_when_it_is_asked_to() {
    let broker = Broker::start();
    let start = |args: &[&str]| subscribed(&broker, &[&["-t", "a", "-q", "1"], args].concat());
    let waiting = [start(&["-V", "5"]), start(&[])];
    let timed = start(&["-W", "30"]);
    broker.kill();
    for mqsub in waiting {
        mqsub.wait_for_stderr("trying again");
        mqsub.terminate();
        mqsub.wait().assert_success();
    }
    let output = timed.wait().assert_code(27);
    assert!(output.stderr_str().contains("trying again"), "{output}");
}

/// They may have changed while nobody looked. A session that is still there brings them no more.
#[test]
fn what_is_retained_comes_again_with_a_new_session() {
    // Options, and how often it is printed.
    const CASES: [(&[&str], usize); 5] = [
        (&[], 2),
        (&["-V", "5"], 2),
        (&["-V", "5", "-q", "1"], 1),
        (&["-V", "5", "--retain-handling", "new"], 2),
        (&["-V", "5", "-q", "1", "--retain-handling", "new"], 1),
    ];
    together(CASES, |(options, times)| {
        let broker = Broker::start();
        publish(&broker, &["-t", "a", "-m", "retained", "-r", "-q", "1"]);
        let cable = Cable::to(&broker);
        let mqsub = mqsub()
            .args(cable.args())
            .args(["-t", "a"])
            .args(options)
            .spawn();
        mqsub.wait_for_stdout("retained\n");
        if options.contains(&"-q") {
            // Otherwise the broker repeats it for that.
            broker.wait_for_log("Received PUBACK from");
        }
        cable.cut();
        mqsub.wait_for_stderr("trying again");
        cable.mend();
        mqsub.wait_for_stderr("connected to");
        broker.wait_for_log_times("Sending SUBACK to", times);
        // Behind it.
        publish(&broker, &["-t", "a", "-m", "live"]);
        mqsub.wait_for_stdout("live\n");
        let printed = format!("{}live\n", "retained\n".repeat(times));
        assert_eq!(terminate(mqsub).stdout_str(), printed, "{options:?}");
    });
}
