//! What a person does with a page, and sees there.

use serde_json::{Value, json};

use super::Chromium;
use super::pipe::text;

/// A browser with one page, and with cookies that no other has.
///
/// A `Browser` comes from [`Chromium::browser`], which has an example.
#[derive(Debug)]
pub struct Browser {
    chromium: Chromium,
    page: String,
}

impl Browser {
    pub(super) fn new(chromium: Chromium, page: String) -> Self {
        let browser = Self { chromium, page };
        browser.call("Page.enable", &json!({}));
        // Only one page of a browser has the focus, and each is to be typed into.
        let focused = json!({ "enabled": true });
        browser.call("Emulation.setFocusEmulationEnabled", &focused);
        browser
    }

    /// Calls itself something else, as another device would.
    pub fn call_itself(&self, user_agent: &str) {
        let named = json!({ "userAgent": user_agent });
        self.call("Emulation.setUserAgentOverride", &named);
    }

    /// Goes to an address, and waits until the page is there.
    pub fn open(&self, url: &str) {
        self.forget();
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.chromium.wait_until_loaded(&self.page);
    }

    /// Goes there again.
    pub fn reload(&self) {
        self.open(&self.url());
    }

    /// Types into the field with this label, over what is there.
    pub fn fill(&self, label: &str, value: &str) {
        let field = format!(
            "[...document.querySelectorAll('label')].find(l => l.textContent.trim() === {})?.control",
            json!(label)
        );
        let focused = self.evaluate(&format!(
            "(e => e && (e.focus(), e.select(), true))({field})"
        ));
        assert!(focused == json!(true), "no field {label:?} {}", self.seen());
        self.call("Input.insertText", &json!({ "text": value }));
    }

    /// Presses the first button or link of this name, and waits for the page that it leads to.
    pub fn press(&self, name: &str) {
        self.press_within("body", name);
    }

    /// As [`press`](Self::press), in the first part of the page that a selector finds.
    pub fn press_within(&self, part: &str, name: &str) {
        let button = format!(
            "[...(document.querySelector({})?.querySelectorAll('a, button') ?? [])]\
             .find(b => b.textContent.trim() === {})",
            json!(part),
            json!(name)
        );
        let middle = self.evaluate(&format!(
            "(e => {{
                if (!e) return null;
                e.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = e.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }})({button})"
        ));
        assert!(
            middle.is_array(),
            "no button {name:?} in {part:?} {}",
            self.seen()
        );
        self.forget();
        for event in ["mousePressed", "mouseReleased"] {
            let click = json!({
                "type": event, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", &click);
        }
        self.chromium.wait_until_loaded(&self.page);
    }

    /// The text of the first element that a selector finds.
    pub fn text(&self, selector: &str) -> String {
        let found = self.texts(selector).into_iter().next();
        found.unwrap_or_else(|| panic!("no {selector:?} {}", self.seen()))
    }

    /// The texts of all elements that a selector finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.evaluate(&format!(
            "[...document.querySelectorAll({})].map(e => e.innerText.trim())",
            json!(selector)
        ));
        texts.as_array().into_iter().flatten().map(text).collect()
    }

    /// Where it is.
    pub fn url(&self) -> String {
        text(&self.evaluate("location.href"))
    }

    /// What scripts of the page would see of its cookies.
    pub fn cookies_seen_by_scripts(&self) -> String {
        text(&self.evaluate("document.cookie"))
    }

    /// Its cookies, with their attributes, as the `DevTools` protocol has them.
    pub fn cookies(&self) -> Vec<Value> {
        let answer = self.call("Network.getCookies", &json!({}));
        answer["cookies"].as_array().cloned().unwrap_or_default()
    }

    /// A picture of the page: PNG, in Base64.
    pub fn picture(&self) -> String {
        let whole = json!({ "captureBeyondViewport": true });
        text(&self.call("Page.captureScreenshot", &whole)["data"])
    }

    fn evaluate(&self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].take()
    }

    /// For messages of tests that fail.
    fn seen(&self) -> String {
        format!("on {}:\n{}", self.url(), self.texts("body").concat())
    }

    fn forget(&self) {
        self.chromium.pipe().forget(&self.page);
    }

    fn call(&self, method: &str, parameters: &Value) -> Value {
        self.chromium.call(Some(&self.page), method, parameters)
    }
}
