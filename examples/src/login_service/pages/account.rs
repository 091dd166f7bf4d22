//! The pages for who has no session: they ask for a name and a password.

use super::{Escaped, page};
use crate::passwords::LENGTHS;

/// What was typed, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    pub(crate) trouble: Option<&'a str>,
}

pub(crate) fn sign_in(typed: &Account<'_>) -> String {
    let form = form(typed, "/login", "current-password", "", "Sign in");
    let other = r#"<p class="aside">No account yet? <a href="/signup">Create one</a></p>"#;
    page("Sign in", format_args!("{form}{other}"))
}

pub(crate) fn sign_up(typed: &Account<'_>) -> String {
    let hint = format!(
        r#"<p class="hint" id="hint">At least {} characters.</p>"#,
        LENGTHS.start()
    );
    let form = form(typed, "/signup", "new-password", &hint, "Create account");
    let other = r#"<p class="aside">You have one? <a href="/login">Sign in</a></p>"#;
    page("Create account", format_args!("{form}{other}"))
}

fn form(typed: &Account<'_>, action: &str, kind: &str, hint: &str, button: &str) -> String {
    // `alert` is read out when the page comes, and the button is never the first thing found.
    let trouble = typed.trouble.map_or_else(String::new, |trouble| {
        format!(
            r#"<p class="trouble" role="alert">{}</p>"#,
            Escaped(trouble)
        )
    });
    let described = if hint.is_empty() {
        ""
    } else {
        r#" aria-describedby="hint""#
    };
    format!(
        r#"{trouble}
<form class="card" method="post" action="{action}">
<label for="name">Name</label>
<input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" maxlength="64" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="{kind}" maxlength="{most}"{described} required>
{hint}
<button class="main">{button}</button>
</form>
"#,
        name = Escaped(typed.name),
        most = LENGTHS.end(),
    )
}
