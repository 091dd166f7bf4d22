//! `#[with_redis]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::body::{self, Run};
use super::part::{self, View};
use super::{at, ours};
use crate::model::{Body, Connection, WithRedis, Written};

/// ```text
/// async fn online(id: u32) -> Result<bool, AppError> {
///     let __cache_redis = P::connected::<_, C>("my_app::online", P::shape!(Result<bool, AppError>));
///     __cache_redis.run(async move |mut __cache_connection: C| -> Result<bool, AppError> {
///         let connection: &mut C = &mut __cache_connection;
///         BODY
///     }).await
/// }
/// ```
pub(crate) fn with_redis(with: &WithRedis) -> TokenStream {
    let private = with.runtime.private();
    let WithRedis {
        function, returns, ..
    } = with;
    let Connection { pat, ty, written } = &with.connection;
    let (place, at_place) = (ours(returns.span()), at(returns.span(), &private));
    let site = format!("::{}", function.sig.ident.unraw());
    let cache = with
        .cache
        .as_ref()
        .map(|cache| part::cache(cache, &private, View::Body));
    let connected = quote_spanned! {place=>
        #at_place::connected(
            ::core::concat!(::core::module_path!(), #site),
            #at_place::shape!(#returns)
        )
    };
    // At the connection's type: there rustc reports what is no connection.
    let by = match &function.body {
        Body::Blocking(_) => "by_blocking",
        Body::Async(_) | Body::Boxed { .. } | Body::Unknown => "by",
    };
    let by = Ident::new(by, ours(ty.span()));
    let kind = quote_spanned!(ours(ty.span())=> .#by::<#ty>());
    let prelude = quote! {
        let __cache_redis = #connected #cache #kind;
    };
    let (mutability, bound) = match written {
        Written::Owned => (None, quote!(let #pat: #ty = __cache_connection;)),
        Written::Ref => (None, quote!(let #pat: &#ty = &__cache_connection;)),
        Written::RefMut => (
            Some(quote!(mut)),
            quote!(let #pat: &mut #ty = &mut __cache_connection;),
        ),
    };
    let run = Run::Closure {
        head: &quote!(move |#mutability __cache_connection: #ty|),
        prelude: &bound,
    };
    let call = format_ident!("__cache_redis");
    body::around(function, &private, &prelude, &call, run)
}
