//! How an entry is written: `version`, `codec`, `compress`, `max_entry`.

use syn::spanned::Spanned as _;
use syn::{Expr, Lit};

use super::options::{Options, choice, literal, number, span_of};
use crate::errors::{Errors, Rule};
use crate::model::Format;
use crate::parse::size;

pub(super) fn format(options: &mut Options, errors: &mut Errors) -> Format {
    let version = options.expr("version", errors);
    let codec = options.expr("codec", errors);
    let compress = options.expr("compress", errors);
    let max_entry = options.expr("max_entry", errors);
    Format {
        version: version.and_then(|expr| number("version", &expr, errors)),
        postcard: codec.and_then(|expr| {
            let codec = choice("codec", &expr, &["json", "postcard"], errors)?;
            (codec == "postcard").then(|| expr.span())
        }),
        compress: compress.and_then(|expr| {
            let bytes = bytes("compress", &expr, errors)?;
            Some((bytes, expr.span()))
        }),
        max_entry: max_entry.and_then(|expr| bytes("max_entry", &expr, errors)),
    }
}

fn bytes(name: &str, expr: &Expr, errors: &mut Errors) -> Option<u32> {
    let bytes = match literal(expr) {
        Some(Lit::Int(bytes)) => bytes.base10_parse().ok(),
        Some(Lit::Str(text)) => size::bytes(&text.value()),
        _ => None,
    };
    if let Some(1..) = bytes {
        return bytes;
    }
    let message = format!(
        "`{name}` takes a size below 4 GiB: write bytes, as in `{name} = 16384`, or a unit, \
         as in `{name} = \"16kb\"` (`b`, `kb`, `mb`, `gb`)"
    );
    errors.push(Rule::InvalidSize, span_of(expr), message);
    None
}
