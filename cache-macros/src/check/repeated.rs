//! What a body that may run more than once gets of its parameters each time.

use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Pat, PatIdent, Type};

use super::scope::ungrouped;
use crate::model::Repeated;
use crate::parse::Function;

/// The names that each run gets anew. Their `mut` moves with them: nothing else changes them.
pub(super) fn parameters(function: &mut Function) -> Vec<Repeated> {
    let mut again = Vec::new();
    for input in &mut function.sig.inputs {
        let FnArg::Typed(typed) = input else {
            continue;
        };
        let is_plain = matches!(&*typed.pat, Pat::Ident(name) if name.subpat.is_none());
        match ungrouped(&typed.ty) {
            Type::Reference(reference) if reference.mutability.is_none() && is_plain => {
                // Copied; only a changed reference would be seen by the next run.
                Names::of(&mut typed.pat, &mut again, OnlyMutable::Yes);
            }
            Type::Reference(reference) if reference.mutability.is_some() => {
                if is_plain {
                    let mut names = Vec::new();
                    Names::of(&mut typed.pat, &mut names, OnlyMutable::No);
                    again.extend(names.into_iter().map(|name| Repeated {
                        is_reborrowed: true,
                        ..name
                    }));
                }
            }
            _ => Names::of(&mut typed.pat, &mut again, OnlyMutable::No),
        }
    }
    again
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnlyMutable {
    Yes,
    No,
}

struct Names<'a> {
    found: &'a mut Vec<Repeated>,
    only_mutable: OnlyMutable,
}

impl<'a> Names<'a> {
    fn of(pat: &mut Pat, found: &'a mut Vec<Repeated>, only_mutable: OnlyMutable) {
        let mut names = Self {
            found,
            only_mutable,
        };
        names.visit_pat_mut(pat);
    }
}

impl VisitMut for Names<'_> {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        let is_wanted = pat.mutability.is_some() || self.only_mutable == OnlyMutable::No;
        if pat.by_ref.is_none() && is_wanted {
            self.found.push(Repeated {
                name: pat.ident.clone(),
                mutability: pat.mutability.take(),
                is_reborrowed: false,
            });
        }
        visit_mut::visit_pat_ident_mut(self, pat);
    }
}
