//! How counterparts get their connections: the listener, TLS, and which processor they run on.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use rustix::thread::CpuSet;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, version};

/// Where a counterpart listens, and where it runs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ListenArgs {
    /// The port to listen on; 0 for any. It is printed, as "port N", once clients may come
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The processor to run on
    #[arg(long)]
    pub cpu: Option<usize>,
    /// How many connections to serve before it ends
    #[arg(long, default_value_t = 1)]
    pub connections: u64,
    /// Serve connections beside each other instead of one after the other
    #[arg(long)]
    pub parallel: bool,
    /// Speak TLS 1.3 with this certificate
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// A listener that is open.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl Listener {
    /// Opens it on the IPv4 loopback address, goes to its processor, and prints the port.
    ///
    /// # Errors
    /// Those of the system, and certificates that cannot be used.
    pub fn open(args: &ListenArgs) -> Result<Self> {
        if let Some(cpu) = args.cpu {
            run_on(cpu)?;
        }
        let tls = match (&args.tls_cert, &args.tls_key) {
            (Some(certificate), Some(key)) => {
                let certificates = CertificateDer::pem_file_iter(certificate)
                    .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                    .context("cannot read the certificate")?;
                let key = PrivateKeyDer::from_pem_file(key).context("cannot read the key")?;
                let config = ServerConfig::builder_with_protocol_versions(&[&version::TLS13])
                    .with_no_client_auth()
                    .with_single_cert(certificates, key)?;
                Some(Arc::new(config))
            }
            _ => None,
        };
        let socket = TcpListener::bind(("127.0.0.1", args.port)).context("cannot listen")?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "port {}", socket.local_addr()?.port())?;
        stdout.flush()?;
        Ok(Self { socket, tls })
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// Those of the system.
    pub fn accept(&self) -> Result<Wire> {
        let (stream, _) = self.socket.accept().context("cannot accept")?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Wire::Plain(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config))?;
                Wire::Tls(Box::new(StreamOwned::new(connection, stream)))
            }
        })
    }
}

impl Wire {
    fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &tls.sock,
        }
    }

    /// Makes reads and writes give [`io::ErrorKind::WouldBlock`] instead of waiting.
    ///
    /// # Errors
    /// Those of the system.
    pub fn do_not_wait(&self) -> io::Result<()> {
        self.stream().set_nonblocking(true)
    }

    /// Says goodbye in TLS; the connection ends with the drop.
    pub fn close(mut self) {
        if let Self::Tls(tls) = &mut self {
            tls.conn.send_close_notify();
            // Whoever is gone need not hear it.
            let _ = tls.flush();
        }
    }

    /// Blocks until there is something to read or, if `write`, room to write.
    ///
    /// # Errors
    /// Nothing happened for 60 s.
    pub fn wait(&self, write: bool) -> io::Result<()> {
        let mut flags = PollFlags::IN;
        let holds_back = matches!(self, Self::Tls(tls) if tls.conn.wants_write());
        if write || holds_back {
            flags |= PollFlags::OUT;
        }
        let patience = Timespec {
            tv_sec: 60,
            tv_nsec: 0,
        };
        match poll(&mut [PollFd::new(self.stream(), flags)], Some(&patience)) {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nothing happened for 60 s",
            )),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Makes this process, and those it starts, run on one processor.
///
/// # Errors
/// There is no such processor.
pub fn run_on(cpu: usize) -> Result<()> {
    move_to(None, cpu)
}

/// Makes another process run on one processor.
///
/// # Errors
/// There is no such processor or process.
pub fn move_to(process: Option<u32>, cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    anyhow::ensure!(cpu < CpuSet::MAX_CPU, "there is no processor {cpu}");
    set.set(cpu);
    let process = process.and_then(|id| Pid::from_raw(id.cast_signed()));
    rustix::thread::sched_setaffinity(process, &set)
        .with_context(|| format!("cannot run on processor {cpu}"))
}

/// The processors that this process may run on.
pub fn allowed_processors() -> impl Iterator<Item = usize> {
    let set = rustix::thread::sched_getaffinity(None).ok();
    (0..CpuSet::MAX_CPU).filter(move |&cpu| set.is_some_and(|set| set.is_set(cpu)))
}

/// Whether the other side just ended the connection without ceremony.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}
