//! When a browser gets a cookie, which one, and when it loses it.

use axum::http::header::{CACHE_CONTROL, HOST, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use cache_runtime::{Cache, SameSite, SessionLayer, Sessions};

use super::{application, on, read, send, write};
use crate::support::Fixture;

fn layer() -> SessionLayer<u32> {
    SessionLayer::new(Sessions::new(&Cache::in_memory()))
}

#[tokio::test]
async fn is_for_this_host_over_tls_and_for_no_script() {
    let answer = write(&on(&Cache::in_memory()), "/login/ada", "").await;
    let [line] = answer.cookies()[..] else {
        panic!("{:?}", answer.cookies());
    };
    let (pair, attributes) = line.split_once(';').unwrap();
    let token = pair.strip_prefix("__Host-id=").unwrap();
    assert_eq!(token.len(), 80);
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn is_set_once_however_often_it_changes() {
    let application = on(&Cache::in_memory());
    let cookie = write(&application, "/back-and-forth", "").await.cookie();
    assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 3");
}

#[tokio::test]
async fn is_another_after_a_rotation_and_the_former_sets_none() {
    let fixture = Fixture::in_memory();
    let application = on(&fixture.cache);
    let former = write(&application, "/login/ada", "").await.cookie();
    let cookie = write(&application, "/rotate", &former).await.cookie();
    assert_ne!(cookie, former);

    let under_way = write(&application, "/count", &former).await;
    assert_eq!(
        (under_way.status, under_way.cookies().len()),
        (StatusCode::OK, 0)
    );
    let again = write(&application, "/rotate", &former).await;
    assert_eq!(
        (again.status, again.cookies().len()),
        (StatusCode::CONFLICT, 0)
    );
    assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 1");

    fixture.clock.advance(std::time::Duration::from_secs(11));
    assert_eq!(
        read(&application, "/home", &former).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 1");
}

#[tokio::test]
async fn goes_with_the_logout() {
    let application = on(&Cache::in_memory());
    let cookie = write(&application, "/login/ada", "").await.cookie();
    let answer = write(&application, "/logout", &cookie).await;
    let gone = "__Host-id=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0";
    assert_eq!(answer.cookies(), [gone]);

    // Of use or not, who logs out does not want it.
    assert_eq!(
        write(&application, "/logout", "__Host-id=x")
            .await
            .cookies(),
        [gone]
    );
    assert!(
        write(&application, "/logout", "")
            .await
            .cookies()
            .is_empty()
    );
}

#[tokio::test]
async fn of_an_ended_session_stays_as_another_tab_may_have_a_new_one() {
    let application = on(&Cache::in_memory());
    let cookie = write(&application, "/login/ada", "").await.cookie();
    write(&application, "/logout", &cookie).await;
    for path in ["/home", "/front"] {
        assert!(read(&application, path, &cookie).await.cookies().is_empty());
    }
}

#[tokio::test]
async fn is_not_shown_with_the_headers() {
    async fn shown(headers: HeaderMap) -> String {
        format!("{headers:?}")
    }
    let application = axum::Router::new()
        .route("/", axum::routing::get(shown))
        .layer(layer());
    let answer = read(&application, "/", "__Host-id=a-secret").await;
    assert!(answer.body.contains("Sensitive") && !answer.body.contains("a-secret"));
}

#[tokio::test]
async fn is_kept_by_no_cache() {
    async fn cached(guest: super::Guest) -> Result<[(&'static str, &'static str); 1], StatusCode> {
        let started = guest.start(1).await;
        started.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok([("cache-control", "public, max-age=60")])
    }
    let application = axum::Router::new().route("/", post(cached)).layer(layer());
    let answer = write(&application, "/", "").await;
    let rules: Vec<_> = answer.headers.get_all(CACHE_CONTROL).iter().collect();
    assert_eq!(rules, ["public, max-age=60", "no-cache=\"set-cookie\""]);
}

#[tokio::test]
async fn is_as_the_layer_says() {
    let layer = layer()
        .cookie_name("staff")
        .same_site(SameSite::Strict)
        .persistent();
    let answer = write(&application(layer), "/login/ada", "").await;
    let (pair, attributes) = answer.cookies()[0].split_once(';').unwrap();
    assert!(pair.starts_with("__Host-staff="));
    let (attributes, age) = attributes.split_once("; Max-Age=").unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict; Secure");
    let age: u64 = age.parse().unwrap();
    assert!((86_000..=86_400).contains(&age), "{age}");
}

#[tokio::test]
async fn is_plain_on_this_machine_only_and_only_if_wanted() {
    let plain = application(layer().plain_on_loopback());
    let strict = application(layer());
    for (application, host, is_plain) in [
        (&plain, "localhost:3000", true),
        (&plain, "127.0.0.1", true),
        (&plain, "[::1]:3000", true),
        (&plain, "school.localhost", true),
        (&plain, "school.example", false),
        (&plain, "localhost.school.example", false),
        (&strict, "localhost:3000", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        let answer = send(application, Method::POST, "/login/ada", headers.clone()).await;
        let line = answer.cookies()[0].to_owned();
        assert_eq!(line.starts_with("id="), is_plain, "{host}: {line}");
        assert_eq!(!line.contains("Secure"), is_plain, "{host}: {line}");
        headers.insert("cookie", answer.cookie().parse().unwrap());
        let home = send(application, Method::GET, "/home", headers).await;
        assert_eq!(home.body, "ada has 0", "{host}");
    }
}

#[test]
#[should_panic(expected = "no cookie can be called")]
fn has_a_name_that_cookies_can_have() {
    drop(layer().cookie_name("a b"));
}
