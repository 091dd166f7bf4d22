//! `#[derive(KeyPart)]`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Generics, Path, Type, WherePredicate, parse_quote};

use super::{at, ours};
use crate::model::{Field, KeyPart, Shape, Variant};

/// ```text
/// impl KeyPart for UserId {
///     fn render(&self, __cache_out: &mut KeyWriter<'_>) {
///         KeyPart::render(&self.0, __cache_out)
///     }
/// }
/// ```
pub(crate) fn key_part(input: &KeyPart) -> TokenStream {
    let KeyPart {
        runtime,
        name,
        generics,
        shape,
    } = input;
    let private = runtime.private();
    let runtime = &runtime.0;
    let render = match shape {
        Shape::Newtype(field) => {
            let Field { member, ty } = &**field;
            let runtime = at(ty.span(), &quote!(#runtime));
            quote_spanned!(ours(ty.span())=> #runtime::KeyPart::render(&self.#member, __cache_out))
        }
        Shape::Struct(fields) => {
            let parts = fields.iter().map(|Field { member, ty }| {
                let private = at(ty.span(), &private);
                quote_spanned!(ours(ty.span())=> #private::part(&self.#member))
            });
            quote!(__cache_out.group(&[#(#parts),*]))
        }
        Shape::Enum(variants) => {
            let arms = variants.iter().map(|variant| arm(variant, &private));
            quote!(match self { #(#arms)* })
        }
    };
    let generics = bounded(generics.clone(), shape, runtime);
    let (params, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #params #runtime::KeyPart for #name #arguments #bounds {
            fn render(&self, __cache_out: &mut #runtime::KeyWriter<'_>) {
                #render
            }
        }
    }
}

fn arm(variant: &Variant, private: &TokenStream) -> TokenStream {
    let Variant { name, fields } = variant;
    let text = name.unraw().to_string();
    let bound = |index: usize, ty: &Type| format_ident!("__cache_{index}", span = ours(ty.span()));
    let names = fields
        .iter()
        .enumerate()
        .map(|(index, Field { member, ty })| {
            let bound = bound(index, ty);
            quote!(#member: #bound)
        });
    let parts = fields.iter().enumerate().map(|(index, Field { ty, .. })| {
        let bound = bound(index, ty);
        let private = at(ty.span(), private);
        quote_spanned!(ours(ty.span())=> #private::part(#bound))
    });
    let group = (!fields.is_empty()).then(|| quote!(__cache_out.group(&[#(#parts),*]);));
    quote! {
        Self::#name { #(#names),* } => {
            __cache_out.name(#text);
            #group
        }
    }
}

/// Bounds only for what the fields use.
fn bounded(mut generics: Generics, shape: &Shape, runtime: &Path) -> Generics {
    let types: Vec<&Type> = match shape {
        Shape::Newtype(field) => vec![&field.ty],
        Shape::Struct(fields) => fields.iter().map(|field| &field.ty).collect(),
        Shape::Enum(variants) => {
            let fields = variants.iter().flat_map(|variant| &variant.fields);
            fields.map(|field| &field.ty).collect()
        }
    };
    let mut bounds: Vec<WherePredicate> = Vec::new();
    for param in generics.type_params() {
        let name = &param.ident;
        let users = types
            .iter()
            .filter(|ty| mentions(ty.to_token_stream(), name));
        bounds.extend(users.map(|ty| bound(name, ty, runtime)));
    }
    bounds.dedup();
    if !bounds.is_empty() {
        generics.make_where_clause().predicates.extend(bounds);
    }
    generics
}

/// `T: KeyPart`, but `T::Id: KeyPart` for a field that only holds that.
fn bound(param: &Ident, ty: &Type, runtime: &Path) -> WherePredicate {
    match ty {
        Type::Path(path) if path.qself.is_some() || is_below(param, &path.path) => {
            parse_quote!(#ty: #runtime::KeyPart)
        }
        _ => parse_quote!(#param: #runtime::KeyPart),
    }
}

fn is_below(param: &Ident, path: &Path) -> bool {
    path.segments.len() > 1
        && path
            .segments
            .first()
            .is_some_and(|first| first.ident == *param)
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}
