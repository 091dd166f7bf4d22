//! What is printed for the ids of a batch.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::{at, ours};
use crate::model::Batch;

/// `P::batch::<[UserId], _, _>(ids)`, at the list's type: there rustc reports what is no list.
pub(super) fn all(batch: &Batch, private: &TokenStream) -> TokenStream {
    let Batch { pat, list, ty, .. } = batch;
    let name = &pat.ident;
    // What is owned may still stand in other options.
    let borrow = (!matches!(ty, Type::Reference(_))).then(|| quote_spanned!(ours(list.span())=> &));
    let private = at(list.span(), private);
    quote_spanned!(ours(list.span())=> #private::batch::<#list, _, _>(#borrow #name))
}

/// `.each(|id, __cache_one| __cache_one.key(&[P::part(&id)]))`
pub(super) fn each(batch: &Batch, chain: &TokenStream, place: Span) -> TokenStream {
    let one = &batch.one;
    quote_spanned!(ours(place)=> .each(|#one, __cache_one| __cache_one #chain))
}

/// `let ids: &[UserId] = &__cache_ids;`: what the body sees in place of the parameter.
pub(super) fn missing(batch: &Batch) -> TokenStream {
    let Batch { pat, ty, .. } = batch;
    let borrow = matches!(ty, Type::Reference(_)).then(|| quote!(&));
    quote!(let #pat: #ty = #borrow __cache_ids;)
}
