//! The `static` that an annotated function registers in the catalogue.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::{options, ours, tags};
use crate::model::{Act, Function, Key, Load, Source, When, Write};
use crate::text;

/// The site of a load:
/// ```text
/// static __CACHE_SITE: P::Site = P::Site::read(concat!(module_path!(), "::user"))
///     .keys(&[P::KeySource::template("user:<id>")])
///     .value("Result<User, DbError>")
///     .companion("user_key");
/// P::submit! { &__CACHE_SITE }
/// ```
pub(super) fn of_load(load: &Load, private: &TokenStream) -> TokenStream {
    let act = match load.act {
        Act::Read => quote!(read),
        Act::Update => quote!(update),
        Act::Many(_) => quote!(many),
    };
    let key = match &load.key {
        Key::Template(template) => source(&Source::Template(template.literal.clone()), private),
        Key::Computed {
            source: computed, ..
        } => source(computed, private),
    };
    let returns = &load.returns;
    let value = text::of(quote!(#returns));
    let ttl = load
        .policy
        .ttl
        .as_ref()
        .map(|(_, written)| quote!(.ttl(#written)));
    let companion = load.companion.as_ref().map(|companion| {
        let name = companion.name.unraw().to_string();
        quote!(.companion(#name))
    });
    let tags = tags::of_site(load.tags.iter(), private);
    let windows = options::windows(&load.windows, private);
    let max_loads = load.max_loads.map(|loads| {
        let loads = proc_macro2::Literal::u32_unsuffixed(loads);
        quote!(.max_loads(#loads))
    });
    let confirm = confirm(load.confirm);
    let format = options::format(&load.format, private);
    let rest = quote!(.keys(&[#key]).value(#value) #ttl #companion #tags #windows #max_loads #confirm #format);
    declare(&act, &load.function, &rest, private)
}

/// The site of a write, with a source for each of its keys.
pub(super) fn of_write(write: &Write, private: &TokenStream) -> TokenStream {
    let sources = write
        .targets
        .iter()
        .map(|target| source(&target.source, private));
    let around = (write.when == When::Around).then(|| quote!(.around()));
    let settle = write.settle.map(|millis| {
        let millis = proc_macro2::Literal::u64_unsuffixed(millis);
        quote!(.settle(#millis))
    });
    let confirm = confirm(write.confirm);
    let external = write
        .external
        .as_ref()
        .map(|reason| quote!(.external(#reason)));
    let tags = tags::of_site(write.tags.iter(), private);
    let rest = quote!(.keys(&[#(#sources),*]) #tags #around #settle #confirm #external);
    declare(&quote!(write), &write.function, &rest, private)
}

/// `.confirm(1)`
fn confirm(replicas: Option<u32>) -> Option<TokenStream> {
    let replicas = proc_macro2::Literal::u32_unsuffixed(replicas?);
    Some(quote!(.confirm(#replicas)))
}

fn declare(
    act: &TokenStream,
    function: &Function,
    rest: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let name = format!("::{}", function.sig.ident.unraw());
    quote! {
        static __CACHE_SITE: #private::Site = #private::Site::#act(
            ::core::concat!(::core::module_path!(), #name)
        ) #rest;
        #private::submit! { &__CACHE_SITE }
    }
}

fn source(source: &Source, private: &TokenStream) -> TokenStream {
    let source = match source {
        Source::Template(literal) => {
            quote_spanned!(ours(literal.span())=> template(#literal))
        }
        Source::Pattern(literal) => quote_spanned!(ours(literal.span())=> pattern(#literal)),
        Source::Constant(path) => quote!(constant(|| #private::template_text(&#path))),
        Source::Companion(name) => quote!(companion(#name)),
        Source::Computed(text) => quote!(computed(#text)),
    };
    quote!(#private::KeySource::#source)
}
