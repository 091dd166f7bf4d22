//! The way of each attribute: parse, check, model, expand.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::Attribute;
use crate::errors::{Errors, Rule};
use crate::{check, expand, parse};

pub(crate) fn load(
    attribute: Attribute,
    arguments: TokenStream,
    item: TokenStream,
    errors: &mut Errors,
) -> TokenStream {
    let Some(function) = parse::function(item.clone(), errors) else {
        return errors.beside(item);
    };
    let arguments = parse::arguments(arguments, errors);
    match check::load(attribute, arguments, function, errors) {
        Ok(load) => expand::load(&load),
        Err(refused) => {
            let companion = refused.companion.as_deref().map(expand::companion);
            errors.beside(quote!(#item #companion))
        }
    }
}

pub(crate) fn write(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let Some(function) = parse::function(item.clone(), errors) else {
        return errors.beside(item);
    };
    let arguments = parse::arguments(arguments, errors);
    match check::write(arguments, function, errors) {
        Some(write) => expand::write(&write),
        None => errors.beside(item),
    }
}

pub(crate) fn retry(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let Some(function) = parse::function(item.clone(), errors) else {
        return errors.beside(item);
    };
    let arguments = parse::arguments(arguments, errors);
    match check::retry(arguments, function, errors) {
        Some(retry) => expand::retry(&retry),
        None => errors.beside(item),
    }
}

pub(crate) fn with_redis(
    arguments: TokenStream,
    item: TokenStream,
    errors: &mut Errors,
) -> TokenStream {
    let Some(function) = parse::function(item.clone(), errors) else {
        return errors.beside(item);
    };
    let arguments = parse::arguments(arguments, errors);
    match check::with_redis(arguments, function, errors) {
        Some(with) => expand::with_redis(&with),
        None => errors.beside(item),
    }
}

pub(crate) fn keys(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let arguments = parse::arguments(arguments, errors);
    let checked = match syn::parse2(item.clone()) {
        Ok(block) => check::keys(arguments, &block, errors),
        Err(error) => {
            let message = "`#[cache_keys]` goes on an `impl`";
            errors.push(Rule::KeysTarget, error.span(), message);
            None
        }
    };
    match checked {
        Some(keys) => {
            let checks = expand::keys(&keys);
            quote!(#item #checks)
        }
        None => errors.beside(item),
    }
}

pub(crate) fn key_part(item: TokenStream, errors: &mut Errors) -> TokenStream {
    let checked = match syn::parse2(item) {
        Ok(input) => check::key_part(input, errors),
        Err(error) => return error.to_compile_error(),
    };
    match checked {
        Some(part) => expand::key_part(&part),
        None => errors.beside(TokenStream::new()),
    }
}
