//! Carries the bytes of one connection, as late as the test wants them.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch::Receiver;

use super::conditions::{Conditions, Link};
use super::precise;

const BUFFER: usize = 64 * 1024;

/// Some bytes, and when they are to arrive.
type Chunk = (Instant, Vec<u8>);

/// Carries both directions until one ends or the test cuts them.
pub(super) async fn carry(
    client: TcpStream,
    mut conditions: Receiver<Conditions>,
) -> io::Result<()> {
    let Conditions { cuts, server, .. } = *conditions.borrow();
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (requests, to_client) = client.into_split();
    let (replies, to_server) = server.into_split();
    let observed = conditions.clone();
    tokio::select! {
        ended = forward(requests, to_server, |now| now.request_delay, &observed) => ended,
        ended = forward(replies, to_client, |now| now.reply_delay, &observed) => ended,
        _ = conditions.wait_for(|now| now.cuts != cuts || now.link == Link::Refusing) => Ok(()),
    }
}

/// Reading never waits for writing, so a delay does not cost throughput.
async fn forward(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    delay: fn(&Conditions) -> Duration,
    conditions: &Receiver<Conditions>,
) -> io::Result<()> {
    let (queue, due) = mpsc::unbounded_channel();
    let reading = read(from, queue, || delay(&conditions.borrow()));
    tokio::try_join!(reading, write(due, to, conditions.clone())).map(|_| ())
}

async fn read(
    mut from: OwnedReadHalf,
    queue: UnboundedSender<Chunk>,
    delay: impl Fn() -> Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        let chunk = (Instant::now() + delay(), buffer[..length].to_vec());
        if length == 0 || queue.send(chunk).is_err() {
            return Ok(());
        }
    }
}

async fn write(
    mut due: UnboundedReceiver<Chunk>,
    mut to: OwnedWriteHalf,
    mut conditions: Receiver<Conditions>,
) -> io::Result<()> {
    while let Some((arrival, bytes)) = due.recv().await {
        precise::sleep_until(arrival).await;
        // An error says that the proxy is gone, and this task with it.
        let _ = conditions.wait_for(|now| now.link != Link::BlackHole).await;
        to.write_all(&bytes).await?;
    }
    Ok(())
}
