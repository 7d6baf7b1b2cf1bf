//! A scripted broker, for what a real one will not do: refuse with each code, never
//! acknowledge, cut the stream anywhere, send garbage.

use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

mod packet;

pub use packet::{Connect, Packet, Publish, Subscribe, Will, encode};

use crate::ports::host_and_port;
use crate::process::PATIENCE;

/// A broker on 127.0.0.1 whose every connection is handled by the test's own script.
///
/// A panic in the script fails the test when the broker is dropped, or in
/// [`finish`](Self::finish); so does a script that was never run.
#[derive(Debug)]
pub struct FakeBroker {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    wake_up: Arc<Mutex<Option<SocketAddr>>>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl FakeBroker {
    /// Starts it. The script runs once per connection, each on its own thread;
    /// [`Conn::number`] tells them apart.
    #[must_use]
    pub fn start(script: impl Fn(Conn) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        let address = listener.local_addr().expect("the port of a listener");
        let connections = Arc::new(AtomicUsize::new(0));
        let wake_up = Arc::new(Mutex::new(None));
        let acceptor = thread::spawn({
            let (connections, wake_up) = (Arc::clone(&connections), Arc::clone(&wake_up));
            move || accept(&listener, &connections, &wake_up, &Arc::new(script))
        });
        Self {
            address,
            connections,
            wake_up,
            acceptor: Some(acceptor),
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `-h 127.0.0.1 -p PORT`.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        host_and_port("127.0.0.1", self.port())
    }

    /// How many connections came so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits for the scripts of all connections to end, and fails the test if one failed or
    /// none ran.
    #[track_caller]
    pub fn finish(mut self) {
        self.join();
    }

    #[track_caller]
    fn join(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.wake_acceptor();
        let scripts = acceptor.join().expect("the acceptor does not panic");
        let connections = scripts.len();
        let mut failure = None;
        for script in scripts {
            if let Err(panic) = script.join() {
                failure.get_or_insert(panic);
            }
        }
        if let Some(panic) = failure {
            std::panic::resume_unwind(panic);
        }
        assert!(connections > 0, "nobody connected to the scripted broker");
    }

    /// Ends the acceptor; connections that came before are still handled.
    fn wake_acceptor(&self) {
        // The acceptor cannot look at its connection before its address is stored.
        let mut wake_up = self.wake_up.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = TcpStream::connect(self.address).expect("connect to the scripted broker");
        *wake_up = Some(stream.local_addr().expect("the address of a socket"));
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.join();
        }
    }
}

/// One connection of a client to a [`FakeBroker`].
///
/// Whatever is read must come within 60 s, or the script panics.
#[derive(Debug)]
pub struct Conn {
    stream: BufReader<TcpStream>,
    number: usize,
    is_v5: bool,
}

impl Conn {
    /// Reads and writes packets on the client's side of a connection.
    pub(crate) fn over(stream: TcpStream, is_v5: bool) -> Self {
        set_up(&stream);
        Self {
            stream: BufReader::new(stream),
            number: 0,
            is_v5,
        }
    }

    /// Which connection this is, counted from 0.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next packet; panics when the client closes instead.
    #[track_caller]
    pub fn read_packet(&mut self) -> Packet {
        match self.try_read_packet() {
            Some(packet) => packet,
            None => panic!("the client closed the connection where a packet was expected"),
        }
    }

