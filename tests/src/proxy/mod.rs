//! A way to a server that can be made slow, or broken, and healed.

mod accept;
mod carry;
mod conditions;
mod frame;
mod precise;
mod refusal;
mod speak;

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use self::accept::{Acceptor, Carries};
use self::conditions::{Conditions, Link, Replies};
use crate::port;

pub use self::refusal::Refusal;

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
        Self::start(server_port, Carries::Bytes)
    }

    /// Starts a proxy that understands what it carries: it can answer in place of the server,
    /// and spoil replies. It is slower.
    pub fn speaking_before(server_port: u16) -> Self {
        Self::start(server_port, Carries::Messages)
    }

    fn start(server_port: u16, carries: Carries) -> Self {
        let (port, listener) = port::listen();
        let (conditions, observed) = watch::channel(Conditions::fair(loopback(server_port)));
        let (listens, listening) = watch::channel(true);
        let acceptor = Acceptor {
            port,
            carries,
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

    /// Delays each answer by up to `jitter` more. Of one that speaks.
    pub fn jitter_replies(&self, jitter: Duration) {
        self.conditions.send_modify(|now| now.jitter = jitter);
    }

    /// Answers with an error in place of the server, until [`heal`](Self::heal). Of one that
    /// speaks.
    pub fn answer_with(&self, refusal: Refusal) {
        self.conditions
            .send_modify(|now| now.refusal = Some(refusal));
    }

    /// Ends each connection in the middle of its next reply, until [`heal`](Self::heal). Of one
    /// that speaks.
    pub fn cut_replies_short(&self) {
        self.spoil(Replies::CutShort);
    }

    /// Sends garbage in place of replies until [`heal`](Self::heal). Of one that speaks.
    pub fn garble_replies(&self) {
        self.spoil(Replies::Garbage);
    }

    /// Sends replies a byte at a time until [`heal`](Self::heal). Of one that speaks.
    pub fn drip_replies(&self, pause: Duration) {
        self.spoil(Replies::Dripping(pause));
    }

    fn spoil(&self, replies: Replies) {
        self.conditions.send_modify(|now| now.replies = replies);
    }

    /// Leaves all connections of this moment half open: they lead nowhere, and nobody tells the
    /// clients; new ones are served. Of one that speaks.
    pub fn forget_connections(&self) {
        self.conditions.send_modify(|now| now.vanishings += 1);
    }

    /// Leads new connections to another server, and closes those of this moment.
    pub fn lead_to(&self, server_port: u16) {
        self.conditions.send_modify(|now| {
            now.server = loopback(server_port);
            now.cuts += 1;
        });
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

    /// Ends a black hole, a refusal, and what spoils replies. Delays stay.
    pub async fn heal(&self) {
        self.conditions.send_modify(|now| {
            now.link = Link::Open;
            now.replies = Replies::Whole;
            now.refusal = None;
        });
        self.wait_until_listening_is(true).await;
    }

    async fn wait_until_listening_is(&self, wanted: bool) {
        let mut listening = self.listening.clone();
        let alive = listening.wait_for(|now| *now == wanted).await.is_ok();
        assert!(alive, "the proxy on port {} has died", self.port);
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
