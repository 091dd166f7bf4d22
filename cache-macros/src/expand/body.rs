//! The user's function around one call, which is handed the body.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Type, parse_quote};

use super::{at, batch, ours};
use crate::model::{Batch, Body, Function};

/// How the body is handed over.
#[derive(Clone, Copy)]
pub(super) enum Run<'a> {
    /// To this method, once: `CALL.read(async move || -> User { .. })`.
    Once(&'static str),
    /// As often as it takes, with the ids that are missing:
    /// `CALL.read(async |__cache_ids| -> HashMap<..> { let ids: &[Id] = &__cache_ids; .. })`.
    Batch(&'a Batch),
    /// To `run`, in a closure that begins like this, before a body that begins like that:
    /// `CALL.run(async HEAD -> User { PRELUDE .. })`.
    Closure {
        head: &'a TokenStream,
        prelude: &'a TokenStream,
    },
    /// As often as it takes, each time with this before it: `P::run_again!(CALL, async { .. })`.
    Again { prelude: &'a TokenStream },
}

/// ```text
/// async fn user(id: u32) -> User {
///     PRELUDE
///     CALL.read(async move || -> User { P::gives!(User); BODY }).await
/// }
/// ```
pub(super) fn around(
    function: &Function,
    private: &TokenStream,
    prelude: &TokenStream,
    call: &Ident,
    run: Run<'_>,
) -> TokenStream {
    let Function {
        attrs,
        vis,
        sig,
        body,
        braces,
        returns,
    } = function;
    // Written out even for `()`: a wrong tail is then reported at the tail.
    let written = inferred(returns.clone().unwrap_or_else(|| parse_quote!(())));
    let inside = match body {
        Body::Async(block) => {
            let run = handed_over(call, run, block, &written, private);
            quote!(#prelude #run)
        }
        Body::Blocking(block) => {
            let run = handed_over_blocking(call, run, block, &written, private);
            quote!(#prelude #run)
        }
        Body::Boxed { pin, inner } => {
            let run = handed_over(call, run, inner, &written, private);
            quote!(#pin(async move { #prelude #run }))
        }
        Body::Unknown => unreachable!("`check` refuses hand-written futures"),
    };
    let mut inside = Group::new(Delimiter::Brace, inside);
    // The user's, or rustc takes the function for ours and says nothing when nobody calls it.
    inside.set_span(*braces);
    quote!(#(#attrs)* #vis #sig #inside)
}

/// `CALL.read(async move || -> User { P::gives!(User); BODY }).await`
fn handed_over(
    call: &Ident,
    run: Run<'_>,
    block: &Group,
    returns: &Type,
    private: &TokenStream,
) -> TokenStream {
    match run {
        Run::Once(verb) => {
            let verb = format_ident!("{verb}");
            let block = coercing(block, returns, TokenStream::new(), private);
            quote!(#call.#verb(async move || -> #returns #block).await)
        }
        Run::Batch(batch) => {
            let block = coercing(block, returns, batch::missing(batch), private);
            quote!(#call.read(async |__cache_ids| -> #returns #block).await)
        }
        Run::Closure { head, prelude } => {
            let block = coercing(block, returns, prelude.clone(), private);
            quote!(#call.run(async #head -> #returns #block).await)
        }
        Run::Again { prelude } => {
            let block = coercing(block, returns, prelude.clone(), private);
            quote!(#private::run_again!(#call, async #block))
        }
    }
}

/// `CALL.read_blocking(move || -> User { BODY })`
fn handed_over_blocking(
    call: &Ident,
    run: Run<'_>,
    block: &Group,
    returns: &Type,
    private: &TokenStream,
) -> TokenStream {
    let behind = |prelude: &TokenStream| {
        let mut stream = prelude.clone();
        stream.extend(block.stream());
        let mut inside = Group::new(block.delimiter(), stream);
        inside.set_span(ours(block.span()));
        inside
    };
    match run {
        Run::Once(verb) => {
            let verb = format_ident!("{verb}_blocking");
            quote!(#call.#verb(move || -> #returns #block))
        }
        Run::Closure { head, prelude } => {
            let inside = behind(prelude);
            quote!(#call.run_blocking(#head -> #returns #inside))
        }
        Run::Again { prelude } => {
            let inside = behind(prelude);
            quote!(#private::run_again_blocking!(#call, || -> #returns #inside))
        }
        Run::Batch(_) => unreachable!("`check` refuses batches of a plain function"),
    }
}

/// The block of an async closure, which does not coerce what it returns to the
/// type that is written: `Ok(Box::new(x))` would not be a `Result<Box<dyn T>, E>`.
/// A first, dead `return` of that type makes it.
fn coercing(block: &Group, returns: &Type, prelude: TokenStream, private: &TokenStream) -> Group {
    if let Type::Never(_) = returns {
        return block.clone();
    }
    let place = returns.span();
    let private = at(place, private);
    let mut stream = quote_spanned!(ours(place)=> #private::gives!(#returns););
    stream.extend(prelude);
    stream.extend(block.stream());
    let mut coercing = Group::new(block.delimiter(), stream);
    // Ours, or clippy takes the user's first `const` or `use` for one that
    // follows a statement of the user's.
    coercing.set_span(ours(block.span()));
    coercing
}

/// A closure may not return `impl Trait`, but `_`.
fn inferred(mut returns: Type) -> Type {
    Infer.visit_type_mut(&mut returns);
    returns
}

struct Infer;

impl VisitMut for Infer {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(hidden) = ty {
            *ty = Type::Infer(syn::TypeInfer {
                attrs: Vec::new(),
                underscore_token: syn::Token![_](hidden.impl_token.span),
            });
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}
