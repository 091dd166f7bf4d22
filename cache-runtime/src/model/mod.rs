//! Every interleaving of a few calls, over the real code of this crate.

mod access;
mod actors;
mod embedded;
mod explore;
mod facts;
mod gate;
mod hash;
mod late;
mod mutant;
mod reach;
mod redis;
mod replay;
mod run;
mod scenario;
mod scenarios;
mod schedule;
mod seam;
mod shortest;
mod sim;
mod stage;
mod tests;
mod truth;

pub(crate) use seam::{adopt, is_exploring, look, pause, random_bytes, touch, within};
pub(crate) use sim::Sim;
