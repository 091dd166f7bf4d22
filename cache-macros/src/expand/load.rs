//! `#[cache_result]`, `#[update_cache]` and `#[cache_many]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::body::{self, Run};
use super::part::{self, View, call_with, part};
use super::{at, batch, companion, options, ours, site, tags};
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
    let call = call(load, &private);
    let cache = load
        .cache
        .as_ref()
        .map(|cache| part::cache(cache, &private, View::Body));
    let tags = tags::of_call(&load.tags, &private, returns.span());
    let key = key(&load.key, &private, returns.span());
    let entry = match &load.act {
        Act::Read | Act::Update => quote!(#tags #key),
        Act::Many(batch) => batch::each(batch, &quote!(#tags #key), returns.span()),
    };
    let policy = options::policy(&load.policy, &private, returns.span());
    // An update only stores: its own load is not covered by what it stores.
    let demands = match load.act {
        Act::Read => options::demands(&load.windows, returns.span()),
        Act::Update | Act::Many(_) => TokenStream::new(),
    };
    let prelude = quote! {
        #site
        let __cache_call = #call #cache #entry #policy #demands;
    };
    let run = match &load.act {
        Act::Read if load.windows.need_background() => Run::Once("read_behind"),
        Act::Read => Run::Once("read"),
        Act::Update => Run::Once("update"),
        Act::Many(batch) => Run::Batch(batch),
    };
    let function = body::around(
        &load.function,
        &private,
        &prelude,
        &format_ident!("__cache_call"),
        run,
    );
    let companion = load.companion.as_ref().map(companion);
    quote!(#function #companion)
}

/// `P::call(&__CACHE_SITE, P::shape!(User))`, at the return type: there rustc reports what cannot
/// be cached.
fn call(load: &Load, private: &TokenStream) -> TokenStream {
    let returns = &load.returns;
    let (place, at_place) = (ours(returns.span()), at(returns.span(), private));
    let shape = quote_spanned!(place=> #at_place::shape!(#returns));
    match &load.act {
        Act::Read | Act::Update => quote_spanned!(place=> #at_place::call(&__CACHE_SITE, #shape)),
        Act::Many(batch) => {
            let all = batch::all(batch, private);
            quote_spanned!(place=> #at_place::many(&__CACHE_SITE, #shape, #all))
        }
    }
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
