//! `#[cache_result]` and `#[update_cache]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::part::{self, View, call_with, part};
use super::{at, body, companion, options, ours, site, tags};
use crate::model::{Act, Key, Load};

/// ```text
/// async fn user(id: u32) -> User {
///     static __CACHE_SITE: P::Site = ..;
///     P::submit! { &__CACHE_SITE }
///     let __cache_call = P::call(&__CACHE_SITE, P::shape!(User)).key(&[P::part(&id)]);
///     __cache_call.read(async move || -> User { P::gives!(User); BODY }).await
/// }
/// fn user_key(id: impl KeyArg<u32>) -> KeyOf<User> { .. }
/// ```
pub(crate) fn load(load: &Load) -> TokenStream {
    let private = load.runtime.private();
    let site = site::of_load(load, &private);
    let returns = &load.returns;
    // At the return type: there rustc reports what cannot be cached.
    let at_returns = at(returns.span(), &private);
    let call = quote_spanned!(ours(returns.span())=>
        #at_returns::call(&__CACHE_SITE, #at_returns::shape!(#returns))
    );
    let cache = load
        .cache
        .as_ref()
        .map(|cache| part::cache(cache, &private, View::Body));
    let tags = tags::of_call(&load.tags, &private, returns.span());
    let key = key(&load.key, &private, returns.span());
    let policy = options::policy(&load.policy, &private, returns.span());
    // An update only stores: its own load is not covered by what it stores.
    let demands = match load.act {
        Act::Read => options::demands(&load.windows, returns.span()),
        Act::Update => TokenStream::new(),
    };
    let prelude = quote! {
        #site
        let __cache_call = #call #cache #tags #key #policy #demands;
    };
    let act = match load.act {
        Act::Read if load.windows.need_background() => "read_behind",
        Act::Read => "read",
        Act::Update => "update",
    };
    let function = body::around(
        &load.function,
        &private,
        &prelude,
        &format_ident!("__cache_call"),
        act,
    );
    let companion = load.companion.as_ref().map(companion);
    quote!(#function #companion)
}

/// `.key(..)`, at the return type: what rustc reports on behind it begins there.
fn key(key: &Key, private: &TokenStream, place: Span) -> TokenStream {
    match key {
        Key::Template(template) => {
            let parts = template
                .parts
                .iter()
                .map(|one| part(one, private, View::Body));
            quote_spanned!(ours(place)=> .key(&[#(#parts),*]))
        }
        Key::Computed { key, .. } => call_with("key_from", key),
    }
}
