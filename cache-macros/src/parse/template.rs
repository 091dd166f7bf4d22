//! `"user:<user.id|hash>"`: the placeholders in a template's text.

use std::ops::Range;

use syn::Ident;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;

/// One `<..>` of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// `["user", "id"]` of `<user.id|hash>`.
    pub(crate) path: Vec<String>,
    /// Where it stands, brackets included.
    pub(crate) at: Range<usize>,
}

/// Why a piece of a template is no placeholder, and where it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Unclosed { at: usize },
    LoneBracket { at: usize },
    Malformed { at: usize, content: String },
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
        let content = &text[from..end];
        match path_of(content) {
            Some(path) => placeholders.push(Placeholder {
                path,
                at: at..end + 1,
            }),
            None => faults.push(Fault::Malformed {
                at,
                content: content.to_owned(),
            }),
        }
        from = end + 1;
    }
    (placeholders, faults)
}

fn closing(text: &str, from: usize) -> Option<usize> {
    let end = from + text[from..].find(['<', '>'])?;
    text[end..].starts_with('>').then_some(end)
}

fn path_of(content: &str) -> Option<Vec<String>> {
    let path = content.strip_suffix("|hash").unwrap_or(content);
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
            .map(|placeholder| placeholder.path.join("/"))
            .collect()
    }

    #[test]
    fn finds_names_fields_and_digests() {
        assert_eq!(paths("user:<user_id>"), ["user_id"]);
        assert_eq!(paths("<a>:<b.0.c>|<d|hash>"), ["a", "b/0/c", "d"]);
        assert_eq!(paths("{<id>}:plain"), ["id"]);
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
    }
}
