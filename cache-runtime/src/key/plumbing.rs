//! What the expansions of macros call to pass their placeholders; not public API.

use std::marker::PhantomData;

use super::name::TypeName;
use super::{EscapeTable, KeyArg, KeyName, KeyPart, KeyTemplate, KeyWriter, scratch};

/// Bounded here, so that rustc points at the one argument that is no part.
#[inline]
pub fn part<T: KeyPart>(value: &T) -> &dyn KeyPart {
    value
}

/// An argument of a companion function, which may be given in several types.
#[inline]
pub fn arg<A: ?Sized, X: KeyArg<A>>(value: &X) -> Arg<'_, A, X> {
    Arg {
        value,
        wanted: PhantomData,
    }
}

/// The part of a type parameter.
#[inline]
pub fn name_of<T: KeyName + ?Sized>() -> TypeName {
    TypeName(T::NAME)
}

/// Renders a part before the body may consume its value.
pub fn rendered<T: KeyPart + ?Sized>(value: &T) -> Rendered {
    scratch::with(|out| {
        value.render(&mut KeyWriter::new(out, &EscapeTable::KEYS));
        Rendered(out.as_str().into())
    })
}

/// For the catalogue, which has only the constant's path.
pub fn template_text<A, V>(template: &KeyTemplate<A, V>) -> &'static str {
    template.text()
}

/// A value given for the key argument `A`.
#[derive(Debug)]
pub struct Arg<'x, A: ?Sized, X> {
    value: &'x X,
    wanted: PhantomData<fn(&A)>,
}

impl<A: ?Sized, X: KeyArg<A>> Arg<'_, A, X> {
    /// The argument as a part.
    #[inline]
    pub fn part(&self) -> &dyn KeyPart {
        self
    }
}

impl<A: ?Sized, X: KeyArg<A>> KeyPart for Arg<'_, A, X> {
    #[inline]
    fn render(&self, out: &mut KeyWriter<'_>) {
        self.value.render_as(out);
    }
}

/// A part that was rendered earlier.
///
/// It holds the text before any digest of the placeholder, which is applied when
/// it is placed: the key is the same as with the value itself.
#[derive(Clone, Debug)]
pub struct Rendered(Box<str>);

impl KeyPart for Rendered {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.verbatim(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Secret, Template};
    use super::*;

    #[test]
    fn a_rendered_part_gives_the_key_of_its_value() {
        const PLAIN: Template = Template::parse("a:<x>");
        const HASHED: Template = Template::parse("a:<x|hash>");
        let (long, secret) = (":".repeat(300), Secret::new(7));
        let values: [&dyn KeyPart; 5] = [&"a:b", &long, &[7; 9], &secret, &None::<u8>];
        for value in values {
            for template in [PLAIN, HASHED] {
                assert_eq!(
                    template.render(&[&rendered(value)]),
                    template.render(&[value])
                );
            }
        }
    }

    #[test]
    fn a_type_name_is_escaped() {
        struct Pair;
        impl KeyName for Pair {
            const NAME: &'static str = "pair<u8>";
        }
        assert_eq!(KeyWriter::text_of(&name_of::<Pair>()), "pair%3Cu8%3E");
    }

    #[test]
    fn temporaries_of_arguments_live_as_long_as_the_call() {
        const TEMPLATE: Template = Template::parse("a:<x>:<y>");
        let (x, y) = ("1", 2_u8);
        let key = TEMPLATE.render(&[arg::<String, _>(&x).part(), part(&y)]);
        assert_eq!(&*key, "a:1:2");
    }
}
