//! What each placeholder of a template stands for.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;
use syn::{Index, LitStr, Member};

use super::names;
use super::scope::Scope;
use super::template::{self, Role, Text};
use crate::errors::{Errors, Rule};
use crate::model::{Part, Root, Template};
use crate::parse::template::{Named, Placeholder, scan};

/// Whether a template may use a part of the function's result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Known,
    /// The key is needed before the body runs.
    Unknown,
}

/// The template with its parts, or `None` after a mistake.
pub(super) fn check(
    literal: &LitStr,
    role: Role,
    scope: &Scope,
    outcome: Outcome,
    errors: &mut Errors,
) -> Option<Template> {
    let text = Text::of(literal);
    let names: Vec<String> = scope.names().map(|(name, _)| name.to_string()).collect();
    let (placeholders, is_fine) = template::check(&text, role, &names, errors);
    let parts: Vec<Option<Part>> = placeholders
        .iter()
        .map(
            |placeholder| match part(placeholder, scope, outcome, text.span()) {
                Ok(part) => Some(part),
                Err((broken, message)) => {
                    let at = placeholder.at.start + 1;
                    errors.push(broken, text.span(), text.at(at, &message));
                    None
                }
            },
        )
        .collect();
    let parts = parts.into_iter().collect::<Option<_>>()?;
    is_fine.then(|| Template {
        literal: literal.clone(),
        parts,
    })
}

/// Reports each part of a template that `fault` says something about.
pub(super) fn refuse(
    rule: Rule,
    template: &Template,
    fault: impl Fn(&Root) -> Option<String>,
    errors: &mut Errors,
) {
    let text = Text::of(&template.literal);
    let (placeholders, _) = scan(&text.text);
    for (placeholder, part) in placeholders.iter().zip(&template.parts) {
        if let Some(message) = fault(&part.root) {
            let at = placeholder.at.start + 1;
            errors.push(rule, text.span(), text.at(at, &message));
        }
    }
}

type Mistake = (Rule, String);

fn part(
    placeholder: &Placeholder,
    scope: &Scope,
    outcome: Outcome,
    span: Span,
) -> Result<Part, Mistake> {
    let (root, fields) = match &placeholder.named {
        Named::Context(name) => {
            let (root, fields) = (Root::Context(name.clone()), Vec::new());
            return Ok(Part { root, fields, span });
        }
        Named::Path(path) => path.split_first().unwrap_or_else(|| {
            unreachable!("a placeholder has a name");
        }),
    };
    let root = root_of(root, scope, outcome, span)?;
    if let (Root::Type(name) | Root::Const(name), [field, ..]) = (&root, fields) {
        let message = format!("`{name}` has no field `{field}`: write `<{name}>`");
        return Err((Rule::FieldOfType, message));
    }
    // Not the literal's own span: rustc would propose to replace all of the literal by a field.
    let place = Span::call_site().located_at(span);
    let fields = fields.iter().map(|field| member(field, place)).collect();
    Ok(Part { root, fields, span })
}

fn root_of(name: &str, scope: &Scope, outcome: Outcome, span: Span) -> Result<Root, Mistake> {
    let bare = name.strip_prefix("r#").unwrap_or(name);
    let called = |ident: &&Ident| ident.unraw() == bare;
    if let Some((name, parameter)) = scope.names().find(|(ident, _)| called(ident)) {
        return Ok(Root::Parameter {
            name: name.clone(),
            written: parameter.written(),
        });
    }
    if let Some(name) = scope.types.iter().find(called) {
        return Ok(Root::Type(name.clone()));
    }
    if let Some(name) = scope.consts.iter().find(called) {
        return Ok(Root::Const(name.clone()));
    }
    match (name, &scope.receiver, outcome) {
        ("self", Some(receiver), _) => Ok(Root::Receiver(*receiver)),
        ("self", None, _) => {
            let message = "`<self>` in a function without `self`: name a parameter".to_owned();
            Err((Rule::UnknownPlaceholder, message))
        }
        ("return", _, Outcome::Known) => Ok(Root::Return),
        ("return", _, Outcome::Unknown) => {
            let message = "`<return>` is not known before the body runs: name a parameter";
            Err((Rule::ReturnInKey, message.to_owned()))
        }
        _ => unknown(name, scope, span),
    }
}

/// A name like `T` may be a type parameter of the `impl` around the function,
/// which no attribute can see; rustc judges it.
fn unknown(name: &str, scope: &Scope, span: Span) -> Result<Root, Mistake> {
    let known = scope
        .names()
        .map(|(name, _)| name)
        .chain(&scope.types)
        .chain(&scope.consts);
    let known: Vec<String> = known.map(ToString::to_string).collect();
    let meant = names::did_you_mean(name, known.iter().map(String::as_str));
    let looks_like_type = name.chars().next().is_some_and(char::is_uppercase)
        && name.chars().skip(1).all(|letter| letter.is_ascii_digit());
    if meant.is_none() && (looks_like_type || name == "Self") {
        return Ok(Root::Type(Ident::new(name, span)));
    }
    let instead = meant.unwrap_or_else(|| match &known[..] {
        [] => "this function has no parameters".to_owned(),
        known => format!("write {}", names::list(known.iter().map(String::as_str))),
    });
    Err((
        Rule::UnknownPlaceholder,
        format!("unknown placeholder `{name}`: {instead}"),
    ))
}

fn member(field: &str, span: Span) -> Member {
    match field.parse() {
        Ok(index) => Member::Unnamed(Index { index, span }),
        Err(_) => Member::Named(ident(field, span)),
    }
}

fn ident(name: &str, span: Span) -> Ident {
    let bare = name.strip_prefix("r#").unwrap_or(name);
    match syn::parse_str::<Ident>(bare) {
        Ok(_) => Ident::new(bare, span),
        Err(_) => Ident::new_raw(bare, span),
    }
}
