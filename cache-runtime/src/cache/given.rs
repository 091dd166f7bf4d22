//! A setting that may be given by code or by the environment.

use std::ffi::OsString;
use std::time::Duration;

/// A value and the name it was given under, for messages.
pub(super) struct Given<T>(pub(super) Option<(T, &'static str)>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Given<T> {
    pub(super) fn set(&mut self, value: T, name: &'static str) {
        self.0 = Some((value, name));
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_none()
    }
}

/// The environment, and what is wrong with it.
pub(super) struct Variables<'a, F> {
    pub(super) variable: F,
    pub(super) errors: &'a mut Vec<String>,
}

impl<F: Fn(&str) -> Option<OsString>> Variables<'_, F> {
    /// Fills an open setting from the variable of this name.
    pub(super) fn take<T>(
        &mut self,
        setting: &mut Given<T>,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) {
        // Set to nothing is how many deployments say "not set".
        let value = (self.variable)(name).filter(|value| !value.is_empty());
        let Some(value) = value.filter(|_| setting.is_open()) else {
            return;
        };
        match value.to_str().ok_or("UTF-8 text").and_then(parse) {
            Ok(value) => setting.set(value, name),
            Err(expected) => self.errors.push(format!("`{name}` must be {expected}")),
        }
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().map(Duration::from_secs);
    seconds.map_err(|_| "a whole number of seconds, such as `3600`")
}
