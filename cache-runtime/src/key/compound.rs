//! Parts made of parts: pointers, options, tuples, arrays, slices.

use std::rc::Rc;
use std::sync::Arc;

use super::{KeyPart, KeyWriter};

/// A longer slice is digested: a key should not grow with what a caller sends.
const MAX_SPELLED_PARTS: usize = 8;

macro_rules! pointers {
    ($($pointer:ty)*) => {$(
        impl<T: KeyPart + ?Sized> KeyPart for $pointer {
            fn render(&self, out: &mut KeyWriter<'_>) {
                T::render(self, out);
            }
        }
    )*};
}

pointers!(&T &mut T Box<T> Rc<T> Arc<T>);

impl<T: KeyPart> KeyPart for Option<T> {
    fn render(&self, out: &mut KeyWriter<'_>) {
        match self {
            Some(value) => out.present(value),
            None => out.absent(),
        }
    }
}

impl<T: KeyPart> KeyPart for [T] {
    fn render(&self, out: &mut KeyWriter<'_>) {
        if self.len() > MAX_SPELLED_PARTS {
            out.hashed(|out| out.each(self));
        } else {
            out.each(self);
        }
    }
}

impl<T: KeyPart, const N: usize> KeyPart for [T; N] {
    fn render(&self, out: &mut KeyWriter<'_>) {
        self.as_slice().render(out);
    }
}

macro_rules! tuples {
    ($(($($part:ident)*))*) => {$(
        #[expect(non_snake_case, reason = "the fields are named like their types")]
        impl<$($part: KeyPart),*> KeyPart for ($($part,)*) {
            fn render(&self, out: &mut KeyWriter<'_>) {
                let ($($part,)*) = self;
                out.group(&[$($part),*]);
            }
        }
    )*};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E)
    (A B C D E F) (A B C D E F G) (A B C D E F G H)
}

impl KeyPart for () {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.group(&[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_absent_from_every_present_value() {
        assert_eq!(KeyWriter::text_of(&None::<&str>), "~");
        assert_eq!(KeyWriter::text_of(&Some("")), "");
        assert_eq!(KeyWriter::text_of(&Some("~")), "%7E");
        assert_eq!(KeyWriter::text_of(&Some(7)), "7");
    }

    #[test]
    fn counts_the_depth_of_nested_options() {
        assert_eq!(KeyWriter::text_of(&None::<Option<Option<u8>>>), "~");
        assert_eq!(KeyWriter::text_of(&Some(None::<Option<u8>>)), "~~");
        assert_eq!(KeyWriter::text_of(&Some(Some(None::<u8>))), "~~~");
        assert_eq!(KeyWriter::text_of(&Some(Some(Some(7_u8)))), "7");
    }

    #[test]
    fn keeps_the_parts_of_a_group_apart() {
        assert_eq!(KeyWriter::text_of(&()), "()");
        assert_eq!(KeyWriter::text_of(&(1_u8,)), "(1,)");
        assert_eq!(KeyWriter::text_of(&("a,b", 'c')), "(a%2Cb,c,)");
        assert_eq!(
            KeyWriter::text_of(&(1, 2, 3, 4, 5, 6, 7, 8)),
            "(1,2,3,4,5,6,7,8,)"
        );
        assert_eq!(
            KeyWriter::text_of(&[(1, None), (2, Some(3))]),
            "((1,~,),(2,3,),)"
        );
    }

    #[test]
    fn tells_no_part_from_one_empty_part() {
        assert_eq!(KeyWriter::text_of(&[""; 0]), "()");
        assert_eq!(KeyWriter::text_of(&[""]), "(,)");
    }

    #[test]
    fn sees_through_pointers() {
        let text = "x".to_owned();
        assert_eq!(KeyWriter::text_of(&&&mut "x"), "x");
        assert_eq!(KeyWriter::text_of(&Arc::<str>::from("x")), "x");
        assert_eq!(KeyWriter::text_of(&Box::new(Rc::new(text))), "x");
    }

    #[test]
    fn digests_a_slice_of_more_than_eight_parts() {
        let spelled = KeyWriter::text_of([0_u8; 8].as_slice());
        assert_eq!(spelled, "(0,0,0,0,0,0,0,0,)");
        let digested = KeyWriter::text_of([0_u8; 9].as_slice());
        assert_eq!(digested, "#RMrE_RVqm7v3b4p8SZompnZPvLvhHDMCQ--05QlLw24");
        assert_eq!(KeyWriter::text_of(&[0_u8; 9]), digested);
    }
}
