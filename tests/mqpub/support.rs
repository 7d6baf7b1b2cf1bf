//! What several behaviours need: brokers that take everything, and a reader for error reports.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use harness::fake_broker::{Connect, Publish};
use harness::{Authority, Broker, Conn, FakeBroker, Output, Packet, Running, Tool, mqpub};

pub(crate) const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

/// How long something that ought to happen may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// 300 lines, so much that at QoS 0 a proof is due, for which mqpub waits longer than the 2 s for the end
/// alone.
pub(crate) fn for_a_proof() -> String {
    let line = "x".repeat(999) + "\n";
    line.repeat(300)
}

/// Reads what comes, and answers nothing, up to DISCONNECT.
pub(crate) fn read_to_disconnect(conn: &mut Conn) {
    while conn.read_packet().kind() != 14 {}
}

/// Two kinds of standard input and who writes to them: `-l` reads a pipe in its main loop, and has a
/// thread for a socket.
pub(crate) fn inputs() -> [(File, Box<dyn Write + Send>); 2] {
    let (pipe, into_pipe) = std::io::pipe().unwrap();
    let (socket, into_socket) = UnixStream::pair().unwrap();
    [
        (OwnedFd::from(pipe).into(), Box::new(into_pipe)),
        (OwnedFd::from(socket).into(), Box::new(into_socket)),
    ]
}

/// A scripted broker that takes every message as MQTT asks, and insists that the client says
/// DISCONNECT before it closes.
pub(crate) struct Collector {
    broker: FakeBroker,
    /// With the number of the connection they came over.
    messages: Receiver<(usize, Publish)>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let (sender, messages) = mpsc::channel();
        let broker = FakeBroker::start(move |mut conn| {
            let connect = greet(&mut conn);
            let number = conn.number();
            take_everything(&mut conn, connect.level == 5, |publish| {
                // The test may have seen enough.
                let _ = sender.send((number, publish));
            });
        });
        Self { broker, messages }
    }

    /// `mqpub -t test/topic` with this broker's address.
    pub(crate) fn mqpub(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Tool {
        publisher(&self.broker).args(args)
    }

    /// `-h` and `-p` of this broker.
    pub(crate) fn args(&self) -> Vec<String> {
        self.broker.args()
    }

    /// The next message, as soon as it is there.
    #[track_caller]
    pub(crate) fn next(&self) -> Publish {
        self.messages
            .recv_timeout(PATIENCE)
            .expect("a message from mqpub")
            .1
    }

    /// The payloads that came and were not asked for yet, once all connections have ended.
    #[track_caller]
    pub(crate) fn payloads(self) -> Vec<Vec<u8>> {
        self.finish()
            .into_iter()
            .map(|publish| publish.payload)
            .collect()
    }

    /// The messages that came and were not asked for yet, once all connections have ended.
    #[track_caller]
    pub(crate) fn finish(self) -> Vec<Publish> {
        self.broker.finish();
        let mut messages: Vec<_> = self.messages.try_iter().collect();
        // One connection's script may still be reading while the next client is there.
        messages.sort_by_key(|(connection, _)| *connection);
        messages.into_iter().map(|(_, publish)| publish).collect()
    }
}

/// `mqpub -t test/topic` with the address of a scripted broker.
pub(crate) fn publisher(broker: &FakeBroker) -> Tool {
    mqpub().args(broker.args()).args(["-t", "test/topic"])
}

/// Accepts the client, in its version.
#[track_caller]
pub(crate) fn greet(conn: &mut Conn) -> Connect {
    let connect = conn.expect_connect();
    match connect.level {
        5 => conn.connack_v5(0),
        _ => conn.connack(0),
    }
    connect
}

/// Accepts a client that must speak MQTT 5; `properties` are encoded, without their length.
#[track_caller]
pub(crate) fn greet_v5(conn: &mut Conn, properties: &[u8]) {
    assert_eq!(conn.expect_connect().level, 5);
    conn.connack_v5_with(false, 0, properties);
}

/// The client's good-bye: DISCONNECT, then the end of the connection.
#[track_caller]
pub(crate) fn part(conn: &mut Conn) {
    conn.expect_disconnect();
    conn.expect_close();
}

/// Nothing more may come from the client before it hears something. It must answer a PUBREL
/// at once, in order: whatever it had sent before would be read first.
#[track_caller]
pub(crate) fn expect_pause(conn: &mut Conn) {
    const UNKNOWN: u16 = 54_321;
    conn.pubrel(UNKNOWN);
    assert_eq!(conn.expect_kind(7).packet_id(), UNKNOWN);
}

/// Takes everything as MQTT asks, and hands the messages to `seen`; gives the client's DISCONNECT.
#[track_caller]
pub(crate) fn take_everything(
    conn: &mut Conn,
    is_v5: bool,
    mut seen: impl FnMut(Publish),
) -> Packet {
    loop {
        let packet = conn.read_packet();
        match packet.kind() {
            3 => {
                let publish = Publish::parse(&packet, is_v5);
                match (publish.qos, publish.packet_id) {
                    (1, Some(id)) => conn.puback(id),
                    (2, Some(id)) => conn.pubrec(id),
                    _ => {}
                }
                seen(publish);
            }
            6 => conn.pubcomp(packet.packet_id()),
            12 => conn.pingresp(),
            14 => {
                conn.expect_close();
                return packet;
            }
            _ => panic!("mqpub sends no {packet:?}"),
        }
    }
}

