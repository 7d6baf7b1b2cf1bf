//! Drives one session over one stream, and over the next when that is lost: reads, writes, timers.
//! Few system calls: everything that is ready goes out in one write, everything a read brought is
//! handled together.

mod handshake;
mod link;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Sleep, sleep, sleep_until, timeout, timeout_at};

use self::link::{Link, Redial};
use crate::connect::ConnectConfig;
use crate::exit::Exit;
use crate::net::{Limit, Peer, Stream};
use crate::payload::Unreadable;
use crate::protocol::{ProtocolError, Session, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::report::Report;
use crate::retry::Delays;
use crate::tls::{Tls, is_alert};

/// How much one read takes at most, in bytes.
const READ_BUFFER: usize = 256 * 1024;

/// How much the first one takes. A buffer that was filled is followed by one of eight times its size:
/// a large one costs a system call to get and one to give back, in vain where little comes.
const FIRST_READ: usize = 4096;

/// How much of what came first is kept until CONNACK, in bytes: enough for the first line of a text.
const BEGINNING: usize = 200;

/// How many pieces one vectored write takes at most; the kernel's limit is 1024.
const WRITE_PIECES: usize = 64;

/// How many bytes of acknowledgements may wait for a broker that sends and does not read: more than
/// anybody publishes ahead of a socket.
const MOST_ANSWERS: usize = 4 * 1024 * 1024;

/// How long a broker with TLS or WebSocket gets to close on DISCONNECT alone.
const CLOSE_NOTIFY_DELAY: Duration = Duration::from_millis(250);

/// How long to wait for the broker to close its side after DISCONNECT.
const LINGER: Duration = Duration::from_secs(2);

/// How long to wait then for the answer to a PINGREQ. A kernel whom it reaches when the process is
/// gone resets the connection, and throws away what it has not delivered yet.
const PROOF: Duration = Duration::from_secs(30);

const OUR_LIMIT: &str =
    "raise the limit with -D connect maximum-packet-size BYTES, or leave that property out";

/// Why a connection ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The broker closed the connection without a word.
    #[error("the broker closed the connection")]
    Closed,
    /// The broker ended the session (MQTT 5 DISCONNECT).
    #[error("{0}")]
    Ended(Reason),
    /// The broker does not read what is sent.
    #[error("the broker takes no more bytes")]
    NotTaken,
    /// The network failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The broker broke the protocol, or went silent.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The broker accepts each connection and closes it again.
    #[error("the broker closed {times} connections in a row soon after it had accepted them")]
    ClosedAgain {
        /// How many.
        times: u32,
        /// The user has chosen the client identifier, so that another client may have it too.
        has_own_id: bool,
    },
    /// A message is in a file, and that cannot be read on.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There was no way back to the broker: the last attempt's report.
    #[error("{}", .0.in_one_line())]
    NotBack(Box<Report>),
}

impl ClientError {
    /// The exit code that stands for this end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Closed | Self::NotTaken | Self::Io(_) => Exit::CONNECTION_LOST,
            Self::ClosedAgain {
                has_own_id: true, ..
            } => Exit::from_broker(ReasonCode::SESSION_TAKEN_OVER.0),
            Self::ClosedAgain { .. } => Exit::CONNECTION_LOST,
            Self::NotBack(report) => report.exit(),
            Self::Unreadable(_) => Exit::OS_ERROR,
            Self::Ended(reason) => Exit::from_disconnect(reason.code.0),
            Self::Protocol(ProtocolError::KeepAliveTimeout) => Exit::KEEP_ALIVE,
            Self::Protocol(ProtocolError::NotUtf8(_)) => Exit::MALFORMED_UTF8,
            Self::Protocol(
                ProtocolError::Malformed(_)
                | ProtocolError::Unexpected(_)
                | ProtocolError::TopicAlias(_)
                | ProtocolError::OverLimit(_),
            ) => Exit::MALFORMED_PACKET,
            Self::Protocol(ProtocolError::Encoding(_)) => Exit::UNKNOWN,
        }
    }
}

