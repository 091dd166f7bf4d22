//! Mistakes, gathered so that one build reports them all.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};

/// What an attribute may refuse. Each has a case in `tests/ui/tests/ui/`, in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    // What is written in the parentheses.
    Syntax,
    UnknownOption,
    DuplicateOption,
    UnknownValue,
    InvalidDuration,
    InvalidSize,
    InvalidJitter,
    InvalidNumber,
    InvalidConfirm,
    JitterExceedsTtl,
    // The function below.
    NotAFunction,
    MissingBody,
    ConstFunction,
    HandWrittenFuture,
    NothingToCache,
    UnnamedReturn,
    BorrowedReturn,
    // Keys.
    MissingKey,
    KeyLiteral,
    EmptyTemplate,
    OversizedTemplate,
    ControlCharacter,
    TooManyPlaceholders,
    UnclosedPlaceholder,
    LoneBracket,
    MalformedPlaceholder,
    MalformedContext,
    BracesAroundName,
    GlobInKey,
    PatternWithoutGlob,
    AdjacentPlaceholders,
    UnknownPlaceholder,
    FieldOfType,
    ReturnInKey,
    InvalidTags,
    TagOutsideKey,
    // Batches.
    MissingBatch,
    UnknownBatch,
    InvalidBatch,
    BatchNameTaken,
    ManyOfPlainFunction,
    MutableInMany,
    // Options that do not go together.
    FailSafeWithinStale,
    SlidingWithWindow,
    SlidingExceedsTtl,
    RefreshWithoutWindow,
    RefreshByCallerWithSoftTimeout,
    SoftTimeoutWithoutWindow,
    SoftTimeoutExceedsHard,
    ErrorsWithFailSafe,
    BackgroundOfPlainFunction,
    TimeoutOfPlainFunction,
    BorrowedInBackground,
    AroundPattern,
    AroundReturn,
    SettleOfPatterns,
    FailureOfPlainFunction,
    // Operations on Redis.
    BackoffExceedsMaxTime,
    CannotFail,
    ReceiverInRetry,
    MissingConnection,
    UnnamedConnection,
    // Parameters.
    ParameterNotInKey,
    UnknownIgnored,
    IgnoredButUsed,
    // `#[cache_keys]` and `#[derive(KeyPart)]`.
    KeysTarget,
    KeyPartWithoutFields,
    KeyPartUnion,
}

/// The mistakes of one attribute, in the order they were met.
#[derive(Default)]
pub(crate) struct Errors {
    mistakes: Vec<Mistake>,
}

struct Mistake {
    #[cfg_attr(not(test), expect(dead_code, reason = "names the rule to its tests"))]
    rule: Rule,
    error: syn::Error,
}

impl Errors {
    pub(crate) fn push(&mut self, rule: Rule, span: Span, message: impl Display) {
        let error = syn::Error::new(span, message);
        self.mistakes.push(Mistake { rule, error });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The errors, followed by what must stay so that nothing else fails.
    pub(crate) fn beside(&self, untouched: TokenStream) -> TokenStream {
        let mut tokens: TokenStream = self
            .mistakes
            .iter()
            .map(|mistake| mistake.error.to_compile_error())
            .collect();
        tokens.extend(untouched);
        tokens
    }

    #[cfg(test)]
    pub(crate) fn rules(&self) -> Vec<Rule> {
        self.mistakes.iter().map(|mistake| mistake.rule).collect()
    }
}
