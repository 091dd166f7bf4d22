//! Which functions can be cached, and which can be watched for writes.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{
    Lifetime, ParenthesizedGenericArguments, ReturnType, Type, TypeFnPtr, TypeImplTrait,
    TypeReference, spanned::Spanned as _,
};

use crate::errors::{Errors, Rule};
use crate::parse::{Body, Function};

/// What every attribute asks of its function.
pub(super) fn runnable(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        let message = "a `const fn` cannot use a cache: remove `const`";
        errors.push(Rule::ConstFunction, constness.span, message);
    }
    if let Body::Unknown = function.body {
        let message = "this function builds its future by hand, and the cache would only see \
                       the building: write `async fn`";
        let place = match &function.sig.output {
            // The arrow alone would be underlined else.
            ReturnType::Type(_, ty) => ty.span(),
            ReturnType::Default => function.sig.ident.span(),
        };
        errors.push(Rule::HandWrittenFuture, place, message);
    }
}

/// The type to cache, or `None` after a mistake.
pub(super) fn cached_type(function: &Function, errors: &mut Errors) -> Option<Type> {
    runnable(function, errors);
    if let Body::Unknown = function.body {
        return None;
    }
    let nothing = |ty: &Type| matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty());
    let Some(returns) = function.returns.clone().filter(|ty| !nothing(ty)) else {
        let name = &function.sig.ident;
        let message =
            format!("`{name}` returns nothing, so there is nothing to cache: remove the attribute");
        errors.push(Rule::NothingToCache, name.span(), message);
        return None;
    };
    owned(&returns, errors);
    named(&returns, errors).then_some(returns)
}

/// The type that says how the function ended, or `None` after a mistake.
pub(super) fn fallible_type(
    attribute: &str,
    function: &Function,
    errors: &mut Errors,
) -> Option<Type> {
    if let Body::Unknown = function.body {
        return None;
    }
    let Some(returns) = &function.returns else {
        let name = &function.sig.ident;
        let message = format!(
            "`{name}` returns nothing, so it cannot fail: {attribute} needs a function that \
             returns a `Result`"
        );
        errors.push(Rule::CannotFail, name.span(), message);
        return None;
    };
    named(returns, errors).then(|| returns.clone())
}

/// Reports a type that borrows: rustc would say so twice, and about traits of serde's.
fn owned(returns: &Type, errors: &mut Errors) {
    if let Some(place) = borrow_in(returns) {
        let message = "a cached answer outlives the call, so it cannot borrow: return a type \
                       that owns, such as `String`, `Vec<..>` or `Arc<..>`";
        errors.push(Rule::BorrowedReturn, place, message);
    }
}

/// Where a type says that it borrows from what is not `'static`.
pub(super) fn borrow_in(ty: &Type) -> Option<Span> {
    let mut found = FindBorrow(None);
    found.visit_type(ty);
    found.0
}

/// Whether the type can be written a second time; reports it if not.
pub(super) fn named(returns: &Type, errors: &mut Errors) -> bool {
    let mut found = FindImpl(None);
    found.visit_type(returns);
    if let Some(ty) = &found.0 {
        let message = "the cache must know this type by name: write it instead of `impl ..`";
        errors.push(Rule::UnnamedReturn, ty.impl_token.span, message);
    }
    found.0.is_none()
}

struct FindBorrow(Option<Span>);

impl<'ast> Visit<'ast> for FindBorrow {
    fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
        if ty.lifetime.is_none() {
            self.0.get_or_insert(ty.and_token.span);
        }
        visit::visit_type_reference(self, ty);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.0.get_or_insert(lifetime.span());
        }
    }

    // What a function takes is not what the answer holds.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

struct FindImpl(Option<TypeImplTrait>);

impl<'ast> Visit<'ast> for FindImpl {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.0.get_or_insert_with(|| ty.clone());
        visit::visit_type_impl_trait(self, ty);
    }
}
