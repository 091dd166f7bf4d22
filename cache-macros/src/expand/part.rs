//! One placeholder as a part of a key.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Token;
use syn::spanned::Spanned as _;

use super::{at, ours};
use crate::model::{CompanionParameter, InScope, Part, Root, Written};

/// From where a placeholder is seen.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    /// The function itself: parameters are as they are written.
    Body,
    /// The companion: parameters are borrowed.
    Companion(&'a [CompanionParameter]),
}

/// `P::part(&user.id)`
pub(super) fn part(part: &Part, private: &TokenStream, view: View<'_>) -> TokenStream {
    let place = place(part);
    let private = &at(place, private);
    if let (Root::Parameter { name, .. }, View::Companion(parameters)) = (&part.root, view) {
        let argument = parameters.iter().find_map(|parameter| match parameter {
            CompanionParameter::Argument { name: other, ty } if name == other => {
                Some(quote!(arg::<#ty, _>))
            }
            CompanionParameter::Id { name: other, list } if name == other => {
                Some(quote!(id_arg::<#list, _>))
            }
            _ => None,
        });
        if let Some(argument) = argument {
            return quote_spanned!(ours(place)=> #private::#argument(&#name).part());
        }
    }
    let value = borrowed(part, private, view);
    quote_spanned!(ours(place)=> #private::part(#value))
}

/// Where rustc reports what cannot be a key: at a parameter that stands in the
/// template as it is, else in the template.
fn place(part: &Part) -> Span {
    match &part.root {
        Root::Parameter { name, .. } if part.fields.is_empty() => name.span(),
        Root::Type(name) | Root::Const(name) => name.span(),
        _ => part.span,
    }
}

/// `&user.id`, all of it at one place.
fn borrowed(part: &Part, private: &TokenStream, view: View<'_>) -> TokenStream {
    let fields = &part.fields;
    let place = ours(place(part));
    let in_companion = matches!(view, View::Companion(_));
    match &part.root {
        Root::Parameter { name, written } if fields.is_empty() => match (written, in_companion) {
            (Written::Owned, true) => quote!(#name),
            (Written::RefMut, false) => quote_spanned!(place=> &&*#name),
            _ => quote_spanned!(place=> &#name),
        },
        Root::Parameter { name, written } => {
            // The parameter's hygiene, but the template's place.
            let name = moved_ident(name, part.span);
            // `*`, or a missing field is reported once for `User` and once for `&User`.
            if in_companion && *written == Written::Owned {
                quote_spanned!(place=> &(*#name) #(.#fields)*)
            } else {
                quote_spanned!(place=> &#name #(.#fields)*)
            }
        }
        Root::Receiver(receiver) => {
            let receiver = Token![self](part.span.resolved_at(receiver.span));
            quote_spanned!(place=> &#receiver #(.#fields)*)
        }
        Root::Return if fields.is_empty() => quote_spanned!(place=> __cache_return),
        Root::Return => quote_spanned!(place=> &__cache_return #(.#fields)*),
        Root::Context(name) => quote_spanned!(place=> &#private::context(#name)),
        Root::Type(name) => quote_spanned!(place=> &#private::name_of::<#name>()),
        Root::Const(name) => quote_spanned!(place=> &#name),
    }
}

/// A part of a write's key that is rendered before the body.
pub(super) fn rendered(part: &Part, private: &TokenStream) -> TokenStream {
    let place = place(part);
    let private = &at(place, private);
    let value = borrowed(part, private, View::Body);
    quote_spanned!(ours(place)=> #private::rendered(#value))
}

fn moved_ident(name: &Ident, place: Span) -> Ident {
    let mut moved = name.clone();
    moved.set_span(place.resolved_at(name.span()));
    moved
}

/// `.cache(P::given(EXPR))`, all of it at the expression.
pub(super) fn cache(expression: &InScope, private: &TokenStream, view: View<'_>) -> TokenStream {
    let place = expression.expr.span();
    let private = at(place, private);
    let expression = in_scope(expression, view);
    quote_spanned!(ours(place)=> .cache(#private::given(#expression)))
}

/// `.key_from(EXPR)`, all of it at the expression: rustc then underlines that.
pub(super) fn call_with(method: &str, expression: &InScope) -> TokenStream {
    let place = expression.expr.span();
    let method = Ident::new(method, ours(place));
    let expression = in_scope(expression, View::Body);
    quote_spanned!(ours(place)=> .#method(#expression))
}

/// `let NAME = { SHADOWS NAME.keys(EXPR) };`: the call is inside, because what the expression
/// gives may borrow from the shadows, as an iterator's closure does.
pub(super) fn rebound_with(name: &Ident, method: &str, expression: &InScope) -> TokenStream {
    let expr = &expression.expr;
    let place = expr.span();
    let method = Ident::new(method, ours(place));
    let shadows = expression.rebound.iter().filter_map(shadow);
    quote_spanned!(ours(place)=> let #name = { #(#shadows)* #name.#method(#expr) };)
}

/// The user's expression, its parameters shadowed by references to them.
pub(super) fn in_scope(expression: &InScope, view: View<'_>) -> TokenStream {
    let expr = &expression.expr;
    let shadows: Vec<TokenStream> = match view {
        View::Companion(_) => Vec::new(),
        View::Body => expression.rebound.iter().filter_map(shadow).collect(),
    };
    if shadows.is_empty() {
        return quote!(#expr);
    }
    quote_spanned!(ours(expr.span())=> { #(#shadows)* #expr })
}

fn shadow((name, written): &(Ident, Written)) -> Option<TokenStream> {
    match written {
        Written::Ref => None,
        Written::Owned => Some(quote!(let #name = &#name;)),
        Written::RefMut => Some(quote!(let #name = &*#name;)),
    }
}
