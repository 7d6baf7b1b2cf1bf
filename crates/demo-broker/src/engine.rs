//! `rumqttd` without TLS on two ports of its own, one for each MQTT version it speaks.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Where the engine listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine {
    pub(crate) v311: SocketAddr,
    pub(crate) v5: SocketAddr,
}

/// Starts the engine on threads of its own; `admits` decides who may connect.
pub(crate) fn start(
    admits: impl Fn(&str, String) -> bool + Clone + Send + Sync + 'static,
) -> Result<Engine> {
    let engine = Engine {
        v311: free_address()?,
        v5: free_address()?,
    };
    let server = |name: &str, listen| {
        let mut settings = ServerSettings {
            name: name.into(),
            listen,
            tls: None,
            next_connection_delay_ms: 0,
            connections: ConnectionSettings {
                connection_timeout_ms: 10_000,
                max_payload_size: 1024 * 1024,
                max_inflight_count: 100,
                auth: None,
                external_auth: None,
                dynamic_filters: true,
            },
        };
        let admits = admits.clone();
        settings.set_auth_handler(move |_id, user: String, password| {
            std::future::ready(admits(&user, password))
        });
        Some(HashMap::from([(name.to_owned(), settings)]))
    };
    let mut broker = Broker::new(Config {
        id: 0,
        router: RouterConfig {
            max_connections: 100,
            max_outgoing_packet_count: 200,
            max_segment_size: 1024 * 1024,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v4: server("v311", engine.v311),
        v5: server("v5", engine.v5),
        ws: None,
        cluster: None,
        console: None,
        bridge: None,
        prometheus: None,
        metrics: None,
    });
    std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            if let Err(why) = broker.start() {
                let _ = writeln!(std::io::stderr(), "demo-broker: {why}");
            }
        })
        .context("cannot start a thread")?;
    Ok(engine)
}

fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}
