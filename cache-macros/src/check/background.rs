//! What runs on in the background outlives its call, so it borrows nothing from it.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{FnArg, ReceiverKind};

use super::function::borrow_in;
use crate::errors::{Errors, Rule};
use crate::model::{Body, Function, Windows};

/// Reports each parameter that borrows, where the function may run on.
pub(super) fn owned_parameters(windows: &Windows, function: &Function, errors: &mut Errors) {
    // A plain `fn` has no background, and is told so.
    if !windows.need_background() || matches!(function.body, Body::Blocking(_)) {
        return;
    }
    // `soft_timeout` has no `refresh = caller` to go to.
    let instead = if windows.soft_timeout.is_some() {
        "remove `soft_timeout`"
    } else {
        "add `refresh = caller`"
    };
    for (place, owned) in function.sig.inputs.iter().filter_map(borrowing) {
        let message = format!(
            "this is borrowed from the call, and the function may run on in the background \
             after it: {owned}, or {instead}"
        );
        errors.push(Rule::BorrowedInBackground, place, message);
    }
}

/// Where a parameter that borrows stands, and what to write in its place.
fn borrowing(input: &FnArg) -> Option<(Span, &'static str)> {
    match input {
        FnArg::Receiver(receiver) => {
            let borrows = match &receiver.kind {
                ReceiverKind::Reference(..) => true,
                ReceiverKind::Typed(_, ty) => borrow_in(ty).is_some(),
                _ => false,
            };
            borrows.then_some((receiver.self_token.span, "take `self: Arc<Self>`"))
        }
        FnArg::Typed(typed) => {
            borrow_in(&typed.ty)?;
            Some((typed.pat.span(), "take it owned or in an `Arc`"))
        }
    }
}
