//! What the command lines say: the user's, and the one by which a worker is started.

use std::path::PathBuf;
use std::time::Duration;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) seconds: u32,
    pub(crate) seed: u64,
    pub(crate) processes: u32,
}

impl Options {
    pub(crate) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            seconds: 60,
            seed: rand::random(),
            processes: 4,
        };
        for pair in arguments.chunks(2) {
            let number = |value: Option<&String>| {
                let number = value.and_then(|text| text.parse::<u64>().ok());
                number.ok_or_else(|| format!("`{}` needs a number", pair[0]))
            };
            let small = |value| {
                let number = u32::try_from(number(value)?)
                    .ok()
                    .filter(|small| *small > 0);
                number.ok_or_else(|| format!("`{}` is not to be that number", pair[0]))
            };
            match pair[0].as_str() {
                "--seconds" => options.seconds = small(pair.get(1))?,
                "--seed" => options.seed = number(pair.get(1))?,
                "--processes" => options.processes = small(pair.get(1))?,
                unknown => return Err(format!("unknown option `{unknown}`")),
            }
        }
        Ok(options)
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// One life of one worker process.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) url: String,
    pub(crate) database: PathBuf,
    pub(crate) seed: u64,
    pub(crate) number: u32,
    /// How many lives it had before.
    pub(crate) incarnation: u32,
    /// When it ends by itself, on the clock of all processes.
    pub(crate) until: Duration,
}

const WORKER: &str = "worker";

impl Worker {
    pub(crate) fn arguments(&self) -> [String; 7] {
        [
            WORKER.to_owned(),
            self.url.clone(),
            self.database.to_string_lossy().into_owned(),
            self.seed.to_string(),
            self.number.to_string(),
            self.incarnation.to_string(),
            self.until.as_nanos().to_string(),
        ]
    }

    pub(crate) fn read(arguments: &[String]) -> Option<Self> {
        let [name, url, database, seed, number, incarnation, until] = arguments else {
            return None;
        };
        (name == WORKER).then_some(())?;
        Some(Self {
            url: url.clone(),
            database: database.into(),
            seed: seed.parse().ok()?,
            number: number.parse().ok()?,
            incarnation: incarnation.parse().ok()?,
            until: Duration::from_nanos(until.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn reads_numbers_and_refuses_the_rest() {
        let options = read("--seed 7 --seconds 8").unwrap();
        assert_eq!(
            (options.seed, options.seconds, options.processes),
            (7, 8, 4)
        );
        assert_eq!(read("--sed 7").unwrap_err(), "unknown option `--sed`");
        assert_eq!(read("--seed").unwrap_err(), "`--seed` needs a number");
        assert!(read("--processes 0").is_err());
    }

    #[test]
    fn a_worker_reads_what_its_parent_wrote() {
        let worker = Worker {
            url: "redis://127.0.0.1:7".to_owned(),
            database: "rows.db".into(),
            seed: 7,
            number: 2,
            incarnation: 3,
            until: Duration::from_nanos(12),
        };
        let read = Worker::read(&worker.arguments()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{worker:?}"));
    }
}
