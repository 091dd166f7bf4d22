//! The service from outside: its router, a database and a cache of its own, and a browser.

mod browser;
mod outage;
mod people;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use cache_runtime::{Cache, Sessions};
use tower::ServiceExt as _;

use crate::{db, routes};

const PASSWORD: &str = "correct horse";

/// The service, whose annotated functions cache in the test's own cache.
async fn service(cache: &Cache) -> Router {
    let sessions = Sessions::new(cache);
    let router = routes::router(db::open().await.unwrap(), sessions);
    let cache = cache.clone();
    router.layer(from_fn(move |request: Request, next: Next| {
        let cache = cache.clone();
        async move { cache.scope(next.run(request)).await }
    }))
}

/// One browser without a screen: it keeps the cookie that it is given.
struct Tab {
    service: Router,
    cookie: Option<String>,
    /// What it adds to each request.
    says: HeaderMap,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    page: String,
}

impl Answer {
    fn leads_to(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }
}

impl Tab {
    fn new(service: &Router) -> Self {
        Self {
            service: service.clone(),
            cookie: None,
            says: HeaderMap::new(),
        }
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, form).await
    }

    async fn sign_up(&mut self, name: &str) {
        let form = format!("name={name}&password={PASSWORD}");
        let answer = self.post("/signup", &form).await;
        assert_eq!(answer.leads_to(), Some("/"), "{}", answer.page);
    }

    async fn sign_in(&mut self, name: &str) {
        let form = format!("name={name}&password={PASSWORD}");
        let answer = self.post("/login", &form).await;
        assert_eq!(answer.leads_to(), Some("/"), "{}", answer.page);
    }

    async fn send(&mut self, method: Method, path: &str, form: &str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let mut request = request.body(Body::from(form.to_owned())).unwrap();
        request.headers_mut().extend(self.says.clone());
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(cookie) = parts.headers.get(SET_COOKIE) {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        let page = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            page: String::from_utf8(page.into()).unwrap(),
        }
    }
}

/// As a configuration error would be, what is wrong with it is for the test to see.
fn redis(url: &str) -> Cache {
    let settings = Cache::builder().redis_url(url).namespace("login");
    settings.budget(Duration::from_secs(5)).build().unwrap()
}

#[test]
fn the_annotations_agree() {
    cache_runtime::assert_catalogue!(crate);
}
