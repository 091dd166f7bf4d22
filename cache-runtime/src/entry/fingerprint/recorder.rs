//! A deserializer that has nothing to deserialize: it writes down what it is asked for.

use std::any::type_name;
use std::{fmt, iter};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Visitor};

use super::Readability;
use super::access::{Elements, Fields, Pairs, Variant};
use super::ask::{Ask, Kind};
use super::candidates::{
    ANYTHING, Anything, BYTES, CHARS, FLOATS, INTEGERS, LENGTHS, STRINGS, anything, pick,
};
use super::search::{Entered, Search};
use super::shape::{Label, NodeId};

/// A type did not want what it was shown.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// Whether a place is being explored, or a known value of it made once more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Explore,
    Replay,
}

/// The deserializer of one place.
pub(super) struct Recorder<'s> {
    pub(super) search: &'s mut Search,
    pub(super) node: NodeId,
    pub(super) mode: Mode,
}

impl<'s> Recorder<'s> {
    pub(super) fn new(search: &'s mut Search, node: NodeId, mode: Mode) -> Self {
        Self { search, node, mode }
    }

    /// The place `label` inside this one.
    pub(super) fn inside(&mut self, label: Label) -> Result<Recorder<'_>, Refused> {
        let child = match self.mode {
            Mode::Explore => self.search.shape.child(self.node, label),
            Mode::Replay => self.search.shape.existing(self.node, label),
        };
        let node = child.ok_or(Refused)?;
        Ok(Recorder {
            search: &mut *self.search,
            node,
            mode: self.mode,
        })
    }

    /// Lets `run` deserialize what stands at `label`.
    pub(super) fn part<T>(
        &mut self,
        label: Label,
        run: impl FnOnce(Recorder<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let Recorder { search, node, mode } = self.inside(label)?;
        search.within(node, mode, |search| run(Recorder { search, node, mode }))
    }

    /// A value without parts: `show` hands the visitor the candidate of the choice.
    fn leaf<T>(
        self,
        ask: Ask,
        candidates: usize,
        show: impl FnOnce(usize) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        show(self.search.choose(self.node, self.mode, ask, candidates)?)
    }

    /// A value with parts: `show` hands the visitor access to them.
    pub(super) fn compound<V: Visitor<'static>>(
        self,
        ask: Ask,
        choices: usize,
        visitor: V,
        show: impl FnOnce(Recorder<'_>, usize, V) -> Result<V::Value, Refused>,
    ) -> Result<V::Value, Refused> {
        let Self { search, node, mode } = self;
        if mode == Mode::Replay {
            let node = search.shape.referred(node);
            let choice = search.choose(node, mode, ask, choices)?;
            return show(Recorder { search, node, mode }, choice, visitor);
        }
        match search.enter(node, ask, type_name::<V>())? {
            Entered::Again(ancestor) => {
                let choice = search.choose(ancestor, Mode::Replay, ask, choices)?;
                show(
                    Recorder::new(search, ancestor, Mode::Replay),
                    choice,
                    visitor,
                )
            }
            Entered::New => {
                let shown = search
                    .choose(node, mode, ask, choices)
                    .and_then(|choice| show(Recorder { search, node, mode }, choice, visitor));
                search.leave();
                shown
            }
        }
    }

    fn text<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Str), STRINGS.len(), |choice| {
            visitor.visit_borrowed_str(pick(STRINGS, choice).unwrap_or_default())
        })
    }

    fn bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Bytes), BYTES.len(), |choice| {
            visitor.visit_borrowed_bytes(pick(BYTES, choice).unwrap_or_default())
        })
    }

    fn any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Any), ANYTHING, |choice| {
            match anything(choice) {
                Anything::Str(text) => visitor.visit_borrowed_str(text),
                Anything::Integer(number) => visitor.visit_u64(u64::from(number)),
                Anything::Bool => visitor.visit_bool(false),
                Anything::Unit => visitor.visit_unit(),
                Anything::Float => visitor.visit_f64(0.0),
                Anything::Seq => visitor.visit_seq(SeqDeserializer::new(iter::empty::<u8>())),
                Anything::Map => visitor.visit_map(MapDeserializer::new(iter::empty::<(u8, u8)>())),
            }
        })
    }

    pub(super) fn tuple<V: Visitor<'static>>(
        self,
        ask: Ask,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.compound(ask, 1, visitor, |place, _, visitor| {
            visitor.visit_seq(Elements::distinct(place, ask.len))
        })
    }

    pub(super) fn fields<V: Visitor<'static>>(
        self,
        ask: Ask,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.compound(ask, 1, visitor, |place, _, visitor| {
            if place.search.shape.is_by_name(place.node) {
                visitor.visit_map(Fields::new(place, ask.members))
            } else {
                visitor.visit_seq(Elements::distinct(place, ask.members.len()))
            }
        })
    }
}