/// What `mqpub --cafile FILE` with these options sends before a broker has said anything: a TLS
/// ClientHello, without the record's header.
#[track_caller]
pub(crate) fn client_hello(options: &[&str]) -> Vec<u8> {
    let authority = Authority::new();
    let (sender, hello) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let header = conn.read_bytes(5);
        let length = u16::from_be_bytes([header[3], header[4]]);
        sender.send(conn.read_bytes(length.into())).unwrap();
        conn.close();
    });
    publisher(&broker)
        .args(options)
        .args(["-m", "x", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_code(23);
    broker.finish();
    hello.try_recv().unwrap()
}

/// A real broker, and mosquitto's own client that writes down all messages.
pub(crate) struct Witness {
    broker: Broker,
    subscriber: Running,
}

/// A message as the witness saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) qos: u8,
    pub(crate) payload: Vec<u8>,
}

impl Witness {
    pub(crate) fn start() -> Self {
        let broker = Broker::start();
        let subscriber = Tool::new("mosquitto_sub")
            .args(broker.args())
            .args(["-q", "2", "-t", "#", "-F", "%t %q %x"])
            .spawn();
        broker.wait_for_log("Sending SUBACK");
        Self { broker, subscriber }
    }

    /// `mqpub -t test/topic` with this broker's address.
    pub(crate) fn mqpub(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Tool {
        mqpub()
            .args(self.broker.args())
            .args(["-t", "test/topic"])
            .args(args)
    }

    /// `mqpub` with this broker's address and no topic.
    pub(crate) fn mqpub_anywhere(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Tool {
        mqpub().args(self.broker.args()).args(args)
    }

    /// The broker's port.
    pub(crate) fn port(&self) -> u16 {
        self.broker.port()
    }

    /// All messages so far, in order.
    #[track_caller]
    pub(crate) fn seen(self) -> Vec<Seen> {
        // What was published before it comes before it. QoS 2: the queue keeps one order for
        // all messages that wait, and QoS 0 does not wait.
        Tool::new("mosquitto_pub")
            .args(self.broker.args())
            .args(["-q", "2", "-t", "the/end", "-m", "."])
            .run()
            .assert_success();
        self.subscriber.wait_for_stdout("the/end 2 2e\n");
        let text = self.subscriber.stdout_so_far();
        let messages = text.lines().map(|line| {
            let mut words = line.split(' ');
            let mut next = || words.next().expect("three words a line");
            Seen {
                topic: next().to_owned(),
                qos: next().parse().expect("a QoS"),
                payload: from_hex(next()),
            }
        });
        messages.filter(|seen| seen.topic != "the/end").collect()
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|digits| {
            let digits = std::str::from_utf8(digits).expect("hex digits");
            u8::from_str_radix(digits, 16).expect("hex digits")
        })
        .collect()
}

/// What a tool that failed said about it.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) error: String,
    /// Empty if there was none.
    pub(crate) cause: String,
    /// Empty if there was none.
    pub(crate) note: String,
    /// Empty if there was none.
    pub(crate) hint: String,
}

/// Reads stderr, which must hold one report: an error line, then a cause, a hint and a note, of which
/// the note may be missing and one of the others;
/// the exit code must be `code` and stdout empty.
#[track_caller]
pub(crate) fn complaint(output: Output, code: i32) -> Complaint {
    let output = output.assert_code(code);
    assert!(output.stdout.is_empty(), "stdout is for data\n{output}");
    let text = output.stderr_str();
    assert!(
        text.ends_with('\n') && !text.contains('\x1b'),
        "not clean text\n{output}"
    );
    let mut lines = text.lines().peekable();
    let mut part = |prefix: &str| {
        lines
            .next_if(|line| line.starts_with(prefix))
            .map(|line| line[prefix.len()..].to_owned())
    };
    let report = Complaint {
        error: part("error: ").unwrap_or_else(|| panic!("no error line\n{output}")),
        cause: part("cause: ").unwrap_or_default(),
        hint: part("hint: ").unwrap_or_default(),
        note: part("note: ").unwrap_or_default(),
    };
    assert_eq!(lines.next(), None, "more than one report\n{output}");
    assert!(
        !(report.cause.is_empty() && report.hint.is_empty()),
        "neither cause nor hint\n{output}"
    );
    for line in text.lines() {
        assert!(line.len() <= 400, "a line of {} bytes", line.len());
    }
    report
}

/// Like [`complaint`] for a run that reported losses before; the counts are the last line.
#[track_caller]
pub(crate) fn last_complaint(mut output: Output, code: i32) -> Complaint {
    let text = output.stderr_str().to_owned();
    let begin = text
        .find("error: ")
        .unwrap_or_else(|| panic!("no error line\n{output}"));
    for line in text[..begin].lines() {
        let is_known = ["warning: ", "note: "].iter().any(|p| line.starts_with(p));
        assert!(is_known, "{line:?}\n{output}");
    }
    output.stderr.drain(..begin);
    let complaint = complaint(output, code);
    assert!(!complaint.note.is_empty(), "no counts: {complaint:?}");
    complaint
}
