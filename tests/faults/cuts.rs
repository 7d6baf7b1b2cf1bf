//! Connections cut at random bytes while the broker lives on: what is lost or doubled then is the
//! tool's doing.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use harness::{Broker, Cut, Relay, Way, Weather};

use crate::journal::{Delivered, Sent};
use crate::support::{
    SESSIONS, Session, Summary, assert_in_order, feed, lines, numbers, publish, publisher,
    received, receiver, side_by_side, tally,
};

const LINES: u32 = 2000;

#[test]
fn mqpub_loses_nothing_and_says_what_may_be_doubled() {
    side_by_side(jobs(1..=2), |(qos, session), rng| {
        let weather = Weather {
            cuts: cuts(rng, 20_000, 2000),
            ..Weather::default()
        };
        let what = format!("-q {qos}, MQTT {}: {weather:?}", session.name);
        println!("{what}");
        let broker = broker();
        let sent = Arc::new(Mutex::new(Sent::default()));
        let relay = Relay::start(broker.port(), weather, sent.clone());
        let receiver = receiver(&broker, &broker.args(), 2, session);
        let publisher = publisher(&relay.args(), qos, session).spawn();
        feed(&publisher, LINES, 20, Duration::from_millis(5));
        let output = publisher.wait();
        let arrived = received(&broker, receiver);
        let summary = Summary::of(&output);
        let sent = sent.lock().unwrap();
        assert!(sent.faults.is_empty(), "{what}: {:?}", sent.faults);
        assert_eq!(summary.sent, u64::from(LINES), "{what}\n{output}");
        assert_in_order(&arrived);
        let times = tally(&arrived);
        assert_eq!(
            times.len(),
            LINES as usize,
            "{what}: lines are lost\n{output}"
        );
        let doubled = arrived.len() as u64 - times.len() as u64;
        if qos == 2 {
            assert!(
                doubled <= summary.may_be_duplicates,
                "{what}: {doubled} doubled\n{output}"
            );
        }
        if session.survives() {
            assert_eq!(summary.may_be_duplicates, 0, "{what}\n{output}");
        }
        assert_eq!(summary.in_doubt(), 0, "{what}\n{output}");
        assert_eq!(output.status, 0, "{what}\n{output}");
        assert!(summary.reconnects > 0, "{what}\n{output}");
    });
}

#[test]
fn mqpub_says_what_may_be_lost_at_qos_0() {
    // Each part of the lines is longer than the cut that falls into it.
    const PART: u32 = 800;
    side_by_side(jobs(0..=0), |(_, session), rng| {
        let mut cut = || Cut {
            way: Way::ToBroker,
            after: rng.usize(300..8000),
            reset: rng.bool(),
        };
        let weather = Weather {
            cuts: [(); 2].map(|()| cut()).into(),
            ..Weather::default()
        };
        let what = format!("-q 0, MQTT {}: {weather:?}", session.name);
        println!("{what}");
        let broker = broker();
        let relay = Relay::start(broker.port(), weather, Arc::new(Mutex::new(())));
        let receiver = receiver(&broker, &broker.args(), 2, session);
        let publisher = publisher(&relay.args(), 0, session).spawn();
        publisher.write_stdin(lines(0, PART));
        for times in 1..=2 {
            publisher.wait_for_stderr(|text: &str| text.matches("connected to").count() >= times);
            let first = PART * u32::try_from(times).unwrap();
            publisher.write_stdin(lines(first, first + PART));
        }
        let output = publisher.wait().assert_code(7);
        let arrived = received(&broker, receiver);
        assert_in_order(&arrived);
        let times = tally(&arrived);
        assert_eq!(times.len(), arrived.len(), "{what}: doubled\n{output}");
        let lost = u64::from(3 * PART) - times.len() as u64;
        let summary = Summary::of(&output);
        assert!(lost <= summary.may_be_lost, "{what}: {lost} lost\n{output}");
        assert_eq!(summary.reconnects, 2, "{what}\n{output}");
    });
}

