//! The options between an attribute's parentheses.

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Token, token};

use crate::errors::{Errors, Rule};

/// One option: `ttl = 1800`, `key_ignores(db)` or `by = id in ids`.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What stands behind an option's name.
pub(crate) enum Value {
    Expr(Box<Expr>),
    Names(Vec<Ident>),
    /// `id in ids`
    Each {
        one: Ident,
        all: Ident,
    },
    /// Already reported; kept so that a duplicate is still seen.
    Broken,
}

/// Reads every option, going on behind those that do not parse.
pub(crate) fn arguments(tokens: TokenStream, errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let outcome = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            read_one(input, &mut arguments, errors);
        }
        Ok(())
    })
    .parse2(tokens);
    if let Err(error) = outcome {
        errors.push(Rule::Syntax, error.span(), error);
    }
    arguments
}

fn read_one(input: ParseStream<'_>, arguments: &mut Vec<Argument>, errors: &mut Errors) {
    let Ok(name) = input.call(Ident::parse_any) else {
        errors.push(
            Rule::Syntax,
            input.span(),
            "expected an option, as in `ttl = 1800`",
        );
        return skip(input);
    };
    let value = read_value(input, &name, errors);
    let is_broken = matches!(value, Value::Broken);
    arguments.push(Argument { name, value });
    if is_broken {
        skip(input);
    } else if !input.is_empty() && input.parse::<Token![,]>().is_err() {
        errors.push(
            Rule::Syntax,
            input.span(),
            "expected `,` between two options",
        );
        skip(input);
    }
}

fn read_value(input: ParseStream<'_>, name: &Ident, errors: &mut Errors) -> Value {
    let value = if input.peek(token::Paren) {
        names(input).map(Value::Names)
    } else if input.parse::<Token![=]>().is_err() || input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{name}` needs a value: write `{name} = ..`");
        Err(syn::Error::new(name.span(), message))
    } else if input.peek2(Token![in]) {
        each(input)
    } else {
        input.parse().map(|expr| Value::Expr(Box::new(expr)))
    };
    value.unwrap_or_else(|error| {
        errors.push(Rule::Syntax, error.span(), error);
        Value::Broken
    })
}

fn each(input: ParseStream<'_>) -> syn::Result<Value> {
    let one = input.parse()?;
    input.parse::<Token![in]>()?;
    let all = input.call(Ident::parse_any)?;
    Ok(Value::Each { one, all })
}

fn names(input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let list: Group = input.parse()?;
    let names = |content: ParseStream<'_>| {
        Punctuated::<Ident, Token![,]>::parse_terminated_with(content, Ident::parse_any)
    };
    // Apart from `input`, which would report what is left of a broken list again.
    Ok(names.parse2(list.stream())?.into_iter().collect())
}

/// To behind the next comma that is followed by an option's name.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_err() {
            // Not empty, so there is a token to step over.
            let _ = input.parse::<TokenTree>();
        } else if input.peek(Ident::peek_any)
            && (input.peek2(Token![=]) || input.peek2(token::Paren))
        {
            return;
        }
    }
}
