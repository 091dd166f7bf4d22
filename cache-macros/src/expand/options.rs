//! The options of a load as calls in a chain.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::part::{View, in_scope};
use super::{at, ours};
use crate::model::{Format, Jitter, Keep, Policy, Refresh, Ttl, Windows};

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

/// `.windows(P::Windows::new().stale(600000).refresh_by_caller())`, or nothing.
pub(super) fn windows(windows: &Windows, private: &TokenStream) -> TokenStream {
    let Windows {
        stale,
        fail_safe,
        refresh_ahead,
        refresh,
        soft_timeout,
        hard_timeout,
        sliding,
        verify,
    } = windows;
    let time = |name: &str, millis: Option<u64>| {
        let name = format_ident!("{name}");
        let millis = Literal::u64_unsuffixed(millis?);
        Some(quote!(.#name(#millis)))
    };
    let share = |name: &str, share: Option<f64>| {
        let name = format_ident!("{name}");
        let share = Literal::f64_unsuffixed(share?);
        Some(quote!(.#name(#share)))
    };
    let chain = [
        time("stale", *stale),
        time("fail_safe", fail_safe.map(|(millis, _)| millis)),
        share("refresh_ahead", *refresh_ahead),
        (*refresh == Refresh::Caller).then(|| quote!(.refresh_by_caller())),
        time("soft_timeout", *soft_timeout),
        time("hard_timeout", *hard_timeout),
        time("sliding", *sliding),
        share("verify", *verify),
    ];
    let chain: TokenStream = chain.into_iter().flatten().collect();
    if chain.is_empty() {
        return chain;
    }
    quote!(.windows(#private::Windows::new() #chain))
}

/// `.can_fail().gives_up()`: what the windows ask of the function's return type.
pub(super) fn demands(windows: &Windows, place: Span) -> TokenStream {
    let can_fail = match (windows.fail_safe, windows.soft_timeout) {
        // At its value: there rustc reports a function that cannot fail.
        (Some((_, place)), None) => quote_spanned!(ours(place)=> .can_fail()),
        _ => TokenStream::new(),
    };
    let gives_up = windows
        .hard_timeout
        .map(|_| quote_spanned!(ours(place)=> .gives_up()));
    quote!(#can_fail #gives_up)
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
