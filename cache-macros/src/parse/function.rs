//! The function below an attribute, its body left unparsed.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, ReturnType, Signature, Token, Type, Visibility};

use super::future;
use crate::errors::{Errors, Rule};

/// A function whose body is only carried along: an editor completes inside it
/// even while it does not parse.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
    /// Where the body stands.
    pub(crate) braces: Span,
    /// What the body answers with; `None` where nothing is written.
    pub(crate) returns: Option<Type>,
}

/// How the body runs.
pub(crate) enum Body {
    Async(Group),
    Blocking(Group),
    /// `Box::pin(async move { .. })`, as `#[async_trait]` writes it.
    Boxed {
        pin: TokenStream,
        inner: Group,
    },
    /// A future that was written by hand.
    Unknown,
}

pub(crate) fn function(item: TokenStream, errors: &mut Errors) -> Option<Function> {
    match (|input: ParseStream<'_>| read(input, errors)).parse2(item) {
        Ok(function) => function,
        Err(error) => {
            errors.push(Rule::NotAFunction, error.span(), error);
            None
        }
    }
}

fn read(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Function>> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let at_item = input.span();
    let Ok(sig) = input.parse::<Signature>() else {
        errors.push(
            Rule::NotAFunction,
            at_item,
            "this attribute goes on a function",
        );
        return input.parse::<TokenStream>().map(|_| None);
    };
    if input.peek(Token![;]) {
        let message = "a function without a body has nothing to run: \
                       put the attribute on the implementation";
        errors.push(Rule::MissingBody, sig.ident.span(), message);
        return input.parse::<TokenStream>().map(|_| None);
    }
    let body = body_of(block(input)?, &mut attrs)?;
    let braces = body.span();
    let (body, returns) = shape(&sig, body);
    Ok(Some(Function {
        attrs,
        vis,
        sig,
        body,
        braces,
        returns,
    }))
}

/// The body, out of the invisible brackets around a `$body:block` of a `macro_rules!`.
fn block(input: ParseStream<'_>) -> syn::Result<Group> {
    match input.parse()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            block.parse2(group.stream())
        }
        TokenTree::Group(group) => Ok(group),
        other => Err(syn::Error::new(
            other.span(),
            "expected the function's body",
        )),
    }
}

/// Inner attributes move to the function: inside, the body is a closure's.
fn body_of(body: Group, attrs: &mut Vec<Attribute>) -> syn::Result<Group> {
    let starts_with_bang = |input: ParseStream<'_>| {
        let found = input.peek(Token![#]) && input.peek2(Token![!]);
        input.parse::<TokenStream>().map(|_| found)
    };
    if body.delimiter() != Delimiter::Brace || !starts_with_bang.parse2(body.stream())? {
        return Ok(body);
    }
    let split = |input: ParseStream<'_>| {
        let inner = input.call(Attribute::parse_inner)?;
        Ok((inner, input.parse::<TokenStream>()?))
    };
    let (inner, rest) = split.parse2(body.stream())?;
    attrs.extend(inner.into_iter().map(|attribute| Attribute {
        style: syn::AttrStyle::Outer,
        ..attribute
    }));
    let mut group = Group::new(Delimiter::Brace, rest);
    group.set_span(body.span());
    Ok(group)
}

fn shape(sig: &Signature, body: Group) -> (Body, Option<Type>) {
    let written = match &sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some((**ty).clone()),
    };
    if sig.asyncness.is_some() {
        return (Body::Async(body), written);
    }
    match written.as_ref().map(future::kind) {
        None | Some(future::Kind::None) => (Body::Blocking(body), written),
        Some(future::Kind::Boxed(output)) => match future::boxed_body(body.stream()) {
            Some((pin, inner)) => (Body::Boxed { pin, inner }, Some(*output)),
            None => (Body::Unknown, Some(*output)),
        },
        Some(future::Kind::Impl) => (Body::Unknown, written),
    }
}
