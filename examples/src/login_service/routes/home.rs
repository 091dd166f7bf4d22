//! The page of who is signed in.

use std::time::SystemTime;

use axum::Form;
use axum::extract::State;
use axum::response::{Html, Redirect};
use cache_runtime::SessionInfo;
use serde::Deserialize;

use super::signed_in::SignedIn;
use crate::db::Db;
use crate::failure::Failure;
use crate::model::Notice;
use crate::pages::{self, Device};
use crate::users;

pub(super) async fn page(State(db): State<Db>, user: SignedIn) -> Result<Html<String>, Failure> {
    let profile = users::profile(&db, user.id).await?;
    let sessions = user.guest.sessions().list(user.id.0).await?;
    let this = user.session.id();
    let device = |session| device(session, session.id == this);
    let devices: Vec<_> = sessions.iter().map(device).collect();
    let notice = user.session.data().notice;
    if notice.is_some() {
        // Told once.
        user.guest.update(|visit| visit.notice = None).await?;
    }
    let now = SystemTime::now();
    Ok(Html(pages::home(&profile, &devices, notice, now)))
}

fn device(session: &SessionInfo, is_this: bool) -> Device {
    let address = session.context.peer_address();
    Device {
        id: session.id.to_string(),
        user_agent: session.context.agent().map(str::to_owned),
        address: address.map(|address| address.to_string()),
        signed_in: session.created_at,
        last_seen: session.accessed_at,
        is_this,
    }
}

#[derive(Deserialize)]
pub(super) struct Renaming {
    full_name: String,
}

pub(super) async fn rename(
    State(db): State<Db>,
    user: SignedIn,
    Form(typed): Form<Renaming>,
) -> Result<Redirect, Failure> {
    let name: String = typed.full_name.trim().chars().take(100).collect();
    if !name.is_empty() {
        users::rename(&db, user.id, &name).await?;
        user.tell(Notice::Renamed).await?;
    }
    Ok(Redirect::to("/"))
}
