//! Passwords: only a slow hash of each is kept, and checking one takes as long for nobody's.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Short ones are guessed; a long one only makes us work.
pub(crate) const LENGTHS: std::ops::RangeInclusive<usize> = 8..=200;

/// What the password of a user who does not exist is checked against, so that the time of an
/// answer does not say who does.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hashed("nobody's").ok());

/// Each takes 19 MiB, and there may be as many at once as there are requests.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

pub(crate) async fn hash(password: String) -> Result<String, Failure> {
    apart(move || hashed(&password)).await
}

/// Whether a password is that of the user with this hash; without one it never is.
pub(crate) async fn is_right(password: String, hash: Option<String>) -> Result<bool, Failure> {
    apart(move || {
        // Made when it is first asked for, so it is asked for in any case.
        let nobodys = NOBODYS.as_ref();
        let hash_or_nobodys = hash.as_ref().or(nobodys);
        let checked = hash_or_nobodys.ok_or(Failure::Passwords)?;
        let checked = PasswordHash::new(checked).map_err(|_| Failure::Passwords)?;
        let is_same = Argon2::default().verify_password(password.as_bytes(), &checked);
        Ok(is_same.is_ok() && hash.is_some())
    })
    .await
}

fn hashed(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|_| Failure::Passwords)?.to_string())
}

/// It takes tens of milliseconds of a processor, which the threads that serve requests don't have.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let turn = AT_ONCE.acquire().await.map_err(|_| Failure::Passwords)?;
    // With the turn: the work goes on when whoever waits for it is gone.
    let in_turn = move || {
        let done = work();
        drop(turn);
        done
    };
    let done = tokio::task::spawn_blocking(in_turn).await;
    done.map_err(|_| Failure::Passwords)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_user_is_right() {
        let hash = hash("correct horse".to_owned()).await.unwrap();

        assert!(hash.starts_with("$argon2id$"));
        let check =
            |password: &str, hash: Option<&String>| is_right(password.to_owned(), hash.cloned());
        assert!(check("correct horse", Some(&hash)).await.unwrap());
        assert!(!check("battery staple", Some(&hash)).await.unwrap());
        assert!(!check("nobody's", None).await.unwrap());
    }
}
