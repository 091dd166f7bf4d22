//! "did you mean" for names that do not exist.

/// The candidate that is probably meant, as the end of a message.
pub(super) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let (distance, meant) = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    // One slip in three letters; more is another word, and so is another single letter.
    let length = meant.chars().count().max(name.chars().count());
    let is_close = distance <= length.div_ceil(3) && distance < length;
    is_close.then(|| format!("did you mean `{meant}`?"))
}

/// `` `a`, `b` or `c` ``
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposes_what_is_one_slip_away() {
        let names = ["user_id", "class_id", "db"];
        assert_eq!(
            did_you_mean("usr_id", names).as_deref(),
            Some("did you mean `user_id`?")
        );
        assert_eq!(
            did_you_mean("bd", names).as_deref(),
            Some("did you mean `db`?")
        );
        assert_eq!(did_you_mean("assignment", names), None);
        assert_eq!(did_you_mean("x", []), None);
        assert_eq!(did_you_mean("T", ["U"]), None);
    }

    #[test]
    fn lists_with_an_or() {
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
