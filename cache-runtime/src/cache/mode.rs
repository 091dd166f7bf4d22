//! A switch for the whole cache.

use std::fmt;
use std::str::FromStr;

/// How a cache is used; `CACHE_MODE` or [`Cache::set_mode`](crate::Cache::set_mode) sets it.
///
/// ```
/// use cache_runtime::Mode;
///
/// assert_eq!("read".parse(), Ok(Mode::Read));
/// assert_eq!("sometimes".parse::<Mode>(), Err("one of `on`, `read`, `off`"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Entries are read and stored.
    #[default]
    On,
    /// Entries are read, and none are stored.
    Read,
    /// Functions run as if they were not annotated; invalidations are still sent.
    Off,
}

impl Mode {
    pub(super) fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::On,
            1 => Self::Read,
            _ => Self::Off,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::On => "on",
            Self::Read => "read",
            Self::Off => "off",
        })
    }
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "on" => Ok(Self::On),
            "read" => Ok(Self::Read),
            "off" => Ok(Self::Off),
            _ => Err("one of `on`, `read`, `off`"),
        }
    }
}
