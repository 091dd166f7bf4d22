//! Tags: in the site, in a call, and in the companion.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::ours;
use super::part::{View, part};
use crate::model::Template;

/// `.tags(&[P::tag("class:<id>")])`, or nothing.
pub(super) fn of_site<'tags>(
    tags: impl Iterator<Item = &'tags Template>,
    private: &TokenStream,
) -> Option<TokenStream> {
    let tags: Vec<TokenStream> = tags.map(|tag| of_literal(tag, private)).collect();
    (!tags.is_empty()).then(|| quote!(.tags(&[#(#tags),*])))
}

/// `.tag(0, &[P::part(&id)])` for each, at the return type as `.key(..)` is.
pub(super) fn of_call(tags: &[Template], private: &TokenStream, place: Span) -> TokenStream {
    let calls = tags.iter().enumerate().map(|(index, tag)| {
        let index = Literal::usize_unsuffixed(index);
        let parts = tag.parts.iter().map(|one| part(one, private, View::Body));
        quote_spanned!(ours(place)=> .tag(#index, &[#(#parts),*]))
    });
    calls.collect()
}

/// `.tags(&[P::tag_key(&const { P::tag("class:<id>") }, &[P::arg::<u32, _>(&id).part()])])`
pub(super) fn of_companion(
    tags: &[Template],
    private: &TokenStream,
    view: View<'_>,
) -> Option<TokenStream> {
    let keys = tags.iter().map(|tag| {
        let template = of_literal(tag, private);
        let parts = tag.parts.iter().map(|one| part(one, private, view));
        quote!(#private::tag_key(&const { #template }, &[#(#parts),*]))
    });
    (!tags.is_empty()).then(|| quote!(.tags(&[#(#keys),*])))
}

fn of_literal(tag: &Template, private: &TokenStream) -> TokenStream {
    let literal = &tag.literal;
    quote_spanned!(ours(literal.span())=> #private::tag(#literal))
}
