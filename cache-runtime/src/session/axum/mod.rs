//! Sessions in an axum application: a layer, what handlers ask for, and the cookie in between.
//!
//! `layer` puts a `visitor` into each request and its outcome into the response; `extract` is how
//! handlers get at it. `cookie` and `origin` know headers only.

mod cookie;
mod extract;
mod layer;
mod origin;
mod response;
mod visitor;

pub use cookie::SameSite;
pub use extract::SessionRejection;
pub use layer::{SessionLayer, SessionService};
pub use visitor::{CurrentSession, Visitor};
