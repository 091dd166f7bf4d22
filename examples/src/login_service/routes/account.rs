//! Signing in, up and out.

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::{Guest, address_of};
use crate::db::Db;
use crate::failure::Failure;
use crate::model::{UserId, Visit};
use crate::pages::{self, Account};
use crate::passwords::LENGTHS;
use crate::{limits, passwords, users};

const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 1..=64;

#[derive(Deserialize)]
pub(super) struct Typed {
    name: String,
    password: String,
}

impl Typed {
    /// Whether it can be somebody's at all; the form asks for no less.
    fn is_possible(&self) -> bool {
        let length = self.password.chars().count();
        NAME_LENGTHS.contains(&self.name.chars().count()) && length <= *LENGTHS.end()
    }

    fn again(&self, page: fn(&Account<'_>) -> String, status: StatusCode, why: &str) -> Response {
        let name: String = self.name.chars().take(*NAME_LENGTHS.end()).collect();
        let trouble = Some(why);
        let typed = Account {
            name: &name,
            trouble,
        };
        (status, Html(page(&typed))).into_response()
    }
}

pub(super) async fn sign_in_page() -> Html<String> {
    Html(pages::sign_in(&Account::default()))
}

pub(super) async fn sign_up_page() -> Html<String> {
    Html(pages::sign_up(&Account::default()))
}

/// It does the same for a name that nobody has, so that its time does not say who has an account.
pub(super) async fn sign_in(
    State(db): State<Db>,
    guest: Guest,
    Form(mut typed): Form<Typed>,
) -> Result<Response, Failure> {
    const WRONG: &str = "That name and password don't belong together.";
    typed.name = typed.name.trim().to_owned();
    if !typed.is_possible() {
        return Ok(typed.again(pages::sign_in, StatusCode::UNPROCESSABLE_ENTITY, WRONG));
    }
    limits::attempt(address_of(&guest), &typed.name).await?;
    let found = users::credentials(&db, &typed.name).await?;
    let (id, hash) = match found {
        Some(found) => (found.id, Some(found.password_hash)),
        None => (UserId::NOBODY, None),
    };
    // Before the password is looked at: if all sessions of the user are ended meanwhile, as after
    // a change of the password, this one is not to come after it.
    let login = guest.begin_login(id.0).await?;
    if !passwords::is_right(std::mem::take(&mut typed.password), hash).await? {
        return Ok(typed.again(pages::sign_in, StatusCode::UNPROCESSABLE_ENTITY, WRONG));
    }
    guest.finish_login(login, Visit::default()).await?;
    Ok(Redirect::to("/").into_response())
}

pub(super) async fn sign_up(
    State(db): State<Db>,
    guest: Guest,
    Form(mut typed): Form<Typed>,
) -> Result<Response, Failure> {
    typed.name = typed.name.trim().to_owned();
    if !typed.is_possible() || typed.password.chars().count() < *LENGTHS.start() {
        let why = "The password is too short, or something is too long.";
        return Ok(typed.again(pages::sign_up, StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    limits::attempt(address_of(&guest), &typed.name).await?;
    let hash = passwords::hash(std::mem::take(&mut typed.password)).await?;
    let Some(id) = users::create(&db, &typed.name, &hash).await? else {
        let why = "That name is taken.";
        return Ok(typed.again(pages::sign_up, StatusCode::CONFLICT, why));
    };
    guest.log_in(id.0, Visit::default()).await?;
    Ok(Redirect::to("/").into_response())
}

pub(super) async fn sign_out(guest: Guest) -> Result<Redirect, Failure> {
    guest.log_out().await?;
    Ok(Redirect::to("/login"))
}
