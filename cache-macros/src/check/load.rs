//! The rules of `#[cache_result]` and `#[update_cache]`.

use proc_macro2::{Ident, Span};

use super::clashes::OfLoad;
use super::companion::{self, Ingredients};
use super::key::{companion_name, key};
use super::options::{Options, number};
use super::scope::Scope;
use super::{background, clashes, format, function, lifetimes, parameters, tags, windows};
use crate::errors::{Errors, Rule};
use crate::model::{Act, Companion, Key, Load};
use crate::parse::{Argument, Function};

const READ_OPTIONS: [&str; 24] = [
    "key",
    "ttl",
    "jitter",
    "none",
    "errors",
    "store_if",
    "stale",
    "fail_safe",
    "refresh_ahead",
    "refresh",
    "soft_timeout",
    "hard_timeout",
    "sliding",
    "verify",
    "version",
    "codec",
    "compress",
    "max_entry",
    "max_loads",
    "tags",
    "cache",
    "key_ignores",
    "companion",
    "crate",
];

const UPDATE_OPTIONS: [&str; 16] = [
    "key",
    "ttl",
    "jitter",
    "none",
    "store_if",
    "stale",
    "fail_safe",
    "refresh_ahead",
    "sliding",
    "version",
    "codec",
    "compress",
    "max_entry",
    "tags",
    "cache",
    "crate",
];

/// A refused attribute; its companion stays, so that its callers still build.
pub(crate) struct Refused {
    pub(crate) companion: Option<Box<Companion>>,
}

pub(crate) fn load(
    act: Act,
    arguments: Vec<Argument>,
    function: Function,
    errors: &mut Errors,
) -> Result<Load, Refused> {
    let (attribute, known): (_, &[_]) = match act {
        Act::Read => ("`#[cache_result]`", &READ_OPTIONS),
        Act::Update => ("`#[update_cache]`", &UPDATE_OPTIONS),
    };
    let mut options = Options::new(attribute, known, arguments, errors);
    let places = options.places();
    let scope = Scope::of(&function.sig);
    let runtime = options.runtime(errors);
    let key = checked_key(act, &mut options, &scope, errors);
    let tags = tags::of_entry(&mut options, key.as_ref(), &scope, errors);
    let cache = options.expr("cache", errors).map(|expr| scope.reach(expr));
    let policy = lifetimes::policy(&mut options, &scope, errors);
    let windows = windows::windows(&mut options, errors);
    let facts = OfLoad::new(places, &function.body, &policy, windows);
    clashes::of_load(act, &facts, errors);
    if act == Act::Read {
        background::owned_parameters(&windows, &function, errors);
    }
    let format = format::format(&mut options, errors);
    let max_loads = options.expr("max_loads", errors);
    let max_loads = max_loads.and_then(|expr| number("max_loads", &expr, errors));
    let name = companion_of(act, &mut options, &function, errors);
    let returns = function::cached_type(&function, errors);
    let (Some(returns), Some(key)) = (returns, key) else {
        return Err(Refused { companion: None });
    };
    let ingredients = Ingredients {
        runtime: &runtime,
        function: &function,
        scope: &scope,
        returns: &returns,
        key: &key,
        tags: &tags,
        cache: cache.as_ref(),
        format: &format,
    };
    let companion = name.map(|name| companion::companion(name, &ingredients));
    if !errors.is_empty() {
        return Err(Refused {
            companion: companion.map(Box::new),
        });
    }
    Ok(Load {
        act,
        runtime,
        function,
        returns,
        key,
        tags,
        cache,
        policy,
        windows,
        format,
        max_loads,
        companion,
    })
}

/// The key, with every parameter in it or excused.
fn checked_key(act: Act, options: &mut Options, scope: &Scope, errors: &mut Errors) -> Option<Key> {
    if !options.has("key") {
        let message = "no key: write `key = \"user:<id>\"`";
        errors.push(Rule::MissingKey, Span::call_site(), message);
    }
    let key = options
        .expr("key", errors)
        .and_then(|expr| key(expr, scope, errors));
    let ignored = options.names("key_ignores", errors);
    parameters::check_ignored(&ignored, scope, errors);
    if let (Act::Read, Some(key)) = (act, &key) {
        parameters::check(key, &ignored, scope, errors);
    }
    key
}

fn companion_of(
    act: Act,
    options: &mut Options,
    function: &Function,
    errors: &mut Errors,
) -> Option<Ident> {
    let default = (act == Act::Read).then(|| companion::default_name(function));
    if !options.has("companion") {
        return default;
    }
    let name = companion_name(&options.expr("companion", errors)?, errors)?;
    (name != "none").then_some(name)
}
