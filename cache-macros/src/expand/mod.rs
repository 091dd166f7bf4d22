//! Stage three: what is printed. Nothing here can fail.

mod batch;
mod body;
mod companion;
mod key_part;
mod keys;
mod load;
mod options;
mod part;
mod retry;
mod site;
mod tags;
mod with_redis;
mod write;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;

pub(crate) use companion::companion;
pub(crate) use key_part::key_part;
pub(crate) use keys::keys;
pub(crate) use load::load;
pub(crate) use retry::retry;
pub(crate) use with_redis::with_redis;
pub(crate) use write::write;

use crate::model::Runtime;

impl Runtime {
    /// The one entry of all expansions.
    fn private(&self) -> TokenStream {
        let path = &self.0;
        quote!(#path::__private)
    }
}

/// Our hygiene at the user's place.
fn ours(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// A path of ours at the user's place, or rustc underlines all from the
/// attribute to that place.
fn at(place: Span, path: &TokenStream) -> TokenStream {
    let moved = path.clone().into_iter().map(|mut token: TokenTree| {
        token.set_span(token.span().located_at(place));
        token
    });
    moved.collect()
}
