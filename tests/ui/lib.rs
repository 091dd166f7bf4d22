//! What does not compile: see `tests/ui.rs`.
