//! The questions a type can ask of a deserializer.

/// What kind of value was asked for. The numbers are hashed: new kinds get new ones.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    Str = 15,
    Bytes = 16,
    Unit = 17,
    UnitStruct = 18,
    Newtype = 19,
    Struct = 20,
    TupleStruct = 21,
    Tuple = 22,
    Seq = 23,
    Map = 24,
    Option = 25,
    Enum = 26,
    UnitVariant = 27,
    NewtypeVariant = 28,
    TupleVariant = 29,
    StructVariant = 30,
    /// A type inside itself.
    Back = 31,
    /// The type decides by what it finds, which no record can show.
    Any = 32,
}

/// One question of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// Fields or variants.
    pub(super) members: &'static [&'static str],
    /// Length of a tuple, or how far up a recursion leads.
    pub(super) len: usize,
}

impl Ask {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            name: "",
            members: &[],
            len: 0,
        }
    }

    /// How many of the choices must each be seen once.
    pub(super) fn wanted(&self) -> usize {
        match self.kind {
            Kind::Enum => self.members.len(),
            Kind::Seq | Kind::Map | Kind::Option => 1,
            _ => 0,
        }
    }

    /// The choice that shows nothing of what is inside.
    pub(super) fn hollow(&self) -> Option<usize> {
        matches!(self.kind, Kind::Seq | Kind::Map | Kind::Option).then_some(1)
    }
}