/// A session and its connection, the present one or, where another is allowed after a loss, the
/// next.
pub struct Client {
    /// The session; make requests and take events here.
    pub session: Session,
    link: Link,
    redial: Redial,
    /// What it is connected to, for messages.
    peer: String,
    tls: Option<Tls>,
    /// The stream has a last word of its own, below DISCONNECT: TLS or WebSocket.
    has_last_word: bool,
    stream: Stream,
    input: BytesMut,
    /// How much the next read takes.
    room: usize,
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes were written since the last flush (TLS keeps some back until then).
    unflushed: bool,
    /// What came first: it tells an MQTT listener from others. Empty when the handshake is done.
    beginning: Vec<u8>,
    /// Writing failed, reading goes on to the end.
    write_error: Option<ClientError>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("peer", &self.peer)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects and waits for the broker's CONNACK, all within the configured time for each
    /// attempt.
    ///
    /// # Errors
    /// Whatever keeps the connection from coming up, as it is told to the user.
    pub async fn connect(config: &ConnectConfig) -> Result<Box<Self>, Report> {
        let begun = Instant::now();
        let mut delays = None;
        let mut failed = 0;
        let mut is_warned = false;
        loop {
            let report = match Self::attempt(config, &mut is_warned).await {
                Ok(client) => {
                    if failed > 0 {
                        config.tell_up(&client.peer, begun);
                    }
                    return Ok(client);
                }
                Err(report) => report,
            };
            if report.is_lasting() || !config.retry.first.allow(failed) {
                return Err(link::after(report, failed));
            }
            let delay = delays.get_or_insert_with(Delays::new).next();
            if failed == 0 {
                config.warn(format_args!("{}; trying again", report.in_one_line()));
            }
            link::trace_failure(config, &report, delay);
            failed += 1;
            sleep(delay).await;
        }
    }

    async fn attempt(config: &ConnectConfig, is_warned: &mut bool) -> Result<Box<Self>, Report> {
        let limit = Limit::new(config.connect_timeout);
        let (stream, peer) = link::dial(config, &limit).await?;
        if !std::mem::replace(is_warned, true) {
            config.warn_of_plain_text(&peer);
        }
        let mut client = Self::over(config, &limit, stream, peer);
        client.greet()?;
        while !client.link.is_up() {
            match client.step().await {
                Ok(()) => {}
                Err(ClientError::NotBack(report)) => return Err(*report),
                Err(why) => return Err(client.lost(&why)),
            }
        }
        // Connected, which the caller sees.
        let _ = client.session.next_event();
        Ok(client)
    }

    // Not inlined: what it takes of the stack is not there any more while the client is in use.
    #[inline(never)]
    fn over(config: &ConnectConfig, limit: &Limit, stream: Stream, peer: Peer) -> Box<Self> {
        Box::new(Self {
            session: config.session(),
            link: Link::greeting(limit),
            redial: Redial::new(config),
            peer: peer.name,
            tls: config.tls.clone(),
            has_last_word: config.tls.is_some() || config.route.websocket,
            stream,
            input: BytesMut::new(),
            room: FIRST_READ,
            timer: None,
            unflushed: false,
            beginning: Vec::new(),
            write_error: None,
        })
    }

    /// Where the broker is, in words.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Moves bytes until something happened: output was written, input arrived, a timer was due,
    /// the connection was lost or is there again. Take the events afterwards. Safe to drop at any
    /// time and to call again.
    ///
    /// # Errors
    /// The connection is of no more use, and there is no other. Events that came before are still
    /// in the session.
    pub async fn step(&mut self) -> Result<(), ClientError> {
        poll_fn(|cx| self.poll_link(cx)).await
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// How often a connection was lost and made again.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.redial.reconnects()
    }

    /// From now on no connection is made: the loss of this one, or of one that is not up again, is
    /// the end.
    pub fn give_up_when_lost(&mut self) {
        self.redial.give_up();
        if !self.link.is_up() {
            self.link = Link::Gone;
        }
    }

    /// Chooses whether [`step`](Self::step) reads; while it does not, what the broker sends
    /// waits in the network's buffers and with the broker, and the Keep Alive goes on without
    /// its answers.
    pub fn pause_reading(&mut self, is_paused: bool) {
        if is_paused != self.session.is_paused() {
            self.session.pause(is_paused, Instant::now());
        }
    }

    /// Ends the connection in good order: sends everything and DISCONNECT with `reason`, then
    /// waits a moment for the broker to close its side, because a connection that is torn
    /// down at once can take bytes on their way with it. A broker that takes nothing
    /// for a few seconds is left.
    ///
    /// # Errors
    /// What was still to be sent may not have arrived.
    pub async fn close(&mut self, reason: ReasonCode) -> Result<(), ClientError> {
        self.say_good_bye(reason).await?;
        self.see_off().await
    }

