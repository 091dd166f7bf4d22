//! Sessions in an axum application: a layer, what handlers ask for, and the cookie in between.
//!
//! `layer` puts a `visitor` into each request and its outcome into the response, as its `settings`
//! say; `extract` is how handlers get at it, and at the `current` session; `changing` is what they do
//! with it. `cookie` and `origin` know headers only.

mod changing;
mod cookie;
mod current;
mod extract;
mod layer;
mod origin;
mod response;
mod settings;
mod visitor;

pub use cookie::SameSite;
pub use current::CurrentSession;
pub use extract::SessionRejection;
pub use layer::{SessionLayer, SessionService};
pub use visitor::Visitor;
