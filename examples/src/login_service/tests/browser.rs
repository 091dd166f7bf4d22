//! The service as people see it, in a real browser.

use std::net::SocketAddr;

use cache_runtime::Cache;
use cache_tests::{Browser, Chromium};
use tokio::net::TcpListener;

use super::{PASSWORD, service};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Where it listens, until the test's runtime ends.
async fn start() -> String {
    let router = service(&Cache::in_memory()).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://localhost:{port}")
}

fn sign_in(browser: &Browser, password: &str) {
    browser.fill("Name", "ada");
    browser.fill("Password", password);
    browser.press("Sign in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_on_two_devices_and_signs_one_out() {
    let url = start().await;
    let person = move || {
        let chromium = Chromium::start();
        let (laptop, phone) = (chromium.browser(), chromium.browser());
        phone.call_itself(FIREFOX);

        sign_up(&laptop, &url);
        refuse_a_wrong_password(&phone, &url);
        sign_out_the_other(&laptop, &phone);
    };
    tokio::task::spawn_blocking(person).await.unwrap();
}

fn sign_up(laptop: &Browser, url: &str) {
    laptop.open(url);
    assert_eq!(laptop.text("h1"), "Sign in");
    laptop.press("Create one");
    laptop.fill("Name", "ada");
    laptop.fill("Password", PASSWORD);
    laptop.press("Create account");
    assert_eq!(laptop.text("h1"), "Welcome, ada");
    assert_eq!(laptop.texts(".devices li").len(), 1);

    laptop.fill("Full name", "Ada Lovelace");
    laptop.press("Save");
    assert_eq!(laptop.text("h1"), "Welcome, Ada Lovelace");
    assert_eq!(laptop.text("[role=status]"), "Your name is saved.");

    assert_eq!(laptop.cookies_seen_by_scripts(), "");
    let cookies = laptop.cookies();
    assert_eq!(cookies.len(), 1);
    assert_eq!(
        (&cookies[0]["httpOnly"], &cookies[0]["sameSite"]),
        (&true.into(), &"Lax".into())
    );
}

fn refuse_a_wrong_password(phone: &Browser, url: &str) {
    phone.open(url);
    sign_in(phone, "battery staple");
    let trouble = phone.text("[role=alert]");
    assert_eq!(trouble, "That name and password don't belong together.");
    assert!(phone.cookies().is_empty());
}

fn sign_out_the_other(laptop: &Browser, phone: &Browser) {
    // What was typed as a name is still there.
    phone.fill("Password", PASSWORD);
    phone.press("Sign in");
    assert_eq!(phone.text("h1"), "Welcome, Ada Lovelace");

    let devices = phone.texts(".devices strong");
    assert_eq!(devices.len(), 2, "{devices:?}");
    assert!(devices.contains(&"Firefox".to_owned()), "{devices:?}");
    phone.press("Sign out everywhere else");
    assert_eq!(
        phone.text("[role=status]"),
        "One other device is signed out."
    );
    assert_eq!(phone.texts(".devices li").len(), 1);

    laptop.reload();
    assert_eq!(laptop.text("h1"), "Sign in");
    sign_in(laptop, PASSWORD);
    assert_eq!(laptop.text("h1"), "Welcome, Ada Lovelace");

    phone.press_within("main > form", "Sign out");
    assert_eq!(phone.text("h1"), "Sign in");
    assert!(phone.cookies().is_empty());
}
