//! The cookie that carries a token: how it is found, and how browsers are told to keep it.

use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::session::SessionToken;

/// When a browser sends the session with a request that another site has caused.
///
/// ```
/// use cache_runtime::SameSite;
///
/// assert_eq!(SameSite::default(), SameSite::Lax);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Only when somebody follows a link: who comes from elsewhere is signed in.
    #[default]
    Lax,
    /// Never: who comes from elsewhere by a link seems to be signed out, until the next click.
    Strict,
}

/// How the cookie is called, and which attributes it has.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    pub(super) base: String,
    pub(super) same_site: SameSite,
    /// Without, it is for plain HTTP on one's own machine.
    pub(super) is_secure: bool,
    /// Kept until the session ends, rather than until the browser does.
    pub(super) is_kept: bool,
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            // A name that says nothing of what runs here.
            base: "id".to_owned(),
            same_site: SameSite::default(),
            is_secure: true,
            is_kept: false,
        }
    }
}

impl Cookie {
    /// Browsers take `__Host-` from this very host only, and only over TLS: no other host of the
    /// same site, and nobody on the way, can plant a cookie of this name.
    fn prefix(&self) -> &'static str {
        if self.is_secure { "__Host-" } else { "" }
    }

    /// The values of all cookies of this name.
    fn values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let lines = headers.get_all(COOKIE).into_iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let is_called = |name: &str| name.strip_prefix(self.prefix()) == Some(self.base.as_str());
        pairs.filter_map(move |(name, value)| is_called(name).then_some(value))
    }

    /// Whether there is one at all, be it of use or not.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        self.values(headers).next().is_some()
    }

    /// The first that is a token: whatever else is called so is no session.
    pub(super) fn token_in(&self, headers: &HeaderMap) -> Option<SessionToken> {
        self.values(headers).find_map(SessionToken::parse)
    }

    /// What makes a browser keep a token for a session with so much time left.
    pub(super) fn kept(&self, token: &SessionToken, left: Duration) -> Option<HeaderValue> {
        let age = self.is_kept.then_some(left.as_secs());
        self.line(&token.expose(), age)
    }

    /// What makes a browser forget it.
    pub(super) fn removed(&self) -> Option<HeaderValue> {
        self.line("", Some(0))
    }

    /// `None` for a name that no header can have; [`is_name`] rules it out.
    fn line(&self, value: &str, age: Option<u64>) -> Option<HeaderValue> {
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let secure = if self.is_secure { "; Secure" } else { "" };
        let age = age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
        let (prefix, base) = (self.prefix(), &self.base);
        let line =
            format!("{prefix}{base}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}");
        let mut line = HeaderValue::try_from(line).ok()?;
        // So that no log of headers prints it.
        line.set_sensitive(true);
        Some(line)
    }
}

/// Whether a cookie may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || is_mark(byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(cookies: &[&str]) -> HeaderMap {
        let lines = cookies.iter().map(|line| HeaderValue::from_str(line));
        lines.map(|line| (COOKIE, line.unwrap())).collect()
    }

    fn token(letter: &str) -> String {
        letter.repeat(80)
    }

    #[test]
    fn a_token_is_found_among_other_cookies() {
        let cookie = Cookie::default();
        for line in [
            format!("__Host-id={}", token("A")),
            format!("theme=dark; __Host-id={}; lang=en", token("A")),
            format!("__Host-id=nonsense;__Host-id={}", token("A")),
        ] {
            let found = cookie.token_in(&brought(&["a=b", &line]));
            assert_eq!(
                found.map(|token| token.expose()),
                Some(token("A")),
                "{line}"
            );
        }
    }

    #[test]
    fn whatever_else_is_no_token() {
        let cookie = Cookie::default();
        for line in [
            String::new(),
            "__Host-id".to_owned(),
            "__Host-id=".to_owned(),
            format!("id={}", token("A")),
            format!("__Host-other={}", token("A")),
            format!("__Host-id=\"{}\"", token("A")),
            format!("__Host-id={}", token("A").repeat(1_000)),
        ] {
            assert!(cookie.token_in(&brought(&[&line])).is_none(), "{line}");
        }
        let mut foreign = HeaderMap::new();
        foreign.insert(COOKIE, HeaderValue::from_bytes(b"__Host-id=\xff").unwrap());
        assert!(!cookie.is_in(&foreign));
    }

    #[test]
    fn says_how_it_is_to_be_kept_and_prints_nothing_of_it() {
        let token = SessionToken::parse(&token("A")).unwrap();
        let mut cookie = Cookie::default();
        let line = cookie.kept(&token, Duration::from_secs(60)).unwrap();
        assert_eq!(
            line.to_str().unwrap(),
            format!(
                "__Host-id={}; Path=/; HttpOnly; SameSite=Lax; Secure",
                token.expose()
            )
        );
        assert_eq!(format!("{line:?}"), "Sensitive");

        (cookie.is_secure, cookie.is_kept) = (false, true);
        cookie.same_site = SameSite::Strict;
        let line = cookie.kept(&token, Duration::from_secs(60)).unwrap();
        assert_eq!(
            line.to_str().unwrap(),
            format!(
                "id={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=60",
                token.expose()
            )
        );
    }

    #[test]
    fn is_removed_with_the_attributes_that_it_was_kept_with() {
        let line = Cookie::default().removed().unwrap();
        assert_eq!(
            line,
            "__Host-id=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn names_are_words_of_http() {
        assert!(is_name("id") && is_name("my.sid"));
        for wrong in ["", "a b", "a;b", "a=b", "é", &"a".repeat(65)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }
}
