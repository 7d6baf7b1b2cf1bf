//! A stream that ends after each of its bytes: what was whole is printed, and the end is told.

use harness::fake_broker::{Publish, encode};
use harness::{Conn, FakeBroker, mqsub, together};

use crate::support::VERSIONS;

/// What it prints, in the order of its coming, at QoS 0, 1 and 2.
const LINES: [&str; 3] = ["one\n", "two\n", "three\n"];

/// Sends the first `left` bytes of a whole conversation and closes. All that the client answers is
/// read before, so that it sees the end and no reset.
fn converse(conn: &mut Conn, mut left: usize) -> Option<()> {
    let left = &mut left;
    let mut whole = |conn: &mut Conn, bytes: &[u8]| conn.send_part(bytes, left).then_some(());
    let is_v5 = conn.expect_connect().level == 5;
    let no_properties = &[0][..usize::from(is_v5)];
    whole(conn, &connack(is_v5))?;
    let [high, low] = conn.expect_subscribe().packet_id.to_be_bytes();
    let body = [&[high, low], no_properties, &[2]].concat();
    whole(conn, &encode::packet(0x90, &body))?;
    for (text, qos) in LINES.into_iter().zip(0..) {
        let publish = Publish::new("a", text.trim(), qos, qos.into());
        whole(conn, &publish.encode(is_v5))?;
        match qos {
            0 => {}
            1 => assert_eq!(conn.expect_kind(4).packet_id(), 1),
            _ => assert_eq!(conn.expect_kind(5).packet_id(), 2),
        }
    }
    whole(conn, &encode::packet(0x62, &[0, 2]))?;
    assert_eq!(conn.expect_kind(7).packet_id(), 2);
    Some(())
}

fn connack(is_v5: bool) -> Vec<u8> {
    encode::packet(0x20, &[0, 0, 0][..if is_v5 { 3 } else { 2 }])
}

/// Where each of the packets ends.
fn ends(is_v5: bool) -> [usize; 6] {
    let more = usize::from(is_v5);
    let sizes = [4 + more, 5 + more, 8 + more, 10 + more, 12 + more, 4];
    let mut end = 0;
    sizes.map(|size| {
        end += size;
        end
    })
}

#[test]
fn after_each_byte_what_was_whole_is_printed_and_the_loss_is_told() {
    together(VERSIONS, |version| {
        let broker = FakeBroker::start(|mut conn| {
            let after = conn.number();
            converse(&mut conn, after);
            conn.close();
        });
        let address = format!("127.0.0.1:{}", broker.port());
        let refused = format!(
            "error: {address} did not accept the connection\n\
             cause: the broker closed the connection before it answered the CONNECT\n\
             hint: a listener with TLS needs --cafile; some brokers answer a wrong user name or \
             password in this way; the broker's log says more\n"
        );
        let lost = format!(
            "error: the connection to {address} was lost\n\
             cause: the broker closed the connection\n\
             hint: the broker's log may say more\n"
        );
        let [connack, _, messages @ .., last] = ends(version == "mqttv5");
        for after in 0..=last {
            let output = mqsub()
                .args(broker.args())
                .args(["-V", version, "-t", "a", "-q", "2", "--retry", "0"])
                .run();
            let what = format!("{version}, after {after} bytes: {output}");
            let printed = messages.iter().filter(|end| **end <= after).count();
            assert_eq!(output.stdout_str(), LINES[..printed].concat(), "{what}");
            let (code, error) = if after < connack {
                (5, &refused)
            } else {
                (7, &lost)
            };
            assert_eq!(output.stderr_str(), *error, "{what}");
            assert_eq!(output.status, code, "{what}");
        }
        broker.finish();
    });
}
