//! `-k`: PINGREQ, brokers that do not answer it, and a process that was stopped meanwhile.

use std::sync::{Mutex, mpsc};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::fake_broker::Publish;
use harness::{Conn, FakeBroker, mqsub};

use crate::support::terminate;

const PATIENCE: Duration = Duration::from_secs(60);

/// Half a minute more than it takes, for loaded machines.
const LATE: Duration = Duration::from_secs(30);

const PINGREQ: u8 = 12;

/// Accepts a connection of MQTT 5 with this Keep Alive, and its subscription.
fn greet(conn: &mut Conn, keep_alive: u8) {
    conn.expect_connect();
    conn.connack_v5_with(false, 0, &[0x13, 0, keep_alive]);
    let subscribe = conn.expect_subscribe();
    conn.suback_v5(subscribe.packet_id, &[0]);
}

#[test]
fn a_silent_broker_is_found_within_one_and_a_half_intervals() {
    let start = Instant::now();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, 2);
        conn.expect_kind(PINGREQ);
        assert!(start.elapsed() >= Duration::from_secs(2));
        conn.hold();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "--retry", "0"])
        .run()
        .assert_code(19);
    let time = start.elapsed();
    assert!(time >= Duration::from_secs(3), "{time:?}");
    assert!(time < Duration::from_secs(3) + LATE, "{time:?}");
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    broker.finish();
}

/// A broker that only sends must get a packet within each interval all the same.
#[test]
fn a_subscriber_that_only_receives_pings() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn, 12);
        let mut sender = conn.sender();
        let message = Publish::new("a", "text", 0, 0).encode(true);
        let (enough, stop) = mpsc::channel::<()>();
        let talker = std::thread::spawn(move || {
            let pause = Duration::from_millis(100);
            while stop.recv_timeout(pause).is_err() {
                std::io::Write::write_all(&mut sender, &message).unwrap();
            }
        });
        // Never answered: what else comes proves as well that the broker lives.
        for _ in 0..2 {
            conn.expect_kind(PINGREQ);
        }
        enough.send(()).unwrap();
        talker.join().unwrap();
        conn.publish(&Publish::new("a", "last", 0, 0));
        conn.hold();
    });
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a"])
        .spawn();
    mqsub.wait_for_stdout("text\nlast\n");
    terminate(mqsub);
    broker.finish();
}

/// As after a sleep of the machine: the answer is there, and the time for it is long over.
#[test]
fn an_answer_that_came_while_the_process_was_stopped_counts() {
    let (pinged, ping) = mpsc::channel();
    let (paused, pause) = mpsc::channel();
    let pause = Mutex::new(pause);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, 12);
        conn.expect_kind(PINGREQ);
        pinged.send(()).unwrap();
        // It must be the clock that wakes mqsub, not the answer.
        pause.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        conn.pingresp();
        conn.expect_kind(PINGREQ);
        conn.pingresp();
        conn.publish(&Publish::new("a", "still here", 0, 0));
        conn.expect_disconnect();
    });
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-C", "1"])
        .spawn();
    ping.recv_timeout(PATIENCE).expect("a PINGREQ");
    mqsub.pause();
    paused.send(()).unwrap();
    // Not a wait for an event: it has to be over 1.5 intervals when the process goes on.
    sleep(Duration::from_secs(19));
    mqsub.resume();
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "still here\n");
    broker.finish();
}
