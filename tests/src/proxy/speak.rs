//! Carries one connection message by message, so that it can answer in place of the server, and
//! spoil whole replies.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch::Receiver;

use super::conditions::{Conditions, Link, Replies};
use super::{frame, precise};

/// Whose answer comes next.
enum Answer {
    Ours(Vec<u8>),
    Theirs,
}

/// A reply, and when it is to arrive.
type Due = (Instant, Vec<u8>);

/// Carries both directions until one ends or the test cuts them.
pub(super) async fn speak(
    mut client: TcpStream,
    port: u16,
    mut conditions: Receiver<Conditions>,
) -> io::Result<()> {
    let made = *conditions.borrow();
    let mut server = TcpStream::connect(made.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut watched = conditions.clone();
    {
        let (requests, to_client) = client.split();
        let (replies, to_server) = server.split();
        let (answers, answered) = mpsc::unbounded_channel();
        let (queue, due) = mpsc::unbounded_channel();
        let observed = conditions.clone();
        tokio::select! {
            ended = ask(requests, to_server, answers, port, &observed) => return ended,
            ended = answer(replies, answered, queue, &observed) => return ended,
            ended = write(due, to_client, observed.clone()) => return ended,
            _ = conditions.wait_for(|now| now.cuts != made.cuts || now.link == Link::Refusing) => {
                return Ok(());
            }
            _ = watched.wait_for(|now| now.vanishings != made.vanishings) => {}
        }
    }
    drop(server);
    // Half open: the client may send, and hears nothing until it is cut, or gives up itself.
    let swallowed = async { while !matches!(client.read(&mut [0; 4096]).await, Ok(0) | Err(_)) {} };
    tokio::select! {
        () = swallowed => {}
        _ = conditions.wait_for(|now| now.cuts != made.cuts) => {}
    }
    Ok(())
}

/// The messages of one direction.
struct Messages<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    fn new(from: R) -> Self {
        let buffer = Vec::new();
        Self { from, buffer }
    }

    /// The next whole message; nothing at the end.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = frame::length(&self.buffer) {
                return Ok(Some(self.buffer.drain(..length).collect()));
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

async fn ask(
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    answers: UnboundedSender<Answer>,
    port: u16,
    conditions: &Receiver<Conditions>,
) -> io::Result<()> {
    let mut commands = Messages::new(from);
    while let Some(command) = commands.next().await? {
        let refusal = conditions.borrow().refusal;
        let ours = refusal.and_then(|refusal| refusal.answer(&frame::command(&command), port));
        let answer = if let Some(ours) = ours {
            Answer::Ours(ours)
        } else {
            to.write_all(&command).await?;
            Answer::Theirs
        };
        if answers.send(answer).is_err() {
            break;
        }
    }
    Ok(())
}

async fn answer(
    from: impl AsyncRead + Unpin,
    mut answers: UnboundedReceiver<Answer>,
    queue: UnboundedSender<Due>,
    conditions: &Receiver<Conditions>,
) -> io::Result<()> {
    let mut replies = Messages::new(from);
    let mut last = Instant::now();
    while let Some(answer) = answers.recv().await {
        let reply = match answer {
            Answer::Ours(reply) => reply,
            Answer::Theirs => match replies.next().await? {
                Some(reply) => reply,
                None => break,
            },
        };
        // What is answered in order arrives in order.
        last = last.max(Instant::now() + delay(conditions));
        if queue.send((last, reply)).is_err() {
            break;
        }
    }
    Ok(())
}

fn delay(conditions: &Receiver<Conditions>) -> Duration {
    let now = conditions.borrow();
    now.reply_delay + now.jitter.mul_f64(fraction())
}

/// A random number from nought to one.
fn fraction() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0_u8) % 1_000;
    f64::from(u16::try_from(random).unwrap_or_default()) / 1_000.0
}

async fn write(
    mut due: UnboundedReceiver<Due>,
    mut to: impl AsyncWrite + Unpin,
    mut conditions: Receiver<Conditions>,
) -> io::Result<()> {
    while let Some((arrival, reply)) = due.recv().await {
        precise::sleep_until(arrival).await;
        // An error says that the proxy is gone, and this task with it.
        let _ = conditions.wait_for(|now| now.link != Link::BlackHole).await;
        let replies = conditions.borrow().replies;
        match replies {
            Replies::Whole => to.write_all(&reply).await?,
            Replies::Garbage => to.write_all(&vec![0xff; reply.len()]).await?,
            Replies::CutShort => {
                to.write_all(&reply[..reply.len() / 2]).await?;
                return to.flush().await;
            }
            Replies::Dripping(pause) => {
                for byte in reply {
                    to.write_all(&[byte]).await?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
    Ok(())
}