    /// Ends the connection as [`close`](Self::close) does, and waits for the broker only where
    /// DISCONNECT itself is of weight: for those whose messages all have their answer.
    ///
    /// # Errors
    /// Those of [`close`](Self::close).
    pub async fn leave(&mut self) -> Result<(), ClientError> {
        self.say_good_bye(ReasonCode::SUCCESS).await?;
        if self.has_last_word || self.session.is_farewell_of_weight() || self.has_input().await {
            return self.see_off().await;
        }
        Ok(())
    }

    /// Whether something came that was not read yet, with which a kernel ends the connection by a
    /// reset.
    async fn has_input(&mut self) -> bool {
        poll_fn(|cx| {
            let read = pin!(self.stream.read_buf(&mut self.input));
            Poll::Ready(read.poll(cx).is_ready())
        })
        .await
    }

    async fn say_good_bye(&mut self, reason: ReasonCode) -> Result<(), ClientError> {
        if !self.link.is_up() {
            return Err(ClientError::Closed);
        }
        self.session.disconnect(reason);
        while self.has_output() {
            // As long as a slow connection moves bytes, it has its time.
            let moved = poll_fn(|cx| self.poll_write(cx)?.map(Ok::<(), ClientError>));
            match timeout(LINGER, moved).await {
                Ok(moved) => moved?,
                Err(_) => return Err(ClientError::NotTaken),
            }
        }
        Ok(())
    }

    /// Waits for the broker to close its side.
    async fn see_off(&mut self) -> Result<(), ClientError> {
        // To a broker that closes without reading it, TLS's close_notify (or WebSocket's close
        // frame) is unread data, and its kernel answers with a reset: only a broker that waits
        // gets to see it.
        if self.has_last_word
            && let Some(end) = self.end_of_stream(CLOSE_NOTIFY_DELAY).await
        {
            return end;
        }
        // Whether this works shows in what is read.
        let _ = timeout(LINGER, self.stream.shutdown()).await;
        match self.end_of_stream(LINGER).await {
            Some(end) => end,
            None if self.session.awaits_proof() => Err(ClientError::NotTaken),
            // A broker that still holds the connection open then has said nothing against it.
            None => Ok(()),
        }
    }

