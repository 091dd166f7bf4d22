//! `"<@tenant>:user:<user.id|hash>"`: the placeholders in a template's text.

use std::ops::Range;

use syn::Ident;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;

/// One `<..>` of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placeholder {
    pub(crate) named: Named,
    /// Where it stands, brackets included.
    pub(crate) at: Range<usize>,
}

/// What a placeholder names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// `["user", "id"]` of `<user.id|hash>`.
    Path(Vec<String>),
    /// `tenant` of `<@tenant|hash>`.
    Context(String),
}

/// Why a piece of a template is no placeholder, and where it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Unclosed { at: usize },
    LoneBracket { at: usize },
    Malformed { at: usize, content: String },
    MalformedContext { at: usize, content: String },
}

/// Every placeholder and every fault, in order.
pub(crate) fn scan(text: &str) -> (Vec<Placeholder>, Vec<Fault>) {
    let (mut placeholders, mut faults) = (Vec::new(), Vec::new());
    let mut from = 0;
    while let Some(at) = text[from..].find(['<', '>']).map(|offset| from + offset) {
        from = at + 1;
        if text[at..].starts_with('>') {
            faults.push(Fault::LoneBracket { at });
            continue;
        }
        let Some(end) = closing(text, from) else {
            faults.push(Fault::Unclosed { at });
            continue;
        };
        match named(&text[from..end], at) {
            Ok(named) => placeholders.push(Placeholder {
                named,
                at: at..end + 1,
            }),
            Err(fault) => faults.push(fault),
        }
        from = end + 1;
    }
    (placeholders, faults)
}

fn closing(text: &str, from: usize) -> Option<usize> {
    let end = from + text[from..].find(['<', '>'])?;
    text[end..].starts_with('>').then_some(end)
}

/// What the content of a placeholder that starts at `at` names.
fn named(content: &str, at: usize) -> Result<Named, Fault> {
    let name = content.strip_suffix("|hash").unwrap_or(content);
    let malformed = content.to_owned();
    match name.strip_prefix('@') {
        Some(name) if is_ident(name) && !name.starts_with("r#") => {
            Ok(Named::Context(name.to_owned()))
        }
        Some(_) => Err(Fault::MalformedContext {
            at,
            content: malformed,
        }),
        None => path_of(name).map(Named::Path).ok_or(Fault::Malformed {
            at,
            content: malformed,
        }),
    }
}

fn path_of(path: &str) -> Option<Vec<String>> {
    let mut segments = path.split('.');
    let root = segments
        .next()
        .filter(|root| is_ident(root) || *root == "Self")?;
    let fields: Option<Vec<_>> = segments
        .map(|field| is_field(field).then_some(field))
        .collect();
    Some(
        std::iter::once(root)
            .chain(fields?)
            .map(str::to_owned)
            .collect(),
    )
}

/// A name, keywords included: `<user.type>` is a field like any other.
pub(crate) fn is_ident(text: &str) -> bool {
    !matches!(text, "_" | "Self" | "super" | "crate") && parses_as_ident(text)
}

fn parses_as_ident(text: &str) -> bool {
    let ident = Ident::parse_any.parse_str(text);
    // The parser skips blanks and comments.
    ident.is_ok_and(|ident| ident == text)
}

fn is_field(text: &str) -> bool {
    (is_ident(text) && text != "self") || is_index(text)
}

fn is_index(text: &str) -> bool {
    // `0`, but not `00`; nobody has a tuple of a thousand fields.
    (1..=3).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        scan(text)
            .0
            .iter()
            .map(|placeholder| match &placeholder.named {
                Named::Path(path) => path.join("/"),
                Named::Context(name) => format!("context {name}"),
            })
            .collect()
    }

    #[test]
    fn finds_names_fields_and_digests() {
        assert_eq!(paths("user:<user_id>"), ["user_id"]);
        assert_eq!(paths("<a>:<b.0.c>|<d|hash>"), ["a", "b/0/c", "d"]);
        assert_eq!(paths("{<id>}:plain"), ["id"]);
        assert_eq!(
            paths("<@tenant>:<@type|hash>"),
            ["context tenant", "context type"]
        );
        assert_eq!(scan("a:<b>").0[0].at, 2..5);
        assert!(paths("no placeholder {at} all").is_empty());
    }

    #[test]
    fn tells_where_a_placeholder_is_broken() {
        assert_eq!(scan("a:<b").1, [Fault::Unclosed { at: 2 }]);
        assert_eq!(scan("a<b<c>").1, [Fault::Unclosed { at: 1 }]);
        assert_eq!(scan("a>b").1, [Fault::LoneBracket { at: 1 }]);
        for content in [
            "",
            "a b",
            "1",
            "a.",
            "a..b",
            "a|md5",
            "a.00",
            "_",
            "a|hash|hash",
        ] {
            let fault = Fault::Malformed {
                at: 0,
                content: content.to_owned(),
            };
            assert_eq!(scan(&format!("<{content}>")).1, [fault]);
        }
        for content in ["@", "@1", "@a.b", "@a b", "@@a", "@_", "@r#a", "@a|md5"] {
            let fault = Fault::MalformedContext {
                at: 0,
                content: content.to_owned(),
            };
            assert_eq!(scan(&format!("<{content}>")).1, [fault]);
        }
    }
}
