//! Parts that are one value: numbers, truth values, characters, strings, identifiers.

use std::borrow::Cow;
use std::num::NonZero;

use super::{KeyPart, KeyWriter};

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl KeyPart for $integer {
            fn render(&self, out: &mut KeyWriter<'_>) {
                out.integer(*self);
            }
        }

        impl KeyPart for NonZero<$integer> {
            fn render(&self, out: &mut KeyWriter<'_>) {
                out.integer(self.get());
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl KeyPart for bool {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.name(if *self { "true" } else { "false" });
    }
}

impl KeyPart for char {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.text(self.encode_utf8(&mut [0; 4]));
    }
}

impl KeyPart for str {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.text(self);
    }
}

impl KeyPart for String {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.text(self);
    }
}

impl<T: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, T> {
    fn render(&self, out: &mut KeyWriter<'_>) {
        self.as_ref().render(out);
    }
}

#[cfg(feature = "uuid")]
impl KeyPart for uuid::Uuid {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.text(
            self.hyphenated()
                .encode_lower(&mut uuid::Uuid::encode_buffer()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_integers_in_full_range() {
        assert_eq!(KeyWriter::text_of(&u64::MAX), "18446744073709551615");
        assert_eq!(KeyWriter::text_of(&i64::MIN), "-9223372036854775808");
        assert_eq!(KeyWriter::text_of(&i128::MIN), i128::MIN.to_string());
        assert_eq!(KeyWriter::text_of(&NonZero::<u8>::MAX), "255");
    }

    #[test]
    fn writes_truth_values_and_characters() {
        assert_eq!(KeyWriter::text_of(&true), "true");
        assert_eq!(KeyWriter::text_of(&false), "false");
        assert_eq!(KeyWriter::text_of(&'ü'), "ü");
        assert_eq!(KeyWriter::text_of(&':'), "%3A");
    }

    #[test]
    fn writes_every_kind_of_string_alike() {
        for text in [
            KeyWriter::text_of("a b"),
            KeyWriter::text_of(&String::from("a b")),
        ] {
            assert_eq!(text, "a%20b");
        }
        assert_eq!(KeyWriter::text_of(&Cow::Borrowed("a b")), "a%20b");
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn writes_a_uuid_with_hyphens() {
        let id = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
        assert_eq!(
            KeyWriter::text_of(&id),
            "67e55044-10b1-426f-9247-bb680e5fe0c8"
        );
    }
}
