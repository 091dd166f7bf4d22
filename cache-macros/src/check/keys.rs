//! The rules of `#[cache_keys]`.

use syn::spanned::Spanned as _;
use syn::{Attribute, ImplItem, ItemImpl, Type};

use super::options::Options;
use super::scope::ungrouped;
use crate::errors::{Errors, Rule};
use crate::model::{Constant, Keys};
use crate::parse::Argument;

pub(crate) fn keys(arguments: Vec<Argument>, item: &ItemImpl, errors: &mut Errors) -> Option<Keys> {
    let mut options = Options::new("`#[cache_keys]`", &["crate"], arguments, errors);
    let runtime = options.runtime(errors);
    target(item, errors);
    let constants = item
        .items
        .iter()
        .filter_map(|inner| match inner {
            ImplItem::Const(constant) => Some(Constant {
                name: constant.ident.clone(),
                cfgs: cfgs(&item.attrs)
                    .chain(cfgs(&constant.attrs))
                    .cloned()
                    .collect(),
            }),
            _ => None,
        })
        .collect();
    let owner = (*item.self_ty).clone();
    errors.is_empty().then_some(Keys {
        runtime,
        owner,
        constants,
    })
}

fn target(item: &ItemImpl, errors: &mut Errors) {
    let message = "`#[cache_keys]` goes on the `impl` of a plain type: write `struct CacheKeys;` \
                   and `impl CacheKeys { .. }`";
    if let Some((path, _)) = &item.trait_ {
        errors.push(Rule::KeysTarget, path.span(), message);
    } else if !item.generics.params.is_empty() {
        errors.push(Rule::KeysTarget, item.generics.span(), message);
    } else if !matches!(ungrouped(&item.self_ty), Type::Path(_)) {
        errors.push(Rule::KeysTarget, item.self_ty.span(), message);
    }
}

fn cfgs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}
