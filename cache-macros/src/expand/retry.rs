//! `#[redis_retry]`.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::body::{self, Run};
use super::{at, ours};
use crate::model::{Repeated, Retry, RetryOn};

/// ```text
/// async fn reserve(id: u32, name: String) -> Result<(), OrderError> {
///     let mut __cache_retry = P::retrying("my_app::reserve", P::shape!(Result<(), OrderError>))
///         .max_retries(5).on_transient();
///     P::run_again!(__cache_retry, async {
///         P::gives!(Result<(), OrderError>);
///         let id = P::again(&id);
///         let name = P::again(&name);
///         BODY
///     })
/// }
/// ```
pub(crate) fn retry(retry: &Retry) -> TokenStream {
    let private = retry.runtime.private();
    let Retry {
        function, returns, ..
    } = retry;
    let (place, at_place) = (ours(returns.span()), at(returns.span(), &private));
    let site = format!("::{}", function.sig.ident.unraw());
    let max_retries = retry.max_retries.map(|most| {
        let most = Literal::u32_unsuffixed(most);
        quote!(.max_retries(#most))
    });
    let time = |name: &str, millis: Option<u64>| {
        let name = format_ident!("{name}");
        let millis = Literal::u64_unsuffixed(millis?);
        Some(quote!(.#name(#millis)))
    };
    let (backoff, max_time) = (
        time("backoff", retry.backoff),
        time("max_time", retry.max_time),
    );
    let on = match &retry.on {
        RetryOn::Transient => quote_spanned!(place=> .on_transient()),
        RetryOn::Any => quote_spanned!(place=> .on_any()),
        RetryOn::Closure(closure) => {
            quote_spanned!(ours(closure.span())=> .on_closure(#closure))
        }
        RetryOn::Strategy(strategy) => {
            quote_spanned!(ours(strategy.span())=> .on(#strategy))
        }
    };
    let retrying = quote_spanned! {place=>
        #at_place::retrying(
            ::core::concat!(::core::module_path!(), #site),
            #at_place::shape!(#returns)
        )
    };
    let prelude = quote! {
        let mut __cache_retry = #retrying #max_retries #backoff #max_time #on;
    };
    let again: TokenStream = retry
        .again
        .iter()
        .map(|name| once_more(name, &private))
        .collect();
    let run = Run::Again { prelude: &again };
    let call = format_ident!("__cache_retry");
    body::around(function, &private, &prelude, &call, run)
}

/// `let mut name = P::again(&name);`, at the parameter: there rustc reports what cannot be cloned.
fn once_more(repeated: &Repeated, private: &TokenStream) -> TokenStream {
    let Repeated {
        name,
        mutability,
        is_reborrowed,
    } = repeated;
    let (place, private) = (ours(name.span()), at(name.span(), private));
    if *is_reborrowed {
        return quote_spanned!(place=> let #mutability #name = &mut *#name;);
    }
    quote_spanned!(place=> let #mutability #name = #private::again(&#name);)
}
