//! What the command line asks for.

use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often each subject runs.
    pub rounds: usize,
    /// How long it runs each time.
    pub slice: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 15,
            slice: Duration::from_millis(200),
        }
    }
}

/// A command line: what to measure, and how much.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// The sections named; none means all.
    pub sections: Vec<String>,
    /// How much is measured.
    pub options: Options,
}

impl CommandLine {
    /// Reads `--rounds <number>`, `--slice <milliseconds>`, `--quick` and names of sections.
    ///
    /// # Errors
    ///
    /// The argument that is none of these.
    ///
    /// ```
    /// use cache_benches::options::CommandLine;
    ///
    /// let arguments = ["redis", "--rounds", "21"].map(String::from);
    /// let read = CommandLine::read(arguments.into_iter()).unwrap();
    /// assert_eq!((read.sections.len(), read.options.rounds), (1, 21));
    /// assert!(CommandLine::read(["--round".to_owned()].into_iter()).is_err());
    /// ```
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self::default();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let text = arguments.next().unwrap_or_default();
                text.parse()
                    .map_err(|_| format!("`{argument}` needs a number"))
            };
            match argument.as_str() {
                "--rounds" => {
                    read.options.rounds = usize::try_from(number()?).unwrap_or(usize::MAX);
                }
                "--slice" => read.options.slice = Duration::from_millis(number()?),
                "--quick" => {
                    read.options = Options {
                        rounds: 5,
                        slice: Duration::from_millis(60),
                    }
                }
                unknown if unknown.starts_with('-') => {
                    return Err(format!("unknown option `{unknown}`"));
                }
                section => read.sections.push(section.to_owned()),
            }
        }
        Ok(read)
    }
}
