//! A buffer per thread, so that rendering a key allocates nothing.

use std::cell::Cell;

/// One huge argument should not hold its memory for as long as the thread lives.
const KEPT_CAPACITY: usize = 4096;

thread_local! {
    // Boxed, so that taking it out and putting it back moves one word.
    #[expect(clippy::box_collection, reason = "moving the `String` costs a third of a rendering")]
    static SCRATCH: Cell<Option<Box<String>>> = const { Cell::new(None) };
}

/// Runs `work` on an empty buffer.
///
/// The buffer is taken out while in use: a part that renders another key meanwhile
/// gets one of its own, and so does a thread that is past its thread-locals' end.
#[inline]
pub(super) fn with<R>(work: impl FnOnce(&mut String) -> R) -> R {
    let mut buffer = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT_CAPACITY {
        // A thread past its end drops the buffer instead of keeping it.
        _ = SCRATCH.try_with(|scratch| scratch.set(Some(buffer)));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_memory_between_uses() {
        with(|buffer| buffer.push_str("a long enough text"));
        assert!(with(|buffer| buffer.is_empty() && buffer.capacity() > 0));
    }

    #[test]
    fn gives_nested_uses_buffers_of_their_own() {
        with(|outer| {
            outer.push_str("outer");
            with(|inner| inner.push_str("inner"));
            assert_eq!(outer, "outer");
        });
    }

    #[test]
    fn does_not_keep_huge_buffers() {
        with(|buffer| buffer.reserve(10 * KEPT_CAPACITY));
        assert!(with(|buffer| buffer.capacity() <= KEPT_CAPACITY));
    }
}
