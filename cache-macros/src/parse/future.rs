//! Functions that return a future: what `#[async_trait]` makes of `async fn`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{
    GenericArgument, Path, PathArguments, Token, Type, TypeParamBound, punctuated::Punctuated,
};

pub(super) enum Kind {
    /// `Pin<Box<dyn Future<Output = R>>>`, with its `R`.
    Boxed(Box<Type>),
    /// `impl Future<..>`.
    Impl,
    None,
}

pub(super) fn kind(returns: &Type) -> Kind {
    match unwrapped(returns) {
        Type::ImplTrait(ty) if output(&ty.bounds).is_some() => Kind::Impl,
        Type::Path(ty) => boxed_output(&ty.path).map_or(Kind::None, |ty| Kind::Boxed(Box::new(ty))),
        _ => Kind::None,
    }
}

/// `R` of `Pin<Box<dyn Future<Output = R> ..>>`, however its paths are spelled.
fn boxed_output(path: &Path) -> Option<Type> {
    let Type::Path(boxed) = unwrapped(only_argument(path, "Pin")?) else {
        return None;
    };
    let Type::TraitObject(object) = unwrapped(only_argument(&boxed.path, "Box")?) else {
        return None;
    };
    output(&object.bounds)
}

fn only_argument<'path>(path: &'path Path, name: &str) -> Option<&'path Type> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

fn output(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<Type> {
    let arguments = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last()?;
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) if last.ident == "Future" => {
                    Some(arguments)
                }
                _ => None,
            }
        }
        _ => None,
    })?;
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(assoc.ty.clone()),
        _ => None,
    })
}

fn unwrapped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => unwrapped(&group.elem),
        Type::Paren(paren) => unwrapped(&paren.elem),
        other => other,
    }
}

/// `Box::pin` and the block of `Box::pin(async move { .. })`.
pub(super) fn boxed_body(body: TokenStream) -> Option<(TokenStream, Group)> {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    let Some(TokenTree::Group(arguments)) = tokens.pop() else {
        return None;
    };
    let is_path = tokens.iter().all(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    });
    let ends_in_pin = matches!(tokens.last(), Some(TokenTree::Ident(last)) if last == "pin");
    if arguments.delimiter() != Delimiter::Parenthesis || !is_path || !ends_in_pin {
        return None;
    }
    let inner = async_move_block(arguments.stream())?;
    Some((tokens.into_iter().collect(), inner))
}

fn async_move_block(arguments: TokenStream) -> Option<Group> {
    let mut tokens = arguments.into_iter();
    let mut is_next = |word: &str| {
        tokens
            .next()
            .is_some_and(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
    };
    if !is_next("async") || !is_next("move") {
        return None;
    }
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(block)), None) if block.delimiter() == Delimiter::Brace => {
            Some(block)
        }
        _ => None,
    }
}
