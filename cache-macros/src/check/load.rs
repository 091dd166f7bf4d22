//! The rules of the attributes that load.

use proc_macro2::{Ident, Span};

use super::attribute::Attribute;
use super::clashes::OfLoad;
use super::companion::{self, Ingredients};
use super::key::{self, companion_name};
use super::options::{Options, number, replicas};
use super::scope::Scope;
use super::{background, clashes, format, function, lifetimes, many, parameters, tags, windows};
use crate::errors::{Errors, Rule};
use crate::model::{Act, Companion, Key, Load, Template};
use crate::parse::{Argument, Function};

/// A refused attribute; its companion stays, so that its callers still build.
pub(crate) struct Refused {
    pub(crate) companion: Option<Box<Companion>>,
}

pub(crate) fn load(
    attribute: Attribute,
    arguments: Vec<Argument>,
    mut function: Function,
    errors: &mut Errors,
) -> Result<Load, Refused> {
    let mut options = attribute.options(arguments, errors);
    let places = options.places();
    let scope = Scope::of(&function.sig);
    let runtime = options.runtime(errors);
    let entry = entry(attribute, &mut options, &scope, errors);
    let cache = options.expr("cache", errors).map(|expr| scope.reach(expr));
    let policy = lifetimes::policy(&mut options, &scope, errors);
    let windows = windows::windows(&mut options, errors);
    let facts = OfLoad::new(places, &function.body, &policy, windows);
    clashes::of_load(attribute, &facts, errors);
    if attribute == Attribute::Read {
        background::owned_parameters(&windows, &function, errors);
    }
    let format = format::format(&mut options, errors);
    let max_loads = options.expr("max_loads", errors);
    let max_loads = max_loads.and_then(|expr| number("max_loads", &expr, errors));
    let confirm = options.expr("confirm", errors);
    let confirm = confirm.and_then(|expr| replicas(&expr, errors));
    let name = companion_of(attribute, &mut options, &function, errors);
    let returns = function::cached_type(&function, errors);
    if attribute == Attribute::Many {
        many::check_function(&function, errors);
    }
    let (Some(returns), Some(entry)) = (returns, entry) else {
        return Err(Refused { companion: None });
    };
    let ingredients = Ingredients {
        runtime: &runtime,
        function: &function,
        entry: &entry,
        returns: &returns,
        cache: cache.as_ref(),
        format: &format,
    };
    let companion = name.map(|name| companion::companion(name, &ingredients));
    if let Act::Many(batch) = &entry.act {
        many::unmut(&mut function, batch);
    }
    if !errors.is_empty() {
        return Err(Refused {
            companion: companion.map(Box::new),
        });
    }
    Ok(Load {
        act: entry.act,
        runtime,
        function,
        returns,
        key: entry.key,
        tags: entry.tags,
        cache,
        policy,
        windows,
        format,
        max_loads,
        confirm,
        companion,
    })
}

/// What an entry is found by, and by whose names that is said.
pub(super) struct Entry {
    pub(super) act: Act,
    pub(super) scope: Scope,
    pub(super) key: Key,
    pub(super) tags: Vec<Template>,
}

fn entry(
    attribute: Attribute,
    options: &mut Options,
    header: &Scope,
    errors: &mut Errors,
) -> Option<Entry> {
    let (act, scope) = match attribute {
        Attribute::Read => (Act::Read, header.clone()),
        Attribute::Update => (Act::Update, header.clone()),
        Attribute::Many => {
            let batch = many::batch(options, header, errors)?;
            let scope = header.of_one(&batch);
            (Act::Many(Box::new(batch)), scope)
        }
    };
    if !options.has("key") {
        let message = "no key: write `key = \"user:<id>\"`";
        errors.push(Rule::MissingKey, Span::call_site(), message);
    }
    let key = options.expr("key", errors);
    let key = key.and_then(|expr| match &act {
        Act::Many(batch) => many::key(expr, batch, &scope, errors),
        Act::Read | Act::Update => key::key(expr, &scope, errors),
    });
    let ignored = options.names("key_ignores", errors);
    parameters::check_ignored(&ignored, header, errors);
    let all_ids = match &act {
        Act::Many(batch) => Some(&batch.pat.ident),
        Act::Read | Act::Update => None,
    };
    if let (Act::Read | Act::Many(_), Some(key)) = (&act, &key) {
        parameters::check(key, all_ids, &ignored, header, errors);
    }
    let tags = tags::of_entry(options, key.as_ref(), &scope, errors);
    Some(Entry {
        act,
        scope,
        key: key?,
        tags,
    })
}

fn companion_of(
    attribute: Attribute,
    options: &mut Options,
    function: &Function,
    errors: &mut Errors,
) -> Option<Ident> {
    let default = (attribute != Attribute::Update).then(|| companion::default_name(function));
    if !options.has("companion") {
        return default;
    }
    let name = companion_name(&options.expr("companion", errors)?, errors)?;
    (name != "none").then_some(name)
}
