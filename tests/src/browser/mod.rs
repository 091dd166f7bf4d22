//! A real browser that a test drives as a person would: by labels, buttons and what is seen.

mod page;
mod pipe;
mod process;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use self::pipe::Pipe;
use self::process::Process;

pub use self::page::Browser;

/// A headless Chromium, stopped when the handle and all its browsers are dropped.
///
/// Its methods block: call them from a thread of their own, such as one of `spawn_blocking`, while
/// the server under test runs elsewhere.
///
/// ```no_run
/// use cache_tests::Chromium;
///
/// let chromium = Chromium::start();
/// let (laptop, phone) = (chromium.browser(), chromium.browser());
/// laptop.open("http://127.0.0.1:3000/login");
/// laptop.fill("Name", "ada");
/// laptop.press("Sign in");
/// assert_eq!(laptop.text("h1"), "Welcome, ada");
/// phone.open("http://127.0.0.1:3000/");
/// assert_eq!(phone.text("h1"), "Sign in");
/// ```
///
/// # Panics
///
/// Its methods panic when Chromium is missing, saying what to install, and when it does not do
/// what it is asked within half a minute.
#[derive(Clone, Debug)]
pub struct Chromium(Arc<Running>);

#[derive(Debug)]
struct Running {
    // Before the process: it ends by itself when nobody is at the other end of its pipe.
    pipe: Mutex<Pipe>,
    _process: Process,
}

impl Chromium {
    /// Starts one with an empty profile.
    pub fn start() -> Self {
        let (process, input, output) = Process::spawn().unwrap_or_else(|error| panic!("{error}"));
        let pipe = Mutex::new(Pipe::new(input, output));
        Self(Arc::new(Running {
            pipe,
            _process: process,
        }))
    }

    /// A browser with cookies of its own, which shares nothing with the others.
    pub fn browser(&self) -> Browser {
        let context = self.call(None, "Target.createBrowserContext", &json!({}));
        let context = &context["browserContextId"];
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = self.call(None, "Target.createTarget", &target);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", &attach);
        Browser::new(self.clone(), pipe::text(&attached["sessionId"]))
    }

    fn call(&self, page: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.pipe().call(page, method, parameters)
    }

    fn wait_until_loaded(&self, page: &str) {
        self.pipe().wait_for(page, "Page.loadEventFired");
    }

    /// A test that has panicked with it may still look at what is on the page.
    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.0.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "<label for=name>Name</label><input id=name><a href=there.html>Go</a>";

    #[test]
    fn fills_fields_by_their_labels_and_follows_links_by_their_names() {
        let pages = tempfile::tempdir().unwrap();
        std::fs::write(pages.path().join("here.html"), FORM).unwrap();
        std::fs::write(pages.path().join("there.html"), "<h1>There</h1>").unwrap();

        let browser = Chromium::start().browser();
        browser.open(&format!("file://{}/here.html", pages.path().display()));
        browser.fill("Name", "Ada");
        browser.press("Go");

        assert_eq!(browser.text("h1"), "There");
    }
}
