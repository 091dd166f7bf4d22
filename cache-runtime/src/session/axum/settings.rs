//! How a layer treats requests and their responses.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::Uri;
use http::header::{
    CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT, VARY,
};
use http::request::Parts;

use super::cookie::Cookie;
use super::origin;
use super::visitor::{CookieChange, Visitor};
use crate::session::{SessionContext, Sessions};

pub(super) type AddressOf = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// How a layer treats requests.
pub(super) struct Settings<D> {
    pub(super) sessions: Sessions<D>,
    pub(super) cookie: Cookie,
    /// Without `Secure`, for requests to this very machine.
    pub(super) is_plain_on_loopback: bool,
    pub(super) origins: Origins,
    pub(super) address: Option<AddressOf>,
}

/// Whose pages may have things changed.
#[derive(Clone)]
pub(super) enum Origins {
    Our(Vec<String>),
    All,
}

impl<D> Settings<D> {
    /// Whether the request is caused by a page whose business it is not.
    pub(super) fn refuses(&self, parts: &Parts) -> bool {
        match &self.origins {
            Origins::All => false,
            Origins::Our(trusted) => {
                origin::is_foreign(&parts.method, &parts.uri, &parts.headers, trusted)
            }
        }
    }

    pub(super) fn cookie_for(&self, parts: &Parts) -> Cookie {
        let mut cookie = self.cookie.clone();
        if self.is_plain_on_loopback && is_loopback(&parts.uri, &parts.headers) {
            cookie.is_secure = false;
        }
        cookie
    }

    fn context_of(&self, parts: &Parts) -> SessionContext {
        let mut context = SessionContext::new();
        if let Some(address) = self.address.as_ref().and_then(|address| address(parts)) {
            context = context.address(address);
        }
        let agent = parts.headers.get(USER_AGENT);
        match agent.and_then(|agent| agent.to_str().ok()) {
            Some(agent) => context.user_agent(agent),
            None => context,
        }
    }

    /// Who sends a request, as far as its cookie says.
    pub(super) fn visitor(&self, parts: &Parts, cookie: &Cookie) -> Visitor<D> {
        let token = cookie.token_in(&parts.headers);
        let has_cookie = cookie.is_in(&parts.headers);
        let context = self.context_of(parts);
        Visitor::new(self.sessions.clone(), context, token, has_cookie)
    }
}

fn is_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let host = uri.authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(HOST)?.to_str().ok());
    // An address of version 6 stands in brackets, with colons of its own.
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    name.is_some_and(|name| {
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let is_address = address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
        is_address || name == "localhost" || name.ends_with(".localhost")
    })
}

/// No log of a handler's headers prints a token.
pub(super) fn hide(headers: &mut HeaderMap) {
    if let http::header::Entry::Occupied(mut cookies) = headers.entry(COOKIE) {
        for line in cookies.iter_mut() {
            line.set_sensitive(true);
        }
    }
}

/// What the response says of the session.
pub(super) fn tell<D>(visitor: &Visitor<D>, cookie: &Cookie, headers: &mut HeaderMap) {
    if visitor.was_asked() {
        headers.append(VARY, HeaderValue::from_static("cookie"));
    }
    let line = match visitor.take_cookie() {
        None => return,
        Some(CookieChange::Removed) => cookie.removed(),
        Some(CookieChange::Kept { token, ends }) => {
            let left = ends.duration_since(SystemTime::now()).unwrap_or_default();
            cookie.kept(&token, left)
        }
    };
    let Some(line) = line else { return };
    headers.append(SET_COOKIE, line);
    // A cache that hands out one visitor's cookie to all would log them in as that one.
    let rule = if headers.contains_key(CACHE_CONTROL) {
        "no-cache=\"set-cookie\""
    } else {
        "no-store"
    };
    headers.append(CACHE_CONTROL, HeaderValue::from_static(rule));
}

impl<D> Clone for Settings<D> {
    fn clone(&self) -> Self {
        Self {
            sessions: self.sessions.clone(),
            cookie: self.cookie.clone(),
            is_plain_on_loopback: self.is_plain_on_loopback,
            origins: self.origins.clone(),
            address: self.address.clone(),
        }
    }
}