    /// The next packet, or nothing when the client closed the connection.
    #[track_caller]
    pub fn try_read_packet(&mut self) -> Option<Packet> {
        let first = self.read_byte()?;
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.read_byte().expect("a whole Remaining Length");
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let mut body = vec![0; length];
                self.stream
                    .read_exact(&mut body)
                    .expect("a whole packet from the client");
                return Some(Packet { first, body });
            }
        }
        panic!("a Remaining Length of more than four bytes");
    }

    /// Reads exactly `count` bytes as they come.
    #[track_caller]
    pub fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream
            .read_exact(&mut bytes)
            .expect("bytes from the client");
        bytes
    }

    /// The next packet, which must be a CONNECT. Its level decides how later packets are read.
    #[track_caller]
    pub fn expect_connect(&mut self) -> Connect {
        let connect = Connect::parse(&self.read_packet());
        self.is_v5 = connect.level == 5;
        connect
    }

    /// The next packet, which must be a PUBLISH; PINGREQs before it are answered.
    #[track_caller]
    pub fn expect_publish(&mut self) -> Publish {
        let packet = self.read_answering_pings();
        Publish::parse(&packet, self.is_v5)
    }

    /// The next packet, which must be a SUBSCRIBE; PINGREQs before it are answered.
    #[track_caller]
    pub fn expect_subscribe(&mut self) -> Subscribe {
        let packet = self.read_answering_pings();
        Subscribe::parse(&packet, self.is_v5)
    }

    /// The next packet, which must be of this type (1 CONNECT to 15 AUTH).
    #[track_caller]
    pub fn expect_kind(&mut self, kind: u8) -> Packet {
        let packet = self.read_packet();
        assert!(
            packet.kind() == kind,
            "expected a packet of type {kind}, got {packet:?}"
        );
        packet
    }

    /// The next packet, which must be a PUBREL; gives its Packet Identifier.
    #[track_caller]
    pub fn expect_pubrel(&mut self) -> u16 {
        self.expect_kind(6).packet_id()
    }

    /// The next packet, which must be a DISCONNECT; PINGREQs before it are answered: one may follow
    /// what was published a second after the rest.
    #[track_caller]
    pub fn expect_disconnect(&mut self) -> Packet {
        let packet = self.read_answering_pings();
        assert!(packet.kind() == 14, "expected a DISCONNECT, got {packet:?}");
        packet
    }

    /// The client must close the connection now, without another packet.
    #[track_caller]
    pub fn expect_close(&mut self) {
        if let Some(packet) = self.try_read_packet() {
            panic!("expected the end of the connection, got {packet:?}");
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        // The client may be gone already, which shows in what is read next.
        let _ = self.stream.get_ref().write_all(bytes);
    }

    /// Sends the first `left` bytes at most, and takes them off `left`; tells whether that was all.
    pub fn send_part(&mut self, bytes: &[u8], left: &mut usize) -> bool {
        let part = bytes.get(..*left).unwrap_or(bytes);
        self.send(part);
        *left -= part.len();
        part.len() == bytes.len()
    }

    /// The other half, to send from another thread while this one reads.
    #[must_use]
    pub fn sender(&self) -> TcpStream {
        let stream = self.stream.get_ref();
        stream.try_clone().expect("a second handle to a socket")
    }

    /// CONNACK of 3.1.1 with this Return Code and no session.
    pub fn connack(&mut self, code: u8) {
        self.send(&[0x20, 2, 0, code]);
    }

    /// CONNACK of 3.1.1 that accepts and says that there is a session.
    pub fn connack_session_present(&mut self) {
        self.send(&[0x20, 2, 1, 0]);
    }

    /// CONNACK of 5 with this Reason Code, no session and no properties.
    pub fn connack_v5(&mut self, code: u8) {
        self.connack_v5_with(false, code, &[]);
    }

    /// CONNACK of 5; `properties` are encoded, without their length.
    pub fn connack_v5_with(&mut self, session_present: bool, code: u8, properties: &[u8]) {
        let mut body = vec![u8::from(session_present), code];
        encode::properties(&mut body, properties);
        self.send(&encode::packet(0x20, &body));
    }

    /// PUBACK of 3.1.1.
    pub fn puback(&mut self, id: u16) {
        self.acknowledge(0x40, id);
    }

    /// PUBREC of 3.1.1.
    pub fn pubrec(&mut self, id: u16) {
        self.acknowledge(0x50, id);
    }

    /// PUBREL of 3.1.1.
    pub fn pubrel(&mut self, id: u16) {
        self.acknowledge(0x62, id);
    }

    /// PUBCOMP of 3.1.1.
    pub fn pubcomp(&mut self, id: u16) {
        self.acknowledge(0x70, id);
    }

    /// PUBACK of 5 with a Reason Code.
    pub fn puback_v5(&mut self, id: u16, code: u8) {
        self.acknowledge_v5(0x40, id, code);
    }

    /// PUBREC of 5 with a Reason Code.
    pub fn pubrec_v5(&mut self, id: u16, code: u8) {
        self.acknowledge_v5(0x50, id, code);
    }

    /// PUBREL of 5 with a Reason Code.
    pub fn pubrel_v5(&mut self, id: u16, code: u8) {
        self.acknowledge_v5(0x62, id, code);
    }

    /// PUBCOMP of 5 with a Reason Code.
    pub fn pubcomp_v5(&mut self, id: u16, code: u8) {
        self.acknowledge_v5(0x70, id, code);
    }

    /// SUBACK of 3.1.1, one code for each Topic Filter.
    pub fn suback(&mut self, id: u16, codes: &[u8]) {
        let body = [&id.to_be_bytes(), codes].concat();
        self.send(&encode::packet(0x90, &body));
    }

    /// SUBACK of 5, one Reason Code for each Topic Filter.
    pub fn suback_v5(&mut self, id: u16, codes: &[u8]) {
        let body = [&id.to_be_bytes(), &[0][..], codes].concat();
        self.send(&encode::packet(0x90, &body));
    }

    /// UNSUBACK of 3.1.1.
    pub fn unsuback(&mut self, id: u16) {
        self.acknowledge(0xb0, id);
    }

    /// UNSUBACK of 5, one Reason Code for each Topic Filter.
    pub fn unsuback_v5(&mut self, id: u16, codes: &[u8]) {
        let body = [&id.to_be_bytes(), &[0][..], codes].concat();
        self.send(&encode::packet(0xb0, &body));
    }

    /// PINGRESP.
    pub fn pingresp(&mut self) {
        self.send(&[0xd0, 0]);
    }

    /// DISCONNECT of 5 with a Reason Code and no properties.
    pub fn disconnect_v5(&mut self, code: u8) {
        self.send(&[0xe0, 2, code, 0]);
    }

    /// Sends a PUBLISH, in the version of the client's CONNECT and without properties.
    pub fn publish(&mut self, publish: &Publish) {
        let bytes = publish.encode(self.is_v5);
        self.send(&bytes);
    }

    /// Closes the connection in order.
    pub fn close(self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Cuts the connection: the client sees a reset.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(self.stream.get_ref(), Some(Duration::ZERO))
            .expect("set SO_LINGER");
    }

    /// Reads and ignores whatever comes until the client leaves.
    #[track_caller]
    pub fn hold(mut self) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if is_gone(&error) => return,
                Err(error) => panic!("the client neither sends nor leaves: {error}"),
            }
        }
    }

    #[track_caller]
    fn read_answering_pings(&mut self) -> Packet {
        loop {
            let packet = self.read_packet();
            if packet.kind() != 12 {
                return packet;
            }
            self.pingresp();
        }
    }

    #[track_caller]
    fn read_byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.stream.read_exact(&mut byte) {
            Ok(()) => Some(byte[0]),
            Err(error) if is_gone(&error) => None,
            Err(error) => panic!("no packet from the client within {PATIENCE:?}: {error}"),
        }
    }

    fn acknowledge(&mut self, first: u8, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.send(&[first, 2, high, low]);
    }

    fn acknowledge_v5(&mut self, first: u8, id: u16, code: u8) {
        let [high, low] = id.to_be_bytes();
        self.send(&[first, 4, high, low, code, 0]);
    }
}

fn accept<S: Fn(Conn) + Send + Sync + 'static>(
    listener: &TcpListener,
    connections: &AtomicUsize,
    wake_up: &Mutex<Option<SocketAddr>>,
    script: &Arc<S>,
) -> Vec<JoinHandle<()>> {
    let mut scripts = Vec::new();
    loop {
        let Ok((stream, client)) = listener.accept() else {
            continue;
        };
        if *wake_up.lock().unwrap_or_else(PoisonError::into_inner) == Some(client) {
            return scripts;
        }
        let number = connections.fetch_add(1, Ordering::SeqCst);
        set_up(&stream);
        let script = Arc::clone(script);
        scripts.push(thread::spawn(move || {
            script(Conn {
                stream: BufReader::new(stream),
                number,
                is_v5: false,
            });
        }));
    }
}

fn set_up(stream: &TcpStream) {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("set a time limit");
    stream.set_nodelay(true).expect("set TCP_NODELAY");
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}