#[test]
fn mqsub_loses_nothing_and_prints_at_qos_2_what_is_delivered_once_once() {
    side_by_side(jobs(1..=2), |(qos, session), rng| {
        let weather = Weather {
            cuts: cuts(rng, 4000, 20_000),
            ..Weather::default()
        };
        let stop_after = rng.usize(200..1800);
        let more = cuts(rng, 1000, 5000);
        let what = format!(
            "-q {qos}, MQTT {}: {weather:?}, stopped after {stop_after} lines, {more:?}",
            session.name
        );
        println!("{what}");
        let broker = broker();
        let delivered = Arc::new(Mutex::new(Delivered::default()));
        let relay = Relay::start(broker.port(), weather, delivered.clone());
        let first = receiver(&broker, &relay.args(), qos, session);
        let publisher = publisher(&broker.args(), qos, session).spawn();
        let (first, second) = thread::scope(|scope| {
            scope.spawn(|| feed(&publisher, LINES, 20, Duration::from_millis(5)));
            first.wait_for_stdout(|text: &str| text.lines().count() > stop_after);
            // What is printed while there is no connection cannot be acknowledged any more: it is to
            // be stopped while it has one.
            relay.cut_only(Vec::new());
            publish(&broker, "half");
            first.wait_for_stdout("half\n");
            first.terminate();
            let first = first.wait().assert_success();
            relay.cut_only(more.clone());
            (first, receiver(&broker, &relay.args(), qos, session))
        });
        publisher.wait().assert_success();
        publish(&broker, "end");
        second.wait_for_stdout("end\n");
        second.terminate();
        let second = second.wait().assert_success();
        let mut arrived = numbers(first.stdout_str());
        arrived.extend(numbers(second.stdout_str()));
        assert_in_order(&arrived);
        let times = tally(&arrived);
        assert_eq!(
            times.len(),
            LINES as usize,
            "{what}: lines are lost\n{first}{second}"
        );
        if qos == 2 {
            let delivered = delivered.lock().unwrap();
            // Seen once: after PUBREC and PUBREL, the broker sent the PUBLISH again over a later
            // connection.
            let doubled = times
                .iter()
                .find(|(line, times)| **times > delivered.times(**line));
            assert_eq!(doubled, None, "{what}\n{first}{second}");
        }
    });
}

#[test]
fn a_slow_network_that_passes_on_small_pieces_changes_nothing() {
    const FEW: u32 = 300;
    side_by_side(jobs(0..=2), |(qos, session), _| {
        let weather = Weather {
            cuts: Vec::new(),
            delay: Duration::from_millis(10),
            piece: 100,
        };
        let broker = broker();
        let unseen = || Arc::new(Mutex::new(()));
        let to_broker = Relay::start(broker.port(), weather.clone(), unseen());
        let to_receiver = Relay::start(broker.port(), weather, unseen());
        let receiver = receiver(&broker, &to_receiver.args(), qos, session);
        let publisher = publisher(&to_broker.args(), qos, session).spawn();
        publisher.write_stdin(lines(0, FEW));
        let output = publisher.wait().assert_success();
        assert_eq!(Summary::of(&output).sent, u64::from(FEW), "{output}");
        let expected: Vec<u32> = (0..FEW).collect();
        assert_eq!(
            received(&broker, receiver),
            expected,
            "-q {qos}, MQTT {}",
            session.name
        );
    });
}

fn jobs(levels: std::ops::RangeInclusive<u8>) -> Vec<(u8, Session)> {
    let rounds = match std::env::var("MQ_KILL_RUNS") {
        Ok(text) => text.parse().expect("MQ_KILL_RUNS is a number"),
        Err(_) => 1,
    };
    let kinds = levels.flat_map(|qos| SESSIONS.map(|session| (qos, session)));
    let kinds: Vec<_> = kinds.collect();
    kinds.repeat(rounds)
}

/// Cuts after so many bytes at most. The first leaves room for a handshake, because
/// a first connection that fails is an error.
fn cuts(rng: &mut Rng, to_broker: usize, to_client: usize) -> Vec<Cut> {
    let cut = |least| {
        let way = if rng.bool() {
            Way::ToBroker
        } else {
            Way::ToClient
        };
        let most = match way {
            Way::ToBroker => to_broker,
            Way::ToClient => to_client,
        };
        Cut {
            way,
            after: rng.usize(least..most),
            reset: rng.bool(),
        }
    };
    [300, 1].map(cut).into()
}

fn broker() -> Broker {
    Broker::builder()
        .log_every_packet(false)
        .config("log_type subscribe")
        .config("max_queued_messages 0")
        .config("queue_qos0_messages true")
        .start()
}
