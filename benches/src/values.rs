//! The values that are cached: of about 200 bytes and of about 4 KiB as JSON.

use std::future::Future;

use cache_runtime::cache_result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How many keys a run reads, one after the other.
pub const KEYS: u64 = 1024;

/// A value of one size, and the annotated function that returns it.
pub trait Value: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the tables call it.
    const NAME: &'static str;

    /// The value of this key.
    fn of(id: u64) -> Self;

    /// The key that the hand-written side formats; as long as the annotated function's.
    fn plain_key(id: u64) -> String;

    /// The annotated function.
    fn cached(id: u64) -> impl Future<Output = Self> + Send;
}

/// About 200 bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    id: u64,
    name: String,
    email: String,
    school: String,
    roles: Vec<String>,
    score: f64,
    verified: bool,
}

impl Value for Profile {
    const NAME: &'static str = "200 B";

    fn of(id: u64) -> Self {
        Self {
            id,
            name: format!("Ada Lovelace the {id}th"),
            email: format!("ada.lovelace.{id}@analytical-engine.example"),
            school: "Saint James' School for Girls".to_owned(),
            roles: vec!["teacher".to_owned(), "administrator".to_owned()],
            score: 87.25,
            verified: true,
        }
    }

    fn plain_key(id: u64) -> String {
        format!("plain:profile:{id}")
    }

    fn cached(id: u64) -> impl Future<Output = Self> + Send {
        profile(id)
    }
}

#[cache_result(key = "bench:profile:<id>", ttl = "1h")]
async fn profile(id: u64) -> Profile {
    Profile::of(id)
}

/// About 4 KiB, mostly text, as rows that people write are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Course {
    owner: Profile,
    assignments: Vec<Assignment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Assignment {
    id: u64,
    title: String,
    instructions: String,
    points: f64,
    due_at: u64,
}

const INSTRUCTIONS: &str = "Read the chapter on the analytical engine, then describe in your own \
    words how its store and its mill work together, which of the two a cache resembles, and why. \
    Two pages at most; quote what you use; ask before the deadline, not after it.";

impl Value for Course {
    const NAME: &'static str = "4 KiB";

    fn of(id: u64) -> Self {
        let assignment = |number: u32| Assignment {
            id: 1_000_000 + u64::from(number),
            title: format!("Essay number {number} of this term"),
            instructions: INSTRUCTIONS.to_owned(),
            points: f64::from(number) * 1.25,
            due_at: 1_763_712_000_000 + u64::from(number),
        };
        Self {
            owner: Profile::of(id),
            assignments: (0..11).map(assignment).collect(),
        }
    }

    fn plain_key(id: u64) -> String {
        format!("plain:course:{id}")
    }

    fn cached(id: u64) -> impl Future<Output = Self> + Send {
        course(id)
    }
}

#[cache_result(key = "bench:course:<id>", ttl = "1h")]
async fn course(id: u64) -> Course {
    Course::of(id)
}

/// About 4 KiB, mostly numbers: decoding it costs more than reading it, on both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gradebook {
    owner: Profile,
    attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Attempt {
    assignment: u64,
    points: f64,
    submitted_at: u64,
    late: bool,
}

impl Value for Gradebook {
    const NAME: &'static str = "4 KiB of numbers";

    fn of(id: u64) -> Self {
        let attempt = |number: u32| Attempt {
            assignment: 1_000_000 + u64::from(number),
            points: f64::from(number) * 1.25,
            submitted_at: 1_763_712_000_000 + u64::from(number),
            late: number.is_multiple_of(7),
        };
        Self {
            owner: Profile::of(id),
            attempts: (0..48).map(attempt).collect(),
        }
    }

    fn plain_key(id: u64) -> String {
        format!("plain:gradebook:{id}")
    }

    fn cached(id: u64) -> impl Future<Output = Self> + Send {
        gradebook(id)
    }
}

#[cache_result(key = "bench:gradebook:<id>", ttl = "1h")]
async fn gradebook(id: u64) -> Gradebook {
    Gradebook::of(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<V: Value>() -> usize {
        serde_json::to_vec(&V::of(7)).unwrap().len()
    }

    #[test]
    fn values_are_as_big_as_their_names_say() {
        assert!((180..=220).contains(&json::<Profile>()));
        for large in [json::<Course>(), json::<Gradebook>()] {
            assert!((3_900..=4_300).contains(&large), "{large} bytes");
        }
    }
}
