//! A TCP relay between a client and a broker: it sees every packet, cuts connections where a test
//! wants it, delays them, or lets them vanish without a word.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::fake_broker::Packet;
use crate::ports::{free_port, host_and_port};

const ATTEMPTS: usize = 20;

/// A running relay on 127.0.0.1. Dropped, it closes its port and its connections.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What happens to the bytes on their way.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// The first connection ends by the first of these, and so on; those after the last are not cut.
    pub cuts: Vec<Cut>,
    /// Each piece of what a side sends waits so long.
    pub delay: Duration,
    /// The longest piece that is passed on at once, in bytes; 0 for as they come.
    pub piece: usize,
}

/// The end of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Which way the bytes go that are counted.
    pub way: Way,
    /// So many of them are passed on, then it ends.
    pub after: usize,
    /// By RST instead of FIN.
    pub reset: bool,
}

/// Where bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    ToBroker,
    /// From the broker.
    ToClient,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::ToBroker => Self::ToClient,
            Self::ToClient => Self::ToBroker,
        }
    }
}

/// Sees each packet when it is passed on whole. Connections are counted from 0; one is new with its
/// CONNECT.
pub trait Observer: Send {
    /// A packet that is about to arrive.
    fn packet(&mut self, connection: usize, way: Way, packet: &Packet);
}

impl<F: FnMut(usize, Way, &Packet) + Send> Observer for F {
    fn packet(&mut self, connection: usize, way: Way, packet: &Packet) {
        self(connection, way, packet);
    }
}

/// For a relay that nobody looks into.
impl Observer for () {
    fn packet(&mut self, _: usize, _: Way, _: &Packet) {}
}

struct Shared {
    target: u16,
    weather: Weather,
    observer: Arc<Mutex<dyn Observer>>,
    upcoming: Mutex<VecDeque<Cut>>,
    live: Mutex<Vec<Weak<Pair>>>,
    connections: AtomicUsize,
    is_closing: AtomicBool,
}

/// Both sides of a connection. The sockets are closed when both directions are done with it.
struct Pair {
    client: TcpStream,
    broker: TcpStream,
    cut: Option<Cut>,
    /// From its cut.
    is_spared: AtomicBool,
    has_vanished: AtomicBool,
    /// Ends by RST, and not by FIN before it.
    is_reset: AtomicBool,
    /// Held while bytes are seen and written, one for each way; whether it is cut.
    gates: [Mutex<bool>; 2],
}

impl Relay {
    /// To a broker on this port of 127.0.0.1.
    #[must_use]
    pub fn start(target: u16, weather: Weather, observer: Arc<Mutex<dyn Observer>>) -> Self {
        // None that Linux gives to an outgoing connection while this one is closed.
        let (port, listener) = (0..ATTEMPTS)
            .find_map(|_| {
                let port = free_port();
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
                Some((port, listener))
            })
            .expect("bind a free port");
        let shared = Arc::new(Shared {
            target,
            upcoming: Mutex::new(weather.cuts.iter().copied().collect()),
            weather,
            observer,
            live: Mutex::new(Vec::new()),
            connections: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
        });
        let mut relay = Self {
            port,
            shared,
            acceptor: None,
        };
        relay.accept_from(listener);
        relay
    }

    /// Refuses connections from now on, as the kernel does where nobody listens.
    pub fn close_port(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.shared.is_closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = acceptor.join();
    }

    /// Takes connections again after [`close_port`](Self::close_port).
    pub fn open_port(&mut self) {
        self.close_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("bind it again");
        self.accept_from(listener);
    }

    fn accept_from(&mut self, listener: TcpListener) {
        self.shared.is_closing.store(false, Ordering::SeqCst);
        let shared = Arc::clone(&self.shared);
        self.acceptor = Some(thread::spawn(move || accept(&listener, &shared)));
    }

