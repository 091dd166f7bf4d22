//! The rules of `#[with_redis]`.

use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{FnArg, Lifetime, PatType, Type, TypeImplTrait, TypeReference};

use super::function;
use super::options::Options;
use super::scope::{Scope, ungrouped};
use crate::errors::{Errors, Rule};
use crate::model::{Connection, WithRedis, Written};
use crate::parse::{Argument, Function};

const OPTIONS: [&str; 2] = ["cache", "crate"];
const ATTRIBUTE: &str = "`#[with_redis]`";

pub(crate) fn with_redis(
    arguments: Vec<Argument>,
    mut function: Function,
    errors: &mut Errors,
) -> Option<WithRedis> {
    let mut options = Options::new(ATTRIBUTE, &OPTIONS, arguments, errors);
    let runtime = options.runtime(errors);
    function::runnable(&function, errors);
    let connection = connection(&mut function, errors);
    // Without the connection, which there is not yet.
    let scope = Scope::of(&function.sig);
    let cache = options.expr("cache", errors).map(|expr| scope.reach(expr));
    let returns = function::fallible_type(ATTRIBUTE, &function, errors);
    if !errors.is_empty() {
        return None;
    }
    Some(WithRedis {
        runtime,
        returns: returns?,
        connection: connection?,
        function,
        cache,
    })
}

/// Takes the first parameter behind the receiver out of the signature.
fn connection(function: &mut Function, errors: &mut Errors) -> Option<Connection> {
    let inputs = &function.sig.inputs;
    let at = inputs
        .iter()
        .position(|input| matches!(input, FnArg::Typed(_)));
    let Some(at) = at else {
        let name = &function.sig.ident;
        let message = format!(
            "{ATTRIBUTE} gives the first parameter a connection, and `{name}` has none: add \
             `connection: &mut cache_runtime::RedisConnection`"
        );
        errors.push(Rule::MissingConnection, name.span(), message);
        return None;
    };
    let mut rest: Vec<FnArg> = std::mem::take(&mut function.sig.inputs)
        .into_iter()
        .collect();
    let taken = rest.remove(at);
    function.sig.inputs = rest.into_iter().collect();
    let FnArg::Typed(PatType { pat, ty, .. }) = taken else {
        return None;
    };
    let mut unnamed = FindImpl(None);
    unnamed.visit_type(&ty);
    if let Some(found) = unnamed.0 {
        let message = "the connection must have a type with a name: write \
                       `&mut cache_runtime::RedisConnection`";
        errors.push(Rule::UnnamedConnection, found.span(), message);
        return None;
    }
    let mut ty = ungrouped(&ty).clone();
    Unnamed.visit_type_mut(&mut ty);
    let (written, ty) = match ty {
        Type::Reference(TypeReference {
            mutability, elem, ..
        }) => {
            let written = match mutability {
                Some(_) => Written::RefMut,
                None => Written::Ref,
            };
            (written, *elem)
        }
        ty => (Written::Owned, ty),
    };
    Some(Connection {
        pat: *pat,
        ty,
        written,
    })
}

struct FindImpl(Option<TypeImplTrait>);

impl<'ast> Visit<'ast> for FindImpl {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.0.get_or_insert_with(|| ty.clone());
    }
}

/// The connection lives in the function, so no lifetime of the caller's is its.
struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        ty.lifetime = None;
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        lifetime.ident = proc_macro2::Ident::new("_", lifetime.ident.span());
    }
}
