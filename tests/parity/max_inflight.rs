//! `-M`: how many messages of QoS 1 and 2 are under way at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{FakeBroker, mqpub};

use crate::support::expect;

/// How many messages are under way at most; the broker acknowledges none before there are
/// `wanted`. The client answers a PUBREL at once, in order: all it had sent before is read first.
#[track_caller]
fn window(args: &[&str], v5_receive_maximum: Option<u8>, wanted: usize) -> usize {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let broker = FakeBroker::start(move |mut conn| {
        let connect = conn.expect_connect();
        match v5_receive_maximum {
            Some(limit) => conn.connack_v5_with(false, 0, &[0x21, 0, limit]),
            None if connect.level == 5 => conn.connack_v5(0),
            None => conn.connack(0),
        }
        let mut left = 300;
        let mut waiting = Vec::new();
        while left > 0 {
            // The probe goes out when nothing more has come for as long as a PUBREL's answer.
            conn.pubrel(54_321);
            loop {
                let packet = conn.read_packet();
                if packet.kind() == 7 {
                    break;
                }
                waiting.push(packet);
            }
            // Again, because the client may still have been reading its stdin.
            let most = seen.fetch_max(waiting.len(), Ordering::SeqCst);
            if waiting.is_empty() || most.max(waiting.len()) < wanted {
                continue;
            }
            left -= 1;
            let publish =
                harness::fake_broker::Publish::parse(&waiting.remove(0), connect.level == 5);
            conn.puback(publish.packet_id.unwrap());
        }
        while !waiting.is_empty() {
            waiting.remove(0);
        }
        conn.expect_disconnect();
    });
    let lines = "x\n".repeat(300);
    mqpub()
        .args(broker.args())
        .args(["-t", "t", "-q", "1", "-l"])
        .args(args)
        .stdin(lines)
        .run()
        .assert_success();
    broker.finish();
    most.load(Ordering::SeqCst)
}

/// Ours: 100 instead of 20.
#[test]
fn the_window_unless_given() {
    let wanted = expect(100, 20);
    assert_eq!(window(&[], None, wanted), wanted);
}

#[test]
fn the_given_window_is_filled_and_kept() {
    assert_eq!(window(&["-M", "7"], None, 7), 7);
}

#[test]
fn the_brokers_receive_maximum_is_kept() {
    let args = ["-V", "5", "-M", "50"];
    assert_eq!(window(&args, Some(9), 9), 9);
}
