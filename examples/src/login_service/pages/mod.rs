//! The pages: HTML that works without a script, and says what it is to who can't see it.

mod account;
mod escape;
mod home;
mod trouble;

use std::fmt::Display;

pub(crate) use self::account::{Account, sign_in, sign_up};
pub(crate) use self::escape::Escaped;
pub(crate) use self::home::{Device, home};
pub(crate) use self::trouble::trouble;

pub(crate) const STYLE: &str = include_str!("style.css");

/// A whole page. The body is HTML already: what users have typed in it is [`Escaped`].
fn page(title: &str, body: impl Display) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"#,
        title = Escaped(title),
    )
}