    /// `-h 127.0.0.1 -p PORT`.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        host_and_port("127.0.0.1", self.port)
    }

    /// Cuts nothing but what is named here: of the connections that come, the first one, and so on.
    pub fn cut_only(&self, cuts: Vec<Cut>) {
        let mut upcoming = lock(&self.shared.upcoming);
        for pair in self.pairs() {
            pair.is_spared.store(true, Ordering::SeqCst);
        }
        *upcoming = cuts.into();
    }

    /// From now on the connections of the moment are half-open: nothing arrives on either side
    /// any more, not even an end.
    pub fn vanish(&self) {
        for pair in self.pairs() {
            pair.has_vanished.store(true, Ordering::SeqCst);
        }
    }

    fn pairs(&self) -> Vec<Arc<Pair>> {
        lock(&self.shared.live)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.close_port();
        for pair in self.pairs() {
            pair.close();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("target", &self.target)
            .field("weather", &self.weather)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn ends(&self, way: Way) -> (&TcpStream, &TcpStream) {
        match way {
            Way::ToBroker => (&self.client, &self.broker),
            Way::ToClient => (&self.broker, &self.client),
        }
    }

    fn gate(&self, way: Way) -> &Mutex<bool> {
        let [to_broker, to_client] = &self.gates;
        match way {
            Way::ToBroker => to_broker,
            Way::ToClient => to_client,
        }
    }

    fn ends_silently(&self) -> bool {
        self.has_vanished.load(Ordering::SeqCst) || self.is_reset.load(Ordering::SeqCst)
    }

    fn close(&self) {
        for socket in [&self.client, &self.broker] {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Both sides get RST as soon as both directions have let go of it.
    fn reset(&self) {
        self.is_reset.store(true, Ordering::SeqCst);
        for socket in [&self.client, &self.broker] {
            let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
            // Wakes whoever reads, and puts nothing on the wire.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((client, _)) = listener.accept() {
        if shared.is_closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.target)) else {
            // As if nobody listened here either.
            let _ = rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO));
            continue;
        };
        for socket in [&client, &broker] {
            let _ = socket.set_nodelay(true);
        }
        let mut upcoming = lock(&shared.upcoming);
        let pair = Arc::new(Pair {
            client,
            broker,
            cut: upcoming.pop_front(),
            is_spared: AtomicBool::new(false),
            has_vanished: AtomicBool::new(false),
            is_reset: AtomicBool::new(false),
            gates: Default::default(),
        });
        let mut live = lock(&shared.live);
        live.retain(|pair| pair.strong_count() > 0);
        live.push(Arc::downgrade(&pair));
        drop((live, upcoming));
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        for way in [Way::ToBroker, Way::ToClient] {
            let (pair, shared) = (Arc::clone(&pair), Arc::clone(shared));
            thread::spawn(move || pass_on(&pair, &shared, number, way));
        }
    }
}

/// Carries one direction of a connection to its end.
fn pass_on(pair: &Pair, shared: &Shared, number: usize, way: Way) {
    let (mut from, mut to) = pair.ends(way);
    let cut = pair.cut.filter(|cut| cut.way == way);
    let mut left = cut.map_or(usize::MAX, |cut| cut.after);
    let mut assembler = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) if pair.ends_silently() => return,
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) if pair.ends_silently() => return,
            Err(_) => return pair.reset(),
        };
        let most = match shared.weather.piece {
            0 => buffer.len(),
            piece => piece,
        };
        for bytes in buffer[..count].chunks(most) {
            if !shared.weather.delay.is_zero() {
                thread::sleep(shared.weather.delay);
            }
            if pair.has_vanished.load(Ordering::SeqCst) {
                continue;
            }
            if pair.is_spared.load(Ordering::SeqCst) {
                left = usize::MAX;
            }
            let bytes = &bytes[..bytes.len().min(left)];
            left -= bytes.len();
            // What was seen arrives, also when the other way is cut.
            let gate = lock(pair.gate(way));
            if *gate {
                return;
            }
            assembler.extend_from_slice(bytes);
            while let Some(packet) = take_packet(&mut assembler) {
                lock_observer(&shared.observer).packet(number, way, &packet);
            }
            if to.write_all(bytes).is_err() {
                return pair.reset();
            }
            drop(gate);
            if left == 0 {
                let mut other = lock(pair.gate(way.other()));
                *other = true;
                return match cut {
                    Some(cut) if cut.reset => pair.reset(),
                    _ => pair.close(),
                };
            }
        }
    }
}

/// Takes a whole packet from the front.
fn take_packet(bytes: &mut Vec<u8>) -> Option<Packet> {
    let mut length = 0;
    for (index, shift) in [0, 7, 14, 21].into_iter().enumerate() {
        let byte = *bytes.get(index + 1)?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let header = index + 2;
            if bytes.len() < header + length {
                return None;
            }
            let packet: Vec<u8> = bytes.drain(..header + length).collect();
            return Some(Packet {
                first: packet[0],
                body: packet[header..].to_vec(),
            });
        }
    }
    panic!("a Remaining Length of more than four bytes");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_observer<'a>(observer: &'a Mutex<dyn Observer>) -> MutexGuard<'a, dyn Observer + 'static> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}
