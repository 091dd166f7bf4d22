//! Whether a value that was encoded and decoded is still the value it was.
//!
//! `V` has no `PartialEq`, but it has `Serialize`: two values are the same if they say the same
//! to a serializer that tells apart what codecs merge (`None` and `Some(())`, one `NaN` and
//! `null`, a skipped field and a written one). Elements of sequences and maps are summed, because
//! a hashed set comes back in another order.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

use super::fingerprint::Readability;

/// A number that stands for all `value` says to a codec of that readability.
pub(super) fn digest<V: Serialize>(value: &V, readability: Readability) -> Result<u64, Refusal> {
    value.serialize(Listener(readability))
}

/// The value's own implementation gave up.
#[derive(Debug)]
pub(super) struct Refusal;

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a custom error, withheld because it may quote the value")
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

fn mix(left: u64, right: u64) -> u64 {
    let product = (left.rotate_left(23) ^ right).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}

mod tag {
    pub(super) const BOOL: u64 = 1;
    pub(super) const SIGNED: u64 = 2;
    pub(super) const UNSIGNED: u64 = 7;
    pub(super) const F32: u64 = 12;
    pub(super) const F64: u64 = 13;
    pub(super) const CHAR: u64 = 14;
    pub(super) const STR: u64 = 15;
    pub(super) const BYTES: u64 = 16;
    pub(super) const NONE: u64 = 17;
    pub(super) const SOME: u64 = 18;
    pub(super) const UNIT: u64 = 19;
    pub(super) const VARIANT: u64 = 20;
    pub(super) const SEQ: u64 = 21;
    pub(super) const MAP: u64 = 22;
    pub(super) const FIELDS: u64 = 23;
    pub(super) const SKIPPED: u64 = 24;
}

struct Listener(Readability);

macro_rules! numbers {
    ($($method:ident: $number:ty, $tag:expr;)*) => {$(
        fn $method(self, value: $number) -> Result<u64, Refusal> {
            Ok(mix($tag, xxh3_64(&value.to_le_bytes())))
        }
    )*};
}

impl Serializer for Listener {
    type Ok = u64;
    type Error = Refusal;
    type SerializeSeq = Gathering;
    type SerializeTuple = Gathering;
    type SerializeTupleStruct = Gathering;
    type SerializeTupleVariant = Gathering;
    type SerializeMap = Gathering;
    type SerializeStruct = Gathering;
    type SerializeStructVariant = Gathering;

    numbers! {
        serialize_i8: i8, tag::SIGNED;
        serialize_i16: i16, tag::SIGNED + 1;
        serialize_i32: i32, tag::SIGNED + 2;
        serialize_i64: i64, tag::SIGNED + 3;
        serialize_i128: i128, tag::SIGNED + 4;
        serialize_u8: u8, tag::UNSIGNED;
        serialize_u16: u16, tag::UNSIGNED + 1;
        serialize_u32: u32, tag::UNSIGNED + 2;
        serialize_u64: u64, tag::UNSIGNED + 3;
        serialize_u128: u128, tag::UNSIGNED + 4;
    }

    fn is_human_readable(&self) -> bool {
        self.0 == Readability::Readable
    }

    fn serialize_bool(self, value: bool) -> Result<u64, Refusal> {
        Ok(mix(tag::BOOL, u64::from(value)))
    }

    fn serialize_f32(self, value: f32) -> Result<u64, Refusal> {
        Ok(mix(tag::F32, u64::from(value.to_bits())))
    }

    fn serialize_f64(self, value: f64) -> Result<u64, Refusal> {
        Ok(mix(tag::F64, value.to_bits()))
    }

    fn serialize_char(self, value: char) -> Result<u64, Refusal> {
        Ok(mix(tag::CHAR, u64::from(value)))
    }

    fn serialize_str(self, value: &str) -> Result<u64, Refusal> {
        Ok(mix(tag::STR, xxh3_64(value.as_bytes())))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<u64, Refusal> {
        Ok(mix(tag::BYTES, xxh3_64(value)))
    }

    fn serialize_none(self) -> Result<u64, Refusal> {
        Ok(mix(tag::NONE, 0))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Refusal> {
        Ok(mix(tag::SOME, value.serialize(self)?))
    }

    fn serialize_unit(self) -> Result<u64, Refusal> {
        Ok(mix(tag::UNIT, 0))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<u64, Refusal> {
        Ok(mix(tag::UNIT, 0))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<u64, Refusal> {
        Ok(mix(tag::VARIANT, u64::from(index)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<u64, Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<u64, Refusal> {
        Ok(mix(
            mix(tag::VARIANT, u64::from(index)),
            value.serialize(self)?,
        ))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, tag::SEQ))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, tag::FIELDS))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, tag::FIELDS))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, mix(tag::VARIANT, u64::from(index))))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, tag::MAP))
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, tag::FIELDS))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Gathering, Refusal> {
        Ok(Gathering::new(self.0, mix(tag::VARIANT, u64::from(index))))
    }
}

/// A sequence, map or struct that is still talking.
struct Gathering {
    readability: Readability,
    digest: u64,
    key: u64,
}

impl Gathering {
    fn new(readability: Readability, tag: u64) -> Self {
        Self {
            readability,
            digest: tag,
            key: 0,
        }
    }

    fn listen<T: Serialize + ?Sized>(&self, value: &T) -> Result<u64, Refusal> {
        value.serialize(Listener(self.readability))
    }

    fn in_order<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let digest = self.listen(value)?;
        self.digest = mix(self.digest, digest);
        Ok(())
    }

    fn in_any_order(&mut self, digest: u64) {
        self.digest = self.digest.wrapping_add(mix(tag::SEQ, digest));
    }

    fn finish(self) -> u64 {
        mix(tag::FIELDS, self.digest)
    }
}

impl ser::SerializeSeq for Gathering {
    type Ok = u64;
    type Error = Refusal;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let digest = self.listen(value)?;
        self.in_any_order(digest);
        Ok(())
    }

    fn end(self) -> Result<u64, Refusal> {
        Ok(self.finish())
    }
}

impl ser::SerializeMap for Gathering {
    type Ok = u64;
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.key = self.listen(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let digest = self.listen(value)?;
        self.in_any_order(mix(self.key, digest));
        Ok(())
    }

    fn end(self) -> Result<u64, Refusal> {
        Ok(self.finish())
    }
}

macro_rules! in_order {
    ($($compound:ident: $method:ident;)*) => {$(
        impl ser::$compound for Gathering {
            type Ok = u64;
            type Error = Refusal;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
                self.in_order(value)
            }

            fn end(self) -> Result<u64, Refusal> {
                Ok(self.finish())
            }
        }
    )*};
}

in_order! {
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! by_name {
    ($($compound:ident;)*) => {$(
        impl ser::$compound for Gathering {
            type Ok = u64;
            type Error = Refusal;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _name: &'static str,
                value: &T,
            ) -> Result<(), Refusal> {
                self.in_order(value)
            }

            fn skip_field(&mut self, _name: &'static str) -> Result<(), Refusal> {
                // It comes back as its default, which need not be the value it had.
                self.digest = mix(self.digest, tag::SKIPPED);
                Ok(())
            }

            fn end(self) -> Result<u64, Refusal> {
                Ok(self.finish())
            }
        }
    )*};
}

by_name! {
    SerializeStruct;
    SerializeStructVariant;
}
