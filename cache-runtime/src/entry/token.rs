//! The random name of one sending of a lease.

use std::fmt;

/// What a lease holder proves at publishing that the key still carries its lease.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(super) [u8; 16]);

impl Token {
    /// Its bytes, for a command.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// What a mutant uses instead: the same for every load of this process.
    pub(crate) fn of_process() -> Self {
        Self(u128::from(std::process::id()).to_be_bytes())
    }

    /// A token nobody has used before.
    pub(crate) fn random() -> Self {
        #[cfg(test)]
        if let Some(token) = crate::model::random_bytes() {
            return Self(token);
        }
        Self(rand::random())
    }
}

// Whoever reads a token can publish under it, so it is not for logs.
impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_each_time() {
        assert_ne!(Token::random(), Token::random());
    }

    #[test]
    fn prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", Token([7; 16])), "Token(..)");
    }
}
