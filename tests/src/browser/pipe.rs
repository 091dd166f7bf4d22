//! Commands to the browser and its answers: JSON between zero bytes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A start on a busy machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Pipe {
    input: ChildStdin,
    output: Receiver<Value>,
    sent: u64,
    /// What has happened since the command before the last: page, and name of the event.
    events: Vec<(String, String)>,
}

impl Pipe {
    pub(super) fn new(input: ChildStdin, output: ChildStdout) -> Self {
        let (sender, receiver) = channel();
        // It ends when the browser does, or with us.
        thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message else { return };
                let Ok(message) = serde_json::from_slice(&message) else {
                    return;
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input,
            output: receiver,
            sent: 0,
            events: Vec::new(),
        }
    }

    /// What the browser, or one page of it, answers.
    pub(super) fn call(&mut self, page: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(page) = page {
            command["sessionId"] = page.into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.input
            .write_all(&bytes)
            .unwrap_or_else(|error| panic!("{method} to `chromium`: {error}"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut message = self.receive(deadline, method);
            if message["id"] != self.sent {
                self.keep(&message);
                continue;
            }
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            return message["result"].take();
        }
    }

    /// Forgets what has happened, so that [`wait_for`](Self::wait_for) waits for what is to come.
    pub(super) fn forget(&mut self, page: &str) {
        self.events.retain(|(of, _)| of != page);
    }

    pub(super) fn wait_for(&mut self, page: &str, event: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let happened = |(of, name): &(String, String)| of == page && name == event;
            if let Some(at) = self.events.iter().position(happened) {
                self.events.remove(at);
                return;
            }
            let message = self.receive(deadline, event);
            self.keep(&message);
        }
    }

    fn keep(&mut self, message: &Value) {
        let event = (text(&message["sessionId"]), text(&message["method"]));
        self.events.push(event);
    }

    fn receive(&self, deadline: Instant, awaited: &str) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        let received = self.output.recv_timeout(left);
        received.unwrap_or_else(|error| panic!("`chromium` and {awaited}: {error}"))
    }
}

/// The text of a JSON string, or nothing.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
