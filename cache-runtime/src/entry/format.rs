//! How the entries of one site are written: the options `codec`, `version`, `compress`, `max_entry`.

use super::fingerprint::Readability;

/// The default of `max_entry`.
const ONE_MEBIBYTE: usize = 1 << 20;

/// How entries are written, and which of those found are read.
///
/// ```
/// use cache_runtime::__private::{Format, Json};
///
/// const FORMAT: Format = Format::new().version(3).codec::<Json>().max_entry(4096);
/// assert_ne!(FORMAT, Format::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub(super) codec: Codec,
    version: u32,
    /// Payloads longer than this are compressed.
    pub(super) compress: Option<usize>,
    max_entry: usize,
}

impl Format {
    /// JSON, version 0, never compressed, at most 1 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            codec: Codec::Json,
            version: 0,
            compress: None,
            max_entry: ONE_MEBIBYTE,
        }
    }

    /// Entries of another version are a miss.
    #[must_use]
    pub const fn version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// Entries are written by `C`.
    #[must_use]
    pub const fn codec<C: EntryCodec>(self) -> Self {
        Self {
            codec: C::CODEC,
            ..self
        }
    }

    /// Entries longer than `above` bytes are compressed by `C`, where that makes them shorter.
    #[must_use]
    pub const fn compress<C: EntryCompression>(self, above: usize) -> Self {
        Self {
            compress: Some(above),
            ..self
        }
    }

    /// Values that encode to more than `bytes` are not stored.
    #[must_use]
    pub const fn max_entry(self, bytes: usize) -> Self {
        Self {
            max_entry: bytes,
            ..self
        }
    }

    /// The version of the entries this format writes and reads.
    pub(crate) const fn schema_version(&self) -> u32 {
        self.version
    }

    /// The longest payload, before compression.
    pub(crate) const fn entry_limit(&self) -> usize {
        self.max_entry
    }

    /// Which form of a value this format stores.
    pub(crate) const fn readability(&self) -> Readability {
        self.codec.readability()
    }
}

impl Default for Format {
    fn default() -> Self {
        Self::new()
    }
}

/// What turns a value into bytes.
///
/// ```
/// use cache_runtime::EntryCodec;
/// use cache_runtime::__private::Json;
///
/// assert_eq!(format!("{:?}", Json::CODEC), "Json");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text that other languages read too.
    Json,
    /// A third to a half of the size, and bound to the exact shape of the type.
    Postcard,
}

impl Codec {
    pub(super) const fn readability(self) -> Readability {
        match self {
            Self::Json => Readability::Readable,
            Self::Postcard => Readability::Compact,
        }
    }
}

/// A codec that `codec = ..` can name.
///
/// ```
/// use cache_runtime::EntryCodec;
/// use cache_runtime::__private::Json;
///
/// fn is_codec<C: EntryCodec>() {}
/// is_codec::<Json>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`codec = postcard` needs the feature `postcard` of `cache-runtime`",
    label = "this codec is not built in",
    note = "in `Cargo.toml`: `cache-runtime = {{ version = \"..\", features = [\"postcard\"] }}`"
)]
pub trait EntryCodec {
    /// The codec itself.
    const CODEC: Codec;
}

/// A compression that `compress = ..` can use.
///
/// ```
/// use cache_runtime::__private::{EntryCompression, Format};
///
/// fn compressed<C: EntryCompression>() -> Format {
///     Format::new().compress::<C>(4096)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`compress` needs the feature `compression` of `cache-runtime`",
    label = "compression is not built in",
    note = "in `Cargo.toml`: `cache-runtime = {{ version = \"..\", features = [\"compression\"] }}`"
)]
pub trait EntryCompression {}

/// `codec = json`, the default.
///
/// ```
/// use cache_runtime::__private::{Format, Json};
///
/// assert_eq!(Format::new().codec::<Json>(), Format::new());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json;

/// `codec = postcard`, with the feature of that name.
///
/// A value goes to JSON all the same where postcard could give back another one: when the shape
/// of its type cannot be recorded in full (`untagged`, `flatten`, hand-written implementations),
/// when the type is recursive, and when the value does not survive the round trip
/// (`skip_serializing_if` that skips).
///
/// ```
/// let _marker = cache_runtime::__private::Postcard;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Postcard;

/// `compress = ..`, with the feature `compression`.
///
/// ```
/// let _marker = cache_runtime::__private::Compression;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Compression;

impl EntryCodec for Json {
    const CODEC: Codec = Codec::Json;
}

#[cfg(feature = "postcard")]
impl EntryCodec for Postcard {
    const CODEC: Codec = Codec::Postcard;
}

#[cfg(feature = "compression")]
impl EntryCompression for Compression {}
