//! Signing out other devices.

use axum::extract::Path;
use axum::response::Redirect;
use cache_runtime::SessionId;

use super::signed_in::SignedIn;
use crate::failure::Failure;
use crate::model::Notice;

/// One of the user's own: the name of anybody else's session ends nothing.
pub(super) async fn sign_out(
    Path(device): Path<String>,
    user: SignedIn,
) -> Result<Redirect, Failure> {
    let device: SessionId = device.parse().map_err(|_| Failure::NotFound)?;
    if device == user.session.id() {
        user.guest.log_out().await?;
    } else if user
        .guest
        .sessions()
        .delete_by_id(user.id.0, &device)
        .await?
    {
        user.tell(Notice::SignedOut).await?;
    }
    Ok(Redirect::to("/"))
}

pub(super) async fn sign_out_others(user: SignedIn) -> Result<Redirect, Failure> {
    let ended = user.guest.log_out_elsewhere().await?;
    user.tell(Notice::SignedOutElsewhere(ended)).await?;
    Ok(Redirect::to("/"))
}
