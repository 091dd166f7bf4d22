//! Whether a browser says that another site has caused a request.

use http::header::{HOST, HeaderMap, ORIGIN, UPGRADE};
use http::{HeaderName, Method, Uri};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that may change something comes from a page of another origin.
///
/// Browsers say so in `Sec-Fetch-Site`, which no script can set; older ones send `Origin`. Who
/// sends neither is no browser, and does nothing in the name of a person who does not know.
pub(super) fn is_foreign(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    trusted: &[String],
) -> bool {
    // What opens a socket is a `GET`, and whoever holds the socket changes things.
    if method.is_safe() && !headers.contains_key(UPGRADE) {
        return false;
    }
    let origin = text(headers, &ORIGIN);
    if origin.is_some_and(|origin| trusted.iter().any(|trusted| trusted == origin)) {
        return false;
    }
    match text(headers, &SEC_FETCH_SITE) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => origin.is_some_and(|origin| !is_same_host(origin, uri, headers)),
    }
}

/// The scheme is left out: behind a proxy that speaks TLS nobody here knows it.
fn is_same_host(origin: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let here = uri.authority().map(http::uri::Authority::as_str);
    let here = here.or_else(|| text(headers, &HOST));
    let there = origin.split_once("://").map(|(_, host)| host);
    match (here, there) {
        (Some(here), Some(there)) => here.eq_ignore_ascii_case(there),
        _ => false,
    }
}

/// What is no text is nothing that a browser has sent, and equals nothing.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn foreign(method: &Method, said: &[(&'static str, &'static str)]) -> bool {
        let said = said.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let mut headers: HeaderMap = said.collect();
        headers.insert(HOST, HeaderValue::from_static("school.example:8080"));
        let uri = Uri::from_static("/logout");
        is_foreign(
            method,
            &uri,
            &headers,
            &["https://partner.example".to_owned()],
        )
    }

    #[test]
    fn what_changes_nothing_may_come_from_anywhere() {
        let site = [("sec-fetch-site", "cross-site")];
        assert!(!foreign(&Method::GET, &site));
        assert!(!foreign(&Method::HEAD, &site));
        assert!(foreign(&Method::POST, &site));
        assert!(foreign(&Method::DELETE, &site));
    }

    #[test]
    fn a_socket_is_not_opened_by_another_site() {
        let opening = [("upgrade", "websocket"), ("sec-fetch-site", "same-site")];
        assert!(foreign(&Method::GET, &opening));
    }

    #[test]
    fn a_browser_says_where_a_request_comes_from() {
        for (site, is_foreign) in [
            ("same-origin", false),
            ("none", false),
            ("same-site", true),
            ("cross-site", true),
            ("", true),
        ] {
            let said = [
                ("sec-fetch-site", site),
                ("origin", "http://school.example:8080"),
            ];
            assert_eq!(foreign(&Method::POST, &said), is_foreign, "{site}");
        }
    }

    #[test]
    fn an_older_browser_says_its_origin() {
        for (origin, is_foreign) in [
            ("https://school.example:8080", false),
            ("http://SCHOOL.example:8080", false),
            ("https://school.example", true),
            ("https://evil.example", true),
            ("null", true),
            ("https://school.example:8080.evil.example", true),
        ] {
            assert_eq!(
                foreign(&Method::POST, &[("origin", origin)]),
                is_foreign,
                "{origin}"
            );
        }
    }

    #[test]
    fn an_origin_that_is_trusted_is_none_of_others() {
        let said = [
            ("origin", "https://partner.example"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert!(!foreign(&Method::POST, &said));
    }

    #[test]
    fn what_is_no_browser_says_nothing() {
        assert!(!foreign(&Method::POST, &[]));
    }
}
