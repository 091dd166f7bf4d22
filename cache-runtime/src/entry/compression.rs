//! Payloads made shorter by LZ4, and back without trusting the length they claim.
//!
//! A compressed payload is the length before compression (`u32`, little endian) and an LZ4 block.

use super::Unreadable;

/// Compresses what follows `start`, if it is longer than `above` and gets shorter by it.
#[cfg(feature = "compression")]
pub(super) fn shrink(bytes: &mut Vec<u8>, start: usize, above: Option<usize>) -> bool {
    let Some(payload) = bytes.get(start..) else {
        return false;
    };
    let worthwhile = above.is_some_and(|above| payload.len() > above);
    if !worthwhile || u32::try_from(payload.len()).is_err() {
        return false;
    }
    let block = lz4_flex::block::compress_prepend_size(payload);
    let shorter = block.len() < payload.len();
    if shorter {
        bytes.truncate(start);
        bytes.extend_from_slice(&block);
        bytes.shrink_to_fit();
    }
    shorter
}

#[cfg(not(feature = "compression"))]
pub(super) fn shrink(_bytes: &mut Vec<u8>, _start: usize, _above: Option<usize>) -> bool {
    false
}

/// The payload before compression, for which at most `max_entry` bytes are allocated.
#[cfg(feature = "compression")]
pub(super) fn expand(payload: &[u8], max_entry: usize) -> Result<Vec<u8>, Unreadable> {
    let (size, block) =
        lz4_flex::block::uncompressed_size(payload).map_err(|_| Unreadable::Corrupted)?;
    if size > max_entry {
        return Err(Unreadable::TooBig);
    }
    let mut plain = vec![0; size];
    match lz4_flex::block::decompress_into(block, &mut plain) {
        Ok(written) if written == size => Ok(plain),
        _ => Err(Unreadable::Corrupted),
    }
}

#[cfg(not(feature = "compression"))]
pub(super) fn expand(_payload: &[u8], _max_entry: usize) -> Result<Vec<u8>, Unreadable> {
    Err(Unreadable::UnknownVersion)
}

#[cfg(all(test, feature = "compression"))]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let plain = b"abcdef".repeat(100);
        let mut bytes = plain.clone();
        assert!(shrink(&mut bytes, 0, Some(10)));
        assert!(bytes.len() < plain.len());
        assert_eq!(expand(&bytes, plain.len()).unwrap(), plain);
        assert_eq!(expand(&bytes, plain.len() - 1), Err(Unreadable::TooBig));
    }

    #[test]
    fn leaves_alone_what_is_short_or_random() {
        let mut short = vec![0; 100];
        assert!(!shrink(&mut short, 0, Some(100)));
        let mut random: Vec<u8> = (0..400).map(|_| rand::random()).collect();
        assert!(!shrink(&mut random, 0, Some(10)));
        assert_eq!(random.len(), 400);
    }

    proptest::proptest! {
        #[test]
        fn any_block_is_refused_or_within_bounds(block: Vec<u8>, max in 0_usize..5000) {
            if let Ok(plain) = expand(&block, max) {
                proptest::prop_assert!(plain.len() <= max);
            }
        }
    }
}
