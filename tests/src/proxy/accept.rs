//! Accepts connections while the test wants them accepted.

use std::io;
use std::net::Ipv4Addr;

use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpListener;
use tokio::sync::watch::error::RecvError;
use tokio::sync::watch::{Receiver, Sender};

use super::carry::carry;
use super::conditions::{Conditions, Link};
use super::speak::speak;

/// How the proxy carries what it is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carries {
    /// As bytes, as fast as it can.
    Bytes,
    /// Message by message.
    Messages,
}

pub(super) struct Acceptor {
    pub(super) port: u16,
    pub(super) carries: Carries,
    pub(super) conditions: Receiver<Conditions>,
    pub(super) listens: Sender<bool>,
}

impl Acceptor {
    /// Runs until the handle of the proxy is dropped.
    pub(super) fn run(self, listener: std::net::TcpListener) {
        let served = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .and_then(|runtime| runtime.block_on(self.serve(listener)));
        served.unwrap_or_else(|error| panic!("the proxy failed: {error}"));
    }

    async fn serve(mut self, listener: std::net::TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener)?;
        while self.accept_until_refusing(&listener).await.is_ok() {
            // Dropping it is not enough: a process being spawned by another
            // thread holds a copy for a moment, and so would accept for us.
            shutdown(&listener, Shutdown::Read)?;
            drop(listener);
            self.listens.send_replace(false);
            if self
                .conditions
                .wait_for(|now| now.link != Link::Refusing)
                .await
                .is_err()
            {
                break;
            }
            listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
            self.listens.send_replace(true);
        }
        Ok(())
    }

    /// Ends with an error when the handle is gone.
    async fn accept_until_refusing(&mut self, listener: &TcpListener) -> Result<(), RecvError> {
        loop {
            let conditions = self.conditions.clone();
            tokio::select! {
                refusing = self.conditions.wait_for(|now| now.link == Link::Refusing) => {
                    return refusing.map(|_| ());
                }
                Ok((client, _)) = listener.accept() => {
                    match self.carries {
                        Carries::Bytes => tokio::spawn(carry(client, conditions)),
                        Carries::Messages => tokio::spawn(speak(client, self.port, conditions)),
                    };
                }
            }
        }
    }
}
