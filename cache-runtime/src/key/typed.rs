//! Templates as users name them: typed by their arguments and by the value behind the key.

use std::fmt;
use std::marker::PhantomData;

use crate::cache_key::Key;

use super::grammar::{self, Kind};
use super::plumbing::arg;
use super::{KeyArg, KeyPart, Template, fault};

/// A template of keys, with the types of its arguments and of the value behind it.
///
/// `A` is a tuple with one type for each placeholder, in order, but for those like `<@tenant>`,
/// which the caller's [`key_context`](crate::key_context) fills; `V` is the type of the value.
/// The text is checked when the program is compiled.
///
/// ```
/// use cache_runtime::KeyTemplate;
///
/// const NAME_OF: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
///
/// assert_eq!(NAME_OF.text(), "user:<id>:name");
/// let key = NAME_OF.key(7);
/// let same_key = NAME_OF.key(&7);
/// ```
///
/// A wrong number of arguments does not compile:
///
/// ```compile_fail
/// # use cache_runtime::KeyTemplate;
/// const WRONG: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:<b>");
/// // cache key template "user:<id>:<b>" has 2 placeholders but its argument tuple has 1
/// ```
///
/// Neither does an argument of another type:
///
/// ```compile_fail
/// # use cache_runtime::KeyTemplate;
/// const NAME_OF: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
/// NAME_OF.key("seven");
/// ```
pub struct KeyTemplate<A, V> {
    template: Template,
    types: PhantomData<fn(A) -> V>,
}

impl<A: KeyArguments, V> KeyTemplate<A, V> {
    /// A template of this text.
    ///
    /// ```
    /// # use cache_runtime::KeyTemplate;
    /// const SETTINGS: KeyTemplate<(), Vec<String>> = KeyTemplate::new("settings");
    /// const PAGE: KeyTemplate<(String, u32), String> = KeyTemplate::new("page:<site|hash>:<page>");
    /// ```
    ///
    /// # Panics
    /// If the text breaks a rule of the grammar, or has another number of
    /// placeholders than `A` has types. In a constant, this is a compile error.
    pub const fn new(text: &'static str) -> Self {
        let template = match grammar::parse(text, Kind::Typed) {
            Ok(template) => template,
            Err(fault) => fault.raise(text),
        };
        if template.arity() != A::COUNT {
            fault::raise_arity(text, template.arity(), A::COUNT);
        }
        Self {
            template,
            types: PhantomData,
        }
    }
}

impl<A, V> KeyTemplate<A, V> {
    /// The template as it was written.
    ///
    /// ```
    /// # use cache_runtime::KeyTemplate;
    /// const NAME_OF: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
    /// assert_eq!(NAME_OF.text(), "user:<id>:name");
    /// ```
    pub const fn text(&self) -> &'static str {
        self.template.text()
    }

    fn rendered(&self, parts: &[&dyn KeyPart]) -> Key<V> {
        let text = self.template.render_arguments(parts);
        Key::rendered(text, self.text()).needing(self.template.missing())
    }
}

// By hand: `derive` would ask for `A: Clone` and `V: Clone`.
impl<A, V> Clone for KeyTemplate<A, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, V> Copy for KeyTemplate<A, V> {}

impl<A, V> fmt::Debug for KeyTemplate<A, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("KeyTemplate").field(&self.text()).finish()
    }
}

/// A tuple of up to eight types that are parts of keys: the arguments of a template.
///
/// ```
/// use cache_runtime::KeyArguments;
///
/// assert_eq!(<(u64, String)>::COUNT, 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of key parts",
    label = "expected a tuple of at most 8 types, such as `(u64,)`",
    note = "write `KeyTemplate<(UserId,), V>` for one argument, `KeyTemplate<(), V>` for none"
)]
pub trait KeyArguments {
    /// How many arguments there are.
    const COUNT: usize;
}

macro_rules! arities {
    ($($(#[$lint:meta])* $count:literal: ($($given:ident: $wanted:ident),*);)*) => {$(
        impl<$($wanted: KeyPart),*> KeyArguments for ($($wanted,)*) {
            const COUNT: usize = $count;
        }

        impl<$($wanted: KeyPart,)* V> KeyTemplate<($($wanted,)*), V> {
            #[doc = concat!("The key of ", $count, " argument(s).")]
            ///
            /// Each may be given as a value or a reference; a string in any form.
            ///
            /// ```
            /// # use cache_runtime::KeyTemplate;
            /// const NAME_OF: KeyTemplate<(String,), String> = KeyTemplate::new("user:<login>:name");
            /// let key = NAME_OF.key("ada");
            /// ```
            $(#[$lint])*
            pub fn key(&self, $($given: impl KeyArg<$wanted>),*) -> Key<V> {
                self.rendered(&[$(arg::<$wanted, _>(&$given).part()),*])
            }
        }
    )*};
}

arities! {
    0: ();
    1: (a: A);
    2: (a: A, b: B);
    3: (a: A, b: B, c: C);
    4: (a: A, b: B, c: C, d: D);
    5: (a: A, b: B, c: C, d: D, e: E);
    6: (a: A, b: B, c: C, d: D, e: E, f: F);
    #[expect(clippy::too_many_arguments, reason = "one for each placeholder")]
    7: (a: A, b: B, c: C, d: D, e: E, f: F, g: G);
    #[expect(clippy::too_many_arguments, reason = "one for each placeholder")]
    8: (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
}
