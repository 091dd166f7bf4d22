//! The options of a load as calls in a chain.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::part::{View, in_scope};
use super::{at, ours};
use crate::model::{Format, Jitter, Keep, Policy, Ttl};

/// `.ttl(P::Ttl::seconds(1800)).jitter(P::Jitter::percent(10))`
pub(super) fn policy(policy: &Policy, private: &TokenStream, place: Span) -> TokenStream {
    let Policy {
        ttl: lifetime,
        jitter,
        none,
        errors,
        store_if,
    } = policy;
    let lifetime = lifetime.as_ref().map(|(lifetime, _)| match lifetime {
        Ttl::Of(closure) => call(closure, "ttl_of"),
        other => {
            let ttl = ttl(other, private);
            quote_spanned!(ours(place)=> .ttl(#ttl))
        }
    });
    let jitter = jitter.map(|jitter| match jitter {
        Jitter::Percent(percent) => {
            let percent = Literal::u8_unsuffixed(percent);
            quote_spanned!(ours(place)=> .jitter(#private::Jitter::percent(#percent)))
        }
        Jitter::Millis(millis) => {
            let millis = Literal::u64_unsuffixed(millis);
            quote_spanned!(ours(place)=> .jitter(#private::Jitter::millis(#millis)))
        }
    });
    let none = none.as_ref().map(|(keep, place)| {
        let private = at(*place, private);
        let keep = match keep {
            Keep::Never => quote_spanned!(ours(*place)=> #private::Keep::Never),
            Keep::For(lifetime) => {
                let ttl = ttl(lifetime, &private);
                quote_spanned!(ours(*place)=> #private::Keep::For(#ttl))
            }
        };
        quote_spanned!(ours(*place)=> .none(#keep))
    });
    let errors = errors.as_ref().map(|(lifetime, place)| {
        let ttl = ttl(lifetime, &at(*place, private));
        quote_spanned!(ours(*place)=> .errors(#ttl))
    });
    let store_if = store_if
        .as_ref()
        .map(|condition| call(condition, "store_if"));
    quote!(#lifetime #jitter #none #errors #store_if)
}

/// `.store_if(EXPR)`, at the expression.
fn call(expr: &Expr, method: &str) -> TokenStream {
    let place = ours(expr.span());
    let method = Ident::new(method, place);
    quote_spanned!(place=> .#method(#expr))
}

fn ttl(ttl: &Ttl, private: &TokenStream) -> TokenStream {
    match ttl {
        Ttl::Millis(millis) if millis % 1_000 == 0 => {
            let seconds = Literal::u64_unsuffixed(millis / 1_000);
            quote!(#private::Ttl::seconds(#seconds))
        }
        Ttl::Millis(millis) => {
            let millis = Literal::u64_unsuffixed(*millis);
            quote!(#private::Ttl::millis(#millis))
        }
        Ttl::Short => quote!(#private::Ttl::Short),
        Ttl::Default => quote!(#private::Ttl::Default),
        Ttl::Long => quote!(#private::Ttl::Long),
        Ttl::Exactly(expression) => {
            let place = expression.expr.span();
            let private = at(place, private);
            let expression = in_scope(expression, View::Body);
            quote_spanned!(ours(place)=> #private::Ttl::exactly(#expression))
        }
        Ttl::Of(closure) => quote!(#closure),
    }
}

/// `.format(P::Format::new().version(3))`, or nothing for the default format.
pub(super) fn format(format: &Format, private: &TokenStream) -> TokenStream {
    let Format {
        version,
        postcard,
        compress,
        max_entry,
    } = format;
    let unsuffixed = Literal::u32_unsuffixed;
    let version = version.map(|version| {
        let version = unsuffixed(version);
        quote!(.version(#version))
    });
    // At the user's word: there rustc names the missing feature.
    let codec = postcard.map(|place| {
        let private = at(place, private);
        quote_spanned!(ours(place)=> .codec::<#private::Postcard>())
    });
    let compress = compress.map(|(bytes, place)| {
        let bytes = unsuffixed(bytes);
        let private = at(place, private);
        quote_spanned!(ours(place)=> .compress::<#private::Compression>(#bytes))
    });
    let max_entry = max_entry.map(|bytes| {
        let bytes = unsuffixed(bytes);
        quote!(.max_entry(#bytes))
    });
    let chain = quote!(#version #codec #compress #max_entry);
    if chain.is_empty() {
        return chain;
    }
    quote!(.format(#private::Format::new() #chain))
}
