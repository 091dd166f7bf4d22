//! A way to a server that can be made slow, or broken, and healed.

mod accept;
mod carry;
mod conditions;
mod precise;

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use self::accept::Acceptor;
use self::conditions::{Conditions, Link};
use crate::port;

/// A TCP proxy before a server on this machine, gone when the handle is dropped.
///
/// It runs on a thread of its own, so a test may stop its runtime or use two.
///
/// ```no_run
/// use cache_tests::{FaultProxy, RedisServer};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = RedisServer::start().await;
/// let proxy = FaultProxy::before(server.port());
/// let client = redis::Client::open(proxy.url());
/// proxy.delay_replies(Duration::from_millis(1));
/// proxy.black_hole();
/// proxy.heal().await;
/// # }
/// ```
///
/// # Panics
///
/// Its methods panic when this machine gives it no port or no thread.
///
/// # Cancel safety
///
/// A dropped future of [`refuse`](Self::refuse) or [`heal`](Self::heal) has
/// taken effect, or is about to.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    conditions: watch::Sender<Conditions>,
    listening: watch::Receiver<bool>,
}

impl FaultProxy {
    /// Starts a proxy that forwards to `server_port` on the loopback interface.
    pub fn before(server_port: u16) -> Self {
        let (port, listener) = port::listen();
        let (conditions, observed) = watch::channel(Conditions::default());
        let (listens, listening) = watch::channel(true);
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        let acceptor = Acceptor {
            port,
            server,
            conditions: observed,
            listens,
        };
        thread::Builder::new()
            .name(format!("fault-proxy-{port}"))
            .spawn(move || acceptor.run(listener))
            .unwrap_or_else(|error| panic!("starting the proxy's thread: {error}"));
        Self {
            port,
            conditions,
            listening,
        }
    }

    /// What a client connects to in place of the server's own URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port of the proxy itself.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Delays what clients send by `delay` from now on.
    ///
    /// As on a longer wire: what is sent together arrives together.
    pub fn delay_requests(&self, delay: Duration) {
        self.conditions.send_modify(|now| now.request_delay = delay);
    }

    /// Delays what the server answers by `delay` from now on.
    pub fn delay_replies(&self, delay: Duration) {
        self.conditions.send_modify(|now| now.reply_delay = delay);
    }

    /// Closes all connections of this moment; new ones are served.
    pub fn cut(&self) {
        self.conditions.send_modify(|now| now.cuts += 1);
    }

    /// Lets nothing through, and closes nothing, until [`heal`](Self::heal).
    ///
    /// What is sent meanwhile then arrives, as by TCP's retransmissions.
    pub fn black_hole(&self) {
        self.conditions
            .send_modify(|now| now.link = Link::BlackHole);
    }

    /// Closes all connections and refuses new ones until [`heal`](Self::heal).
    pub async fn refuse(&self) {
        self.conditions.send_modify(|now| now.link = Link::Refusing);
        self.wait_until_listening_is(false).await;
    }

    /// Ends a black hole or a refusal. Delays stay.
    pub async fn heal(&self) {
        self.conditions.send_modify(|now| now.link = Link::Open);
        self.wait_until_listening_is(true).await;
    }

    async fn wait_until_listening_is(&self, wanted: bool) {
        let mut listening = self.listening.clone();
        let alive = listening.wait_for(|now| *now == wanted).await.is_ok();
        assert!(alive, "the proxy on port {} has died", self.port);
    }
}
