//! The page of who is signed in: the profile, and every device with a session.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::{Escaped, page};
use crate::model::{Notice, Profile};

/// One session, as the person knows it.
pub(crate) struct Device {
    /// What its form names it by.
    pub(crate) id: String,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) signed_in: SystemTime,
    pub(crate) last_seen: SystemTime,
    pub(crate) is_this: bool,
}

pub(crate) fn home(
    profile: &Profile,
    devices: &[Device],
    notice: Option<Notice>,
    now: SystemTime,
) -> String {
    let notice = notice.map_or_else(String::new, |notice| {
        format!(r#"<p class="notice" role="status">{}</p>"#, told(notice))
    });
    let devices = list(devices, now);
    page(
        &format!("Welcome, {}", profile.full_name),
        format_args!(
            r#"{notice}
<section class="card" aria-labelledby="profile">
<h2 id="profile">Profile</h2>
<p>You sign in as <strong>{name}</strong>.</p>
<form class="row" method="post" action="/profile">
<label for="full_name">Full name</label>
<input id="full_name" name="full_name" value="{full_name}" autocomplete="name" maxlength="100" required>
<button>Save</button>
</form>
</section>
<section class="card" aria-labelledby="devices">
<h2 id="devices">Devices</h2>
{devices}
</section>
<form method="post" action="/logout"><button class="main">Sign out</button></form>
"#,
            name = Escaped(&profile.name),
            full_name = Escaped(&profile.full_name),
        ),
    )
}

fn told(notice: Notice) -> String {
    match notice {
        Notice::Renamed => "Your name is saved.".to_owned(),
        Notice::SignedOut => "That device is signed out.".to_owned(),
        Notice::SignedOutElsewhere(1) => "One other device is signed out.".to_owned(),
        Notice::SignedOutElsewhere(devices) => {
            format!("{devices} other devices are signed out.")
        }
    }
}

fn list(devices: &[Device], now: SystemTime) -> String {
    let mut list = String::from(r#"<ul class="devices">"#);
    for device in devices {
        // Writing to a `String` does not fail.
        let _ = write!(list, "{}", item(device, now));
    }
    list.push_str("</ul>");
    if devices.len() > 1 {
        list.push_str(
            r#"<form method="post" action="/devices/others/sign-out"><button>Sign out everywhere else</button></form>"#,
        );
    }
    list
}

fn item(device: &Device, now: SystemTime) -> String {
    let name = device.user_agent.as_deref().map_or("A device", called);
    let from = device.address.as_deref().unwrap_or("an unknown address");
    let end = if device.is_this {
        r#"<span class="this">This device</span>"#.to_owned()
    } else {
        // The name of the device is read out with the button, or all of them would sound alike.
        format!(
            r#"<form method="post" action="/devices/{id}/sign-out"><button aria-label="Sign out: {name}, {from}">Sign out</button></form>"#,
            id = Escaped(&device.id),
            name = Escaped(name),
            from = Escaped(from),
        )
    };
    format!(
        "<li><div><strong>{name}</strong><span>{from} · signed in {signed_in} · active {last_seen}</span></div>{end}</li>",
        name = Escaped(name),
        from = Escaped(from),
        signed_in = ago(device.signed_in, now),
        last_seen = ago(device.last_seen, now),
    )
}

/// A browser by the name that people call it; they all claim to be several, so the order matters.
fn called(user_agent: &str) -> &str {
    const NAMES: [(&str, &str); 8] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("iPhone", "Safari on an iPhone"),
        ("Android", "Chrome on Android"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let found = NAMES.iter().find(|(mark, _)| user_agent.contains(mark));
    found.map_or("A device", |(_, name)| name)
}

fn ago(then: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    match (seconds / 60, seconds / 3600) {
        (0, _) => "just now".to_owned(),
        (1, _) => "a minute ago".to_owned(),
        (minutes, 0) => format!("{minutes} minutes ago"),
        (_, 1) => "an hour ago".to_owned(),
        (_, hours) => format!("{hours} hours ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
        let told = [10, 70, 600, 3700, 40_000].map(|s| ago(now - Duration::from_secs(s), now));
        assert_eq!(
            told,
            [
                "just now",
                "a minute ago",
                "10 minutes ago",
                "an hour ago",
                "11 hours ago"
            ]
        );
    }

    #[test]
    fn what_a_device_says_of_itself_is_text() {
        let device = Device {
            id: "x".to_owned(),
            user_agent: None,
            address: Some("<script>".to_owned()),
            signed_in: SystemTime::UNIX_EPOCH,
            last_seen: SystemTime::UNIX_EPOCH,
            is_this: false,
        };
        assert!(!item(&device, SystemTime::UNIX_EPOCH).contains("<script>"));
    }
}
