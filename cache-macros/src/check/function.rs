//! Which functions can be cached, and which can be watched for writes.

use syn::visit::{self, Visit};
use syn::{Type, TypeImplTrait, spanned::Spanned as _};

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
        errors.push(Rule::HandWrittenFuture, function.sig.output.span(), message);
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
        let message = format!("`{name}` returns nothing, so there is nothing to cache");
        errors.push(Rule::NothingToCache, name.span(), message);
        return None;
    };
    named(&returns, errors).then_some(returns)
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

struct FindImpl(Option<TypeImplTrait>);

impl<'ast> Visit<'ast> for FindImpl {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.0.get_or_insert_with(|| ty.clone());
        visit::visit_type_impl_trait(self, ty);
    }
}
