//! What visitors of values with parts are handed: elements, fields, pairs, variants.

use serde::de::{
    DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::BorrowedStrDeserializer,
};

use super::ask::{Ask, Kind};
use super::candidates::pick;
use super::recorder::{Recorder, Refused};
use super::shape::Label;

/// Where the elements of a sequence are recorded.
enum Places {
    /// All at one place: a list says nothing of its third element.
    Alike,
    /// Each at its own, as in a tuple.
    Distinct,
}

/// The elements of a sequence, a tuple, or a struct without names.
pub(super) struct Elements<'s> {
    whole: Recorder<'s>,
    places: Places,
    given: usize,
    length: usize,
}

impl<'s> Elements<'s> {
    pub(super) fn alike(whole: Recorder<'s>, length: usize) -> Self {
        Self {
            whole,
            places: Places::Alike,
            given: 0,
            length,
        }
    }

    pub(super) fn distinct(whole: Recorder<'s>, length: usize) -> Self {
        Self {
            whole,
            places: Places::Distinct,
            given: 0,
            length,
        }
    }
}

impl SeqAccess<'static> for Elements<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        if self.given == self.length {
            return Ok(None);
        }
        let part = match self.places {
            Places::Alike => 0,
            Places::Distinct => self.given,
        };
        self.given += 1;
        self.whole
            .part(Label { choice: 0, part }, |place| seed.deserialize(place))
            .map(Some)
    }
}

/// The fields of a struct by name, without those that are stuck.
pub(super) struct Fields<'s> {
    whole: Recorder<'s>,
    names: &'static [&'static str],
    next: usize,
}

impl<'s> Fields<'s> {
    pub(super) fn new(whole: Recorder<'s>, names: &'static [&'static str]) -> Self {
        Self {
            whole,
            names,
            next: 0,
        }
    }

    fn is_stuck(&self, part: usize) -> bool {
        let shape = &self.whole.search.shape;
        let field = shape.existing(self.whole.node, Label { choice: 0, part });
        field.is_some_and(|field| shape.is_stuck(field))
    }
}

impl MapAccess<'static> for Fields<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        while self.next < self.names.len() && self.is_stuck(self.next) {
            self.next += 1;
        }
        let Some(name) = pick(self.names, self.next) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Refused> {
        let part = self.next;
        self.next += 1;
        self.whole
            .part(Label { choice: 0, part }, |place| seed.deserialize(place))
    }
}

/// The keys and values of a map.
pub(super) struct Pairs<'s> {
    whole: Recorder<'s>,
    given: usize,
    length: usize,
}

impl<'s> Pairs<'s> {
    pub(super) fn new(whole: Recorder<'s>, length: usize) -> Self {
        Self {
            whole,
            given: 0,
            length,
        }
    }
}

impl MapAccess<'static> for Pairs<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        if self.given == self.length {
            return Ok(None);
        }
        self.given += 1;
        let key = Label { choice: 0, part: 0 };
        self.whole
            .part(key, |place| seed.deserialize(place))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Refused> {
        self.whole.part(Label { choice: 0, part: 1 }, |place| {
            seed.deserialize(place)
        })
    }
}

/// One variant of an enum.
pub(super) struct Variant<'s> {
    whole: Recorder<'s>,
    names: &'static [&'static str],
    choice: usize,
}

impl<'s> Variant<'s> {
    pub(super) fn new(whole: Recorder<'s>, names: &'static [&'static str], choice: usize) -> Self {
        Self {
            whole,
            names,
            choice,
        }
    }

    fn payload<T>(
        mut self,
        run: impl FnOnce(Recorder<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.whole.part(
            Label {
                choice: self.choice,
                part: 0,
            },
            run,
        )
    }
}

impl EnumAccess<'static> for Variant<'_> {
    type Error = Refused;
    type Variant = Self;

    // By name: with aliases, positions in the list of names are not those of the variants.
    fn variant_seed<T: DeserializeSeed<'static>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), Refused> {
        let name = pick(self.names, self.choice).unwrap_or_default();
        Ok((seed.deserialize(BorrowedStrDeserializer::new(name))?, self))
    }
}

impl VariantAccess<'static> for Variant<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        self.payload(|place| {
            let ask = Ask::new(Kind::UnitVariant);
            place
                .search
                .choose(place.node, place.mode, ask, 1)
                .map(drop)
        })
    }

    fn newtype_variant_seed<T: DeserializeSeed<'static>>(
        self,
        seed: T,
    ) -> Result<T::Value, Refused> {
        self.payload(|mut place| {
            let ask = Ask::new(Kind::NewtypeVariant);
            place.search.choose(place.node, place.mode, ask, 1)?;
            place.part(Label { choice: 0, part: 0 }, |inner| {
                seed.deserialize(inner)
            })
        })
    }

    fn tuple_variant<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let ask = Ask {
            len,
            ..Ask::new(Kind::TupleVariant)
        };
        self.payload(|place| place.tuple(ask, visitor))
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let ask = Ask {
            members,
            ..Ask::new(Kind::StructVariant)
        };
        self.payload(|place| place.fields(ask, visitor))
    }
}
