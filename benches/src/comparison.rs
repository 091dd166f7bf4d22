//! Runs subjects in turn, round by round, and sets them against each other.

use std::future::Future;
use std::pin::Pin;

use crate::drive::{Load, Sample, drive};
use crate::options::Options;

type Running = Pin<Box<dyn Future<Output = Sample>>>;

/// Something to be measured.
pub struct Subject {
    name: &'static str,
    run: Box<dyn Fn(Load) -> Running>,
}

impl Subject {
    /// A subject, by the call that it makes.
    pub fn new<C, F>(name: &'static str, call: C) -> Self
    where
        C: Fn(u64) -> F + Clone + Send + 'static,
        F: Future + Send + 'static,
    {
        Self {
            name,
            run: Box::new(move |load| Box::pin(drive(load, call.clone()))),
        }
    }
}

/// One figure of a sample.
pub type Figure = fn(&Sample) -> f64;

/// The samples of some subjects under one load: the first is what the others are set against,
/// the second is the first once more.
pub struct Comparison {
    names: Vec<&'static str>,
    rounds: Vec<Vec<Sample>>,
}

impl Comparison {
    /// Runs every subject once a round. Every other round goes backwards, so that none always
    /// follows the same one.
    pub async fn run(subjects: &[Subject], load: Load, options: Options) -> Self {
        let load = Load {
            time: options.slice,
            ..load
        };
        let mut rounds = Vec::new();
        for round in 0..options.rounds {
            let mut samples = vec![Sample::default(); subjects.len()];
            for position in 0..subjects.len() {
                let index = turn(round, position, subjects.len());
                samples[index] = (subjects[index].run)(load).await;
            }
            rounds.push(samples);
        }
        let names = subjects.iter().map(|subject| subject.name).collect();
        Self { names, rounds }
    }

    /// The subjects to print: all but the control.
    pub fn subjects(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let all = self.names.iter().copied().enumerate();
        all.filter(|(index, _)| *index != CONTROL)
    }

    /// The median over rounds.
    pub fn median(&self, subject: usize, figure: Figure) -> f64 {
        median(self.rounds.iter().map(|round| figure(&round[subject])))
    }

    /// The first subject against itself: what the machine's noise makes of 1.
    pub fn control(&self, figure: Figure) -> f64 {
        self.raw_ratio(CONTROL, figure)
    }

    /// A subject against the first one, the control divided out.
    pub fn ratio(&self, subject: usize, figure: Figure) -> f64 {
        self.raw_ratio(subject, figure) / self.control(figure)
    }

    fn raw_ratio(&self, subject: usize, figure: Figure) -> f64 {
        let ratio = |round: &Vec<Sample>| figure(&round[subject]) / figure(&round[BASE]);
        median(self.rounds.iter().map(ratio))
    }
}

const BASE: usize = 0;
const CONTROL: usize = 1;

/// Who comes at `position`: each round starts with another one, every other round goes backwards.
fn turn(round: usize, position: usize, count: usize) -> usize {
    let position = if round.is_multiple_of(2) {
        position
    } else {
        count - 1 - position
    };
    (position + round / 2) % count
}

/// The middle one; of an even number the mean of both.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures.len().saturating_sub(1) / 2, figures.len() / 2);
    match (figures.get(low), figures.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_turn_a_round_and_every_position_once() {
        for round in 0..8 {
            let mut turns: Vec<_> = (0..4).map(|position| turn(round, position, 4)).collect();
            turns.sort_unstable();
            assert_eq!(turns, [0, 1, 2, 3]);
        }
        let mut firsts: Vec<_> = (0..8).map(|round| turn(round, 0, 4)).collect();
        firsts.sort_unstable();
        assert_eq!(firsts, [0, 0, 1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
    }
}
