//! Tells where a command or a reply ends.

/// The length of the first message in `bytes`, if it is all there.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|end| end == b"\r\n")?;
    let (kind, head) = bytes[..line].split_first()?;
    let count = || std::str::from_utf8(head).ok()?.parse::<i64>().ok();
    let behind = line + 2;
    match kind {
        b'$' | b'!' | b'=' => {
            // -1 is nothing, and has no bytes.
            let Some(length) = usize::try_from(count()?).ok() else {
                return Some(behind);
            };
            let end = behind + length + 2;
            (bytes.len() >= end).then_some(end)
        }
        b'*' | b'~' | b'>' => several(bytes, behind, count()?),
        b'%' | b'|' => several(bytes, behind, 2 * count()?),
        _ => Some(behind),
    }
}

fn several(bytes: &[u8], behind: usize, count: i64) -> Option<usize> {
    let mut end = behind;
    for _ in 0..count {
        end += length(&bytes[end..])?;
    }
    Some(end)
}

/// The name of a command, in capitals.
pub(super) fn command(frame: &[u8]) -> String {
    let mut lines = frame.split(|byte| *byte == b'\n').skip(2);
    let name = lines.next().unwrap_or_default();
    String::from_utf8_lossy(name).trim().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_each_kind_of_message() {
        for whole in [
            "+OK\r\n",
            "$3\r\nabc\r\n",
            "$-1\r\n",
            "*2\r\n:1\r\n$2\r\nab\r\n",
            "%1\r\n+a\r\n*0\r\n",
            ">2\r\n+invalidate\r\n_\r\n",
        ] {
            let more = format!("{whole}+more");
            assert_eq!(length(more.as_bytes()), Some(whole.len()), "{whole}");
            for cut in 0..whole.len() {
                assert_eq!(length(&whole.as_bytes()[..cut]), None, "{whole} at {cut}");
            }
        }
    }

    #[test]
    fn names_a_command() {
        assert_eq!(command(b"*2\r\n$3\r\nget\r\n$1\r\na\r\n"), "GET");
    }
}
