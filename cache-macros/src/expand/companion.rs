//! The function beside a cached one that gives its key.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Path, Type};

use super::part::{self, View, in_scope, part};
use super::{at, options, ours, tags};
use crate::model::{Companion, CompanionParameter, Key, Returned, Runtime};

/// ```text
/// /// The key of `user`.
/// #[allow(dead_code)]
/// fn user_key(id: impl KeyArg<u32>) -> KeyOf<User> {
///     P::companion(&const { P::Template::parse("user:<id>") }, &[P::arg::<u32, _>(&id).part()])
/// }
/// ```
pub(crate) fn companion(companion: &Companion) -> TokenStream {
    let Companion {
        runtime,
        of,
        name,
        cfgs,
        vis,
        generics,
        receiver,
        ..
    } = companion;
    let Companion {
        parameters,
        returns,
        key,
        tags,
        format,
        cache,
        ..
    } = companion;
    let private = Runtime(runtime.clone()).private();
    let doc = format!(" The key of `{of}`.");
    let receiver = receiver.map(|receiver| quote!(&#receiver,));
    let arguments = parameters.iter().map(|one| parameter(one, runtime));
    let returns = returned(returns, runtime);
    let view = View::Companion(parameters);
    let key = match key {
        Key::Template(template) => {
            let literal = &template.literal;
            let parts = template.parts.iter().map(|one| part(one, &private, view));
            quote!(companion(&const { #private::Template::parse(#literal) }, &[#(#parts),*]))
        }
        Key::Computed { key, .. } => {
            let key = in_scope(key, view);
            quote!(companion_of!(#key))
        }
    };
    let tags = tags::of_companion(tags, &private, view);
    let format = options::format(format, &private);
    let cache = cache
        .as_ref()
        .map(|cache| part::cache(cache, &private, view));
    let (params, _, bounds) = generics.split_for_impl();
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(dead_code, unused_variables, clippy::all, clippy::pedantic)]
        #vis fn #name #params (#receiver #(#arguments),*) -> #runtime::KeyOf<#returns> #bounds {
            #private::#key #tags #format #cache
        }
    }
}

fn parameter(parameter: &CompanionParameter, runtime: &Path) -> TokenStream {
    let at_type = |ty: &Type| (ours(ty.span()), at(ty.span(), &quote!(#runtime)));
    match parameter {
        CompanionParameter::Argument { name, ty } => quote!(#name: impl #runtime::KeyArg<#ty>),
        CompanionParameter::Borrowed { pat, ty } => quote!(#pat: #ty),
        // No bound here asks for a list: the function itself does, and rustc reports it once.
        CompanionParameter::Id { name, list } => {
            let (place, runtime) = at_type(list);
            quote_spanned!(place=> #name: impl #runtime::IdArg<#list>)
        }
        CompanionParameter::BorrowedId { name, list } => {
            let (place, runtime) = at_type(list);
            quote_spanned!(place=> #name: &#runtime::IdOf<#list>)
        }
    }
}

/// What is behind the key: `User`, or `Each<HashMap<UserId, User>>`.
fn returned(returned: &Returned, runtime: &Path) -> TokenStream {
    match returned {
        Returned::Whole(ty) => quote!(#ty),
        Returned::Each(map) => {
            let runtime = at(map.span(), &quote!(#runtime));
            quote_spanned!(ours(map.span())=> #runtime::Each<#map>)
        }
    }
}
