//! `#[cache_keys]`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Constant, Keys};
use crate::text;

/// ```text
/// const _: () = { let _ = &CacheKeys::USER; };
/// P::submit_template! { CacheKeys::USER, "CacheKeys::USER" }
/// ```
pub(crate) fn keys(keys: &Keys) -> TokenStream {
    let private = keys.runtime.private();
    let owner = &keys.owner;
    let constants = keys.constants.iter().map(|Constant { name, cfgs }| {
        let text = text::of(quote!(#owner::#name));
        quote! {
            // rustc does not evaluate an associated constant that nobody uses.
            #(#cfgs)*
            const _: () = { let _ = &#owner::#name; };
            #(#cfgs)*
            #private::submit_template! { #owner::#name, #text }
        }
    });
    quote!(#(#constants)*)
}
