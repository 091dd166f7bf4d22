//! The rules of `#[derive(KeyPart)]`.

use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Fields, Index, Member};

use super::options::Options;
use crate::errors::{Errors, Rule};
use crate::model::{Field, KeyPart, Shape, Variant};
use crate::parse::arguments;

pub(crate) fn key_part(input: DeriveInput, errors: &mut Errors) -> Option<KeyPart> {
    let mut options = options(&input.attrs, errors);
    let runtime = options.runtime(errors);
    refuse_inner(&input.data, errors);
    let shape = match input.data {
        Data::Struct(data) => shape_of_struct(fields(data.fields)),
        Data::Enum(data) => Some(Shape::Enum(
            data.variants.into_iter().map(variant).collect(),
        )),
        Data::Union(data) => {
            let message = "a union does not know which of its fields is set: write an `enum`";
            errors.push(Rule::KeyPartUnion, data.union_token.span, message);
            return None;
        }
    };
    let shape = shape.filter(|shape| !matches!(shape, Shape::Enum(all) if all.is_empty()));
    let Some(shape) = shape else {
        let message = format!(
            "`{}` has no field that could tell two keys apart: leave it out of the key",
            input.ident
        );
        errors.push(Rule::KeyPartWithoutFields, input.ident.span(), message);
        return None;
    };
    let (name, generics) = (input.ident, input.generics);
    errors.is_empty().then_some(KeyPart {
        runtime,
        name,
        generics,
        shape,
    })
}

fn shape_of_struct(mut fields: Vec<Field>) -> Option<Shape> {
    match fields.len() {
        0 => None,
        1 => fields.pop().map(|field| Shape::Newtype(Box::new(field))),
        _ => Some(Shape::Struct(fields)),
    }
}

fn variant(variant: syn::Variant) -> Variant {
    Variant {
        name: variant.ident,
        fields: fields(variant.fields),
    }
}

fn fields(fields: Fields) -> Vec<Field> {
    let numbered = fields.into_iter().zip(0..);
    numbered
        .map(|(field, index)| {
            let span = field.ty.span();
            let member = match field.ident {
                Some(name) => Member::Named(name),
                None => Member::Unnamed(Index { index, span }),
            };
            Field {
                member,
                ty: field.ty,
            }
        })
        .collect()
}

/// The options of every `#[key_part(..)]` on the type.
fn options(attrs: &[Attribute], errors: &mut Errors) -> Options {
    let mut given = Vec::new();
    for attribute in key_part_attributes(attrs) {
        if let Ok(list) = attribute.meta.require_list() {
            given.extend(arguments(list.tokens.clone(), errors));
        } else {
            let message = "`#[key_part]` takes options: write `#[key_part(crate = path)]`";
            errors.push(Rule::Syntax, attribute.span(), message);
        }
    }
    Options::new("`#[key_part]`", &["crate"], given, errors)
}

/// A field is in the key or the key is wrong, so fields have no options.
fn refuse_inner(data: &Data, errors: &mut Errors) {
    let fields: Vec<&syn::Field> = match data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data
            .variants
            .iter()
            .flat_map(|variant| &variant.fields)
            .collect(),
        Data::Union(_) => Vec::new(),
    };
    for attribute in fields
        .into_iter()
        .flat_map(|field| key_part_attributes(&field.attrs))
    {
        let message = "unknown option: `#[key_part]` goes on the type, fields have no options";
        errors.push(Rule::UnknownOption, attribute.path().span(), message);
    }
}

fn key_part_attributes(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("key_part"))
}
