//! Where a name occurs in an expression, nested macros included.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// Whether `name` occurs as a variable: not as a field, a module or a macro.
pub(super) fn of_variable(name: &Ident, tokens: &TokenStream) -> bool {
    let name = name.to_string();
    any(tokens, &mut |before, word, behind| {
        word == name && !matches!(before, "." | "::") && !matches!(behind, "::" | "!" | ":")
    })
}

/// Whether `name` occurs as a type, which may have a path behind it.
pub(super) fn of_type(name: &Ident, tokens: &TokenStream) -> bool {
    let name = name.to_string();
    any(tokens, &mut |before, word, _| word == name && before != ".")
}

/// Calls `test(operator before, word, operator behind)` for every word.
fn any(tokens: &TokenStream, test: &mut impl FnMut(&str, &str, &str) -> bool) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => any(&group.stream(), test),
        TokenTree::Ident(ident) => {
            let before = operator(tokens[..at].iter().rev(), true);
            let behind = operator(tokens[at + 1..].iter(), false);
            test(&before, &ident.to_string(), &behind)
        }
        TokenTree::Literal(literal) => {
            inline_arguments(&literal.to_string()).any(|word| test("", word, ""))
        }
        TokenTree::Punct(_) => false,
    })
}

fn operator<'a>(tokens: impl Iterator<Item = &'a TokenTree>, reversed: bool) -> String {
    let mut operator: Vec<char> = tokens
        .map_while(|token| match token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            _ => None,
        })
        .take(2)
        .collect();
    if reversed {
        operator.reverse();
    }
    match operator[..] {
        // `a..b` is a range of variables; `x < &::b` and `..=` need no care.
        ['.', '.'] | ['!', '='] => String::new(),
        [_, '.'] if reversed => ".".to_owned(),
        ['.' | '!', _] if !reversed => operator[0].to_string(),
        [':', second] if !reversed && second != ':' => ":".to_owned(),
        _ => operator.into_iter().collect(),
    }
}

/// `id` of `format!("{id:?}")`.
fn inline_arguments(literal: &str) -> impl Iterator<Item = &str> {
    literal.split('{').skip(1).filter_map(|rest| {
        let end = rest.find(['}', ':'])?;
        Some(&rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurs(name: &str, source: &str) -> bool {
        let Ok(tokens) = source.parse() else {
            unreachable!("the test's tokens parse")
        };
        of_variable(&Ident::new(name, proc_macro2::Span::call_site()), &tokens)
    }

    #[test]
    fn sees_variables_in_every_place() {
        for source in [
            "KEYS.key(id)",
            "KEYS.key(&id, 3)",
            "key(x.field(id))",
            "my_macro!({ [id] })",
            "format!(\"{id}:{}\", 1)",
            "(0..id)",
            "id.field",
            "id != 3",
            "(id, a::b)",
            "-id",
        ] {
            assert!(occurs("id", source), "{source}");
        }
    }

    #[test]
    fn is_not_fooled_by_other_names() {
        for source in [
            "user.id",
            "id::KEY",
            "a::id",
            "id!(x)",
            "User { id: 3 }",
            "idx",
            "a.b.id",
        ] {
            assert!(!occurs("id", source), "{source}");
        }
    }

    #[test]
    fn sees_types_with_a_path_behind() {
        let Ok(tokens) = "T::KEY.key(id)".parse() else {
            unreachable!("it parses")
        };
        assert!(of_type(
            &Ident::new("T", proc_macro2::Span::call_site()),
            &tokens
        ));
    }
}