    /// Reads to the end, for the broker's last words; none when that takes longer than `time`, or
    /// than [`PROOF`] while a proof is due.
    async fn end_of_stream(&mut self, time: Duration) -> Option<Result<(), ClientError>> {
        let begun = tokio::time::Instant::now();
        loop {
            if self.input.len() > READ_BUFFER {
                self.input.clear();
            }
            self.input.reserve(4096);
            let time = if self.session.awaits_proof() {
                PROOF
            } else {
                time
            };
            let read = self.stream.read_buf(&mut self.input);
            match timeout_at(begun + time, read).await.ok()? {
                Ok(0) => return Some(self.end_of_input()),
                Ok(_) => {
                    if let Some(reason) = self.session.last_words(&mut self.input) {
                        return Some(Err(ClientError::Ended(reason)));
                    }
                }
                // rustls's name for a TCP close without close_notify.
                Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                    return Some(self.end_of_input());
                }
                Err(why) => return Some(Err(why.into())),
            }
        }
    }

    /// The broker closed its side after DISCONNECT. One that read so far has answered every
    /// PINGREQ before.
    fn end_of_input(&self) -> Result<(), ClientError> {
        if self.session.awaits_proof() {
            return Err(ClientError::Closed);
        }
        Ok(())
    }

    /// The connection ended before the work was done.
    #[must_use]
    pub fn lost(&self, why: &ClientError) -> Report {
        let address = &self.peer;
        let error = match why {
            ClientError::NotBack(report) => return Report::clone(report),
            ClientError::Ended(_) => format!("{address} ended the session"),
            ClientError::Unreadable(file) => {
                format!("cannot read on in the file {}", file.name.display())
            }
            _ => format!("the connection to {address} was lost"),
        };
        let hint = match why {
            ClientError::Ended(reason) if reason.code == ReasonCode::SESSION_TAKEN_OVER => {
                "another client has connected with the same client identifier: give each its own"
            }
            ClientError::ClosedAgain {
                has_own_id: true, ..
            } => {
                "another client may use the same client identifier (-i): give each its own; if none does, the broker's log may say more"
            }
            ClientError::Protocol(ProtocolError::OverLimit(_)) => OUR_LIMIT,
            ClientError::Unreadable(_) => "publish a copy that nothing changes meanwhile",
            _ => "the broker's log may say more",
        };
        Report::new(why.exit(), error).cause(why).hint(hint)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        let mut progress = false;
        while self.write_error.is_none() && self.has_output() {
            match self.poll_write(cx) {
                Ok(Poll::Ready(())) => progress = true,
                Ok(Poll::Pending) => break,
                // Nothing that the broker says would help.
                Err(why @ ClientError::Unreadable(_)) => return Poll::Ready(Err(why)),
                // The broker's last words, which may say why, are still to be read.
                Err(why) => self.write_error = Some(why),
            }
        }
        // What answers a CONNECT is read in any case, and so is the little that is left when the
        // broker is gone: its end is behind that.
        let is_paused = self.session.is_paused() && self.link.is_up() && self.write_error.is_none();
        if !is_paused && self.session.output().small_len() < MOST_ANSWERS {
            progress |= self.poll_read(cx)?.is_ready();
        }
        progress |= self.poll_timer(cx)?.is_ready();
        if progress {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn has_output(&mut self) -> bool {
        self.unflushed || !self.session.output().is_empty()
    }

    /// Writes or flushes once.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ClientError> {
        if self.session.output().is_empty() {
            return match self.stream.as_mut().poll_flush(cx) {
                Poll::Ready(done) => {
                    done?;
                    self.unflushed = false;
                    Ok(Poll::Ready(()))
                }
                Poll::Pending => Ok(Poll::Pending),
            };
        }
        let output = self.session.output();
        output.read_ahead()?;
        let mut pieces = [IoSlice::new(&[]); WRITE_PIECES];
        let count = output.slices(&mut pieces);
        let pieces = pieces.get(..count).unwrap_or_default();
        match self.stream.as_mut().poll_write_vectored(cx, pieces) {
            Poll::Ready(Ok(0)) => Err(ClientError::Closed),
            Poll::Ready(written) => {
                let written = written?;
                output.advance(written);
                self.unflushed = true;
                self.session.sent(Instant::now());
                Ok(Poll::Ready(()))
            }
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ClientError> {
        // Grows with what arrived, not with what a header announces.
        self.input.reserve(self.room);
        let read = pin!(self.stream.read_buf(&mut self.input));
        match read.poll(cx) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(0)) => Err(self.write_error.take().unwrap_or(ClientError::Closed)),
            Poll::Ready(Ok(count)) => {
                if count >= self.room {
                    self.room = READ_BUFFER.min(8 * self.room);
                }
                if !self.link.is_up() && self.beginning.len() < BEGINNING {
                    let room = BEGINNING.saturating_sub(self.beginning.len());
                    self.beginning.extend(self.input.iter().take(room));
                }
                if let Err(why) = self.session.feed(&mut self.input, Instant::now()) {
                    // What the session says about it, as far as it goes out without waiting.
                    while self.has_output() && matches!(self.poll_write(cx), Ok(Poll::Ready(()))) {}
                    return Err(why.into());
                }
                match self.session.verdict() {
                    Some(Verdict::Closed(reason)) => Err(ClientError::Ended(reason.clone())),
                    _ => Ok(Poll::Ready(())),
                }
            }
            // rustls's name for a TCP close without close_notify.
            Poll::Ready(Err(why)) if why.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.write_error.take().unwrap_or(ClientError::Closed))
            }
            Poll::Ready(Err(why)) if is_alert(&why) => Err(why.into()),
            Poll::Ready(Err(why)) => Err(self.write_error.take().unwrap_or(why.into())),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ClientError> {
        let Some(due) = self.session.deadline() else {
            self.timer = None;
            return Ok(Poll::Pending);
        };
        // Traffic moves the deadline with every packet: an earlier wake-up is only a look at
        // the clock, cheaper than re-arming the timer each time.
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(due.into())));
        if timer.deadline() > due.into() {
            timer.as_mut().reset(due.into());
        }
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= due {
                self.timer = None;
                self.session.tick(now)?;
                return Ok(Poll::Ready(()));
            }
            timer.as_mut().reset(due.into());
        }
        Ok(Poll::Pending)
    }
}
