//! Tokens as one line of text, the same for every compiler.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// `Result < Vec < T > , E >` as `Result<Vec<T>, E>`.
pub(crate) fn of(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut glued = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => write_group(group.delimiter(), group.stream(), text),
            TokenTree::Punct(punct) => {
                let joint = punct.spacing() == Spacing::Joint;
                write_punct(punct.as_char(), glued, joint, text);
                glued = joint && punct.as_char() != '\'';
                continue;
            }
            word => {
                if text.ends_with(|end: char| end.is_alphanumeric() || "_\"}".contains(end)) {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
        glued = false;
    }
}

fn write_group(delimiter: Delimiter, inside: TokenStream, text: &mut String) {
    let (open, close) = match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace if inside.is_empty() => (" {", "}"),
        Delimiter::Brace => (" { ", " }"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    text.push_str(if text.ends_with(' ') {
        open.trim_start()
    } else {
        open
    });
    write(inside, text);
    text.push_str(close);
}

fn write_punct(punct: char, glued: bool, joint: bool, text: &mut String) {
    let operator =
        "=+-*/|".contains(punct) || (glued && punct == '>' && text.ends_with(['-', '=']));
    let has_left = !text.ends_with([' ', '(', '[', '<', '&']) && !text.is_empty();
    if operator && !glued && has_left {
        text.push(' ');
    }
    text.push(punct);
    let colon = punct == ':' && !glued;
    let prefix = "*-".contains(punct) && !glued && !has_left;
    if !joint && !prefix && (operator || ",;".contains(punct) || colon) {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    fn text_of(source: &str) -> String {
        let Ok(tokens) = source.parse() else {
            unreachable!("the test's tokens parse")
        };
        super::of(tokens)
    }

    #[test]
    fn prints_types_as_rustfmt_does() {
        for text in [
            "Result<Vec<Assignment>, DbError>",
            "Option<Arc<[u8; 16]>>",
            "<T as Load>::Output",
            "Box<dyn Fn(u32) -> u64 + Send>",
            "&'static str",
            "(u32, String)",
            "()",
        ] {
            assert_eq!(text_of(text), text);
        }
    }

    #[test]
    fn prints_expressions_on_one_line() {
        assert_eq!(
            text_of("keys :: user ( & user . id , 3 )"),
            "keys::user(&user.id, 3)"
        );
        assert_eq!(
            text_of("Duration::from_secs(60*5)"),
            "Duration::from_secs(60 * 5)"
        );
        assert_eq!(
            text_of("key_of(*id, -1, a - *b)"),
            "key_of(*id, -1, a - *b)"
        );
    }
}