macro_rules! integers {
    ($($method:ident: $kind:ident, $visit:ident, $number:ty;)*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.leaf(Ask::new(Kind::$kind), INTEGERS.len(), |choice| {
                let number = pick(INTEGERS, choice).unwrap_or_default();
                visitor.$visit(<$number>::try_from(number).unwrap_or_default())
            })
        }
    )*};
}

impl Deserializer<'static> for Recorder<'_> {
    type Error = Refused;

    integers! {
        deserialize_i8: I8, visit_i8, i8;
        deserialize_i16: I16, visit_i16, i16;
        deserialize_i32: I32, visit_i32, i32;
        deserialize_i64: I64, visit_i64, i64;
        deserialize_i128: I128, visit_i128, i128;
        deserialize_u8: U8, visit_u8, u8;
        deserialize_u16: U16, visit_u16, u16;
        deserialize_u32: U32, visit_u32, u32;
        deserialize_u64: U64, visit_u64, u64;
        deserialize_u128: U128, visit_u128, u128;
    }

    fn is_human_readable(&self) -> bool {
        self.search.readability == Readability::Readable
    }

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.any(visitor)
    }

    // Names of fields and variants do not come this way, so this is a type of its own making.
    fn deserialize_identifier<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.any(visitor)
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Bool), 2, |choice| {
            visitor.visit_bool(choice == 1)
        })
    }

    fn deserialize_f32<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::F32), FLOATS.len(), |choice| {
            visitor.visit_f32(pick(FLOATS, choice).unwrap_or_default())
        })
    }

    fn deserialize_f64<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::F64), FLOATS.len(), |choice| {
            visitor.visit_f64(f64::from(pick(FLOATS, choice).unwrap_or_default()))
        })
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Char), CHARS.len(), |choice| {
            visitor.visit_char(pick(CHARS, choice).unwrap_or_default())
        })
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.compound(
            Ask::new(Kind::Option),
            2,
            visitor,
            |mut place, choice, visitor| {
                if choice == 1 {
                    return visitor.visit_none();
                }
                place.part(Label { choice: 0, part: 0 }, |inner| {
                    visitor.visit_some(inner)
                })
            },
        )
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.leaf(Ask::new(Kind::Unit), 1, |_| visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.leaf(
            Ask {
                name,
                ..Ask::new(Kind::UnitStruct)
            },
            1,
            |_| visitor.visit_unit(),
        )
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let ask = Ask {
            name,
            ..Ask::new(Kind::Newtype)
        };
        self.compound(ask, 1, visitor, |mut place, _, visitor| {
            let inner = Label { choice: 0, part: 0 };
            place.part(inner, |inner| visitor.visit_newtype_struct(inner))
        })
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.compound(
            Ask::new(Kind::Seq),
            LENGTHS.len(),
            visitor,
            |place, choice, visitor| {
                let length = pick(LENGTHS, choice).unwrap_or_default();
                visitor.visit_seq(Elements::alike(place, length))
            },
        )
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.compound(
            Ask::new(Kind::Map),
            LENGTHS.len(),
            visitor,
            |place, choice, visitor| {
                let length = pick(LENGTHS, choice).unwrap_or_default();
                visitor.visit_map(Pairs::new(place, length))
            },
        )
    }

    fn deserialize_tuple<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.tuple(
            Ask {
                len,
                ..Ask::new(Kind::Tuple)
            },
            visitor,
        )
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.tuple(
            Ask {
                name,
                len,
                ..Ask::new(Kind::TupleStruct)
            },
            visitor,
        )
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.fields(
            Ask {
                name,
                members,
                ..Ask::new(Kind::Struct)
            },
            visitor,
        )
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let ask = Ask {
            name,
            members,
            ..Ask::new(Kind::Enum)
        };
        self.compound(ask, members.len(), visitor, |place, choice, visitor| {
            visitor.visit_enum(Variant::new(place, members, choice))
        })
    }
}
