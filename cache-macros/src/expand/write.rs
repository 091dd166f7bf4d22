//! `#[invalidate_cache]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Type, parse_quote};

use super::body::{self, Run};
use super::part::{self, View, part, rebound_with, rendered};
use super::{at, ours, site};
use crate::model::{On, OnFailure, Root, TargetAct, Template, Write};

/// ```text
/// async fn rename(id: u32, name: String) -> Result<(), DbError> {
///     static __CACHE_SITE: P::Site = ..;
///     P::submit! { &__CACHE_SITE }
///     let __cache_write = P::write(&__CACHE_SITE).key(0, &[P::part(&id)]);
///     __cache_write.run(async move || -> Result<(), DbError> { BODY }).await
/// }
/// ```
pub(crate) fn write(write: &Write) -> TokenStream {
    let private = write.runtime.private();
    let site = site::of_write(write, &private);
    let cache = write
        .cache
        .as_ref()
        .map(|cache| part::cache(cache, &private, View::Body));
    let unit: Type = parse_quote!(());
    let returns = write.function.returns.as_ref().unwrap_or(&unit);
    let name = format_ident!("__cache_write");
    let (mut before, mut after) = (TokenStream::new(), TokenStream::new());
    let mut computed = TokenStream::new();
    let mut named = |act: TokenStream, index: usize, template: &Template| {
        let made = made(&act, index, template, returns, &private);
        if template.needs_result() {
            after.extend(made);
        } else {
            before.extend(made);
        }
    };
    for (index, target) in write.targets.iter().enumerate() {
        match &target.act {
            TargetAct::Keys(keys) => computed.extend(rebound_with(&name, "keys", keys)),
            TargetAct::Key(template) => named(quote!(key), index, template),
            TargetAct::Pattern(template) => named(quote!(pattern), index, template),
        }
    }
    for (index, tag) in write.tags.iter().enumerate() {
        named(quote!(tag), index, tag);
    }
    let on = match write.on {
        On::Always => TokenStream::new(),
        On::Ok { place } => {
            let private = at(place, &private);
            quote_spanned!(ours(place)=> .on_ok(#private::shape!(#returns)))
        }
    };
    let or_fail = (write.on_failure == OnFailure::Error).then(|| {
        // At the return type: there rustc reports an error that cannot say it.
        let (place, at_place) = (ours(returns.span()), at(returns.span(), &private));
        quote_spanned!(place=> .or_fail(#at_place::shape!(#returns)))
    });
    let prelude = quote! {
        #site
        let __cache_write = #private::write(&__CACHE_SITE) #cache #before #on #after #or_fail;
        #computed
    };
    body::around(&write.function, &private, &prelude, &name, Run::Once("run"))
}

fn made(
    act: &TokenStream,
    index: usize,
    template: &Template,
    returns: &Type,
    private: &TokenStream,
) -> TokenStream {
    let index = proc_macro2::Literal::usize_unsuffixed(index);
    if template.needs_result() {
        return returned(act, &index, template, returns, private);
    }
    let parts = template
        .parts
        .iter()
        .map(|one| part(one, private, View::Body));
    quote!(.#act(#index, &[#(#parts),*]))
}

/// A key that waits for the result; its other parts are rendered before the
/// body takes the parameters.
fn returned(
    act: &TokenStream,
    index: &proc_macro2::Literal,
    template: &Template,
    returns: &Type,
    private: &TokenStream,
) -> TokenStream {
    let (mut early, mut parts) = (Vec::new(), Vec::new());
    for one in &template.parts {
        if let Root::Return = one.root {
            parts.push(part(one, private, View::Body));
        } else {
            let name = format_ident!("__cache_part_{}", early.len());
            let rendered = rendered(one, private);
            early.push(quote!(let #name = #rendered;));
            parts.push(quote!(#private::part(&#name)));
        }
    }
    let closure = quote! {
        move |__cache_return, __cache_render| __cache_render.#act(#index, &[#(#parts),*])
    };
    let closure = if early.is_empty() {
        closure
    } else {
        quote!({ #(#early)* #closure })
    };
    quote!(.returned(#private::payload!(#returns), #closure))
}
