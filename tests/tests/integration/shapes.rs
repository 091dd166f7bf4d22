//! Every shape of function can be annotated, and stays what it was.

use std::error::Error;
use std::fmt::Display;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use cache_runtime::{
    Cache, KeyName, KeyPart, cache_result, invalidate_cache, read_only, update_cache,
};

use crate::support::Runs;

/// Awaits `calls`, written twice, on a cache of their own: the second time, all must be hits.
async fn each_is_a_hit_the_second_time(calls: impl AsyncFn()) {
    let cache = Cache::in_memory();
    cache
        .scope(async {
            calls().await;
            let loads = cache.stats().loads;
            assert!(loads > 0, "something is loaded");
            calls().await;
            let stats = cache.stats();
            assert_eq!((stats.loads, stats.hits), (loads, loads), "{stats:?}");
        })
        .await;
}

struct Student;
struct Teacher;

impl KeyName for Student {
    const NAME: &'static str = "student";
}

impl KeyName for Teacher {
    const NAME: &'static str = "teacher";
}

#[cache_result(key = "shapes:count:<T>:<N>:<id>")]
async fn count<T, const N: usize>(id: impl KeyPart + Copy + Into<u64>) -> String
where
    T: KeyName,
{
    format!("{} {} {}", T::NAME, N, id.into())
}

struct Repository<T> {
    tenant: u32,
    of: PhantomData<T>,
}

impl<T: KeyName> Repository<T> {
    #[cache_result(key = "shapes:repository:<T>:<self.tenant>")]
    async fn names(&self) -> Vec<String> {
        vec![T::NAME.to_owned()]
    }

    #[cache_result(key = "shapes:associated:<T>:<id>", key_ignores(U))]
    async fn associated<U>(id: U) -> Option<String>
    where
        U: KeyPart + Display,
    {
        Some(format!("{} {id}", T::NAME))
    }

    #[cache_result(key = "shapes:shared:<T>:<self.tenant>:<id>", key_ignores(text))]
    async fn shared<'a>(self: Arc<Self>, id: &'a u64, text: &'a str) -> (u64, usize) {
        let longer: &'a str = if text.is_empty() { "none" } else { text };
        (*id, longer.len())
    }

    #[cache_result(key = "shapes:owned:<T>:<self.tenant>")]
    async fn owned(self) -> PhantomTenant {
        PhantomTenant(self.tenant)
    }
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct PhantomTenant(u32);

#[tokio::test]
async fn generic_functions_keep_their_types_apart() {
    each_is_a_hit_the_second_time(async || {
        assert_eq!(count::<Student, 1>(7_u32).await, "student 1 7");
        assert_eq!(count::<Student, 2>(7_u32).await, "student 2 7");
        assert_eq!(count::<Teacher, 1>(7_u64).await, "teacher 1 7");
        assert_eq!(
            count_key::<Teacher, 1>(&7_u64).text(),
            "shapes:count:teacher:1:7"
        );
    })
    .await;
}

#[tokio::test]
async fn methods_of_generic_types_are_cached() {
    each_is_a_hit_the_second_time(async || {
        let students = Repository::<Student> {
            tenant: 3,
            of: PhantomData,
        };
        let teachers = Arc::new(Repository::<Teacher> {
            tenant: 3,
            of: PhantomData,
        });
        assert_eq!(students.names().await, ["student"]);
        assert_eq!(teachers.names().await, ["teacher"]);
        assert_eq!(
            Repository::<Teacher>::associated("a").await.as_deref(),
            Some("teacher a")
        );
        assert_eq!(Arc::clone(&teachers).shared(&7, "text").await, (7, 4));
        assert_eq!(students.owned().await, PhantomTenant(3));
        assert_eq!(teachers.names_key().text(), "shapes:repository:teacher:3");
    })
    .await;
}

#[async_trait::async_trait]
trait Grades: Sync {
    async fn best(&self, class: &str) -> Result<Option<u8>, Box<dyn Error + Send + Sync>>;
    async fn forget(&self, class: &str);
    async fn of<T: KeyPart + Send + Sync>(&self, student: T) -> u8
    where
        Self: Sized;
}

#[derive(Default)]
struct InMemory {
    runs: Runs,
}

#[async_trait::async_trait]
impl Grades for InMemory {
    #[cache_result(key = "shapes:best:<class>", companion = none)]
    async fn best(&self, class: &str) -> Result<Option<u8>, Box<dyn Error + Send + Sync>> {
        let length: u8 = class.len().try_into()?;
        self.runs.run();
        if length > 9 {
            return Err("too long".into());
        }
        Ok(Some(length))
    }

    #[invalidate_cache(key = "shapes:best:<class>")]
    async fn forget(&self, class: &str) {
        self.runs.run();
    }

    #[cache_result(key = "shapes:grade:<student>", key_ignores(T), companion = none)]
    async fn of<T: KeyPart + Send + Sync>(&self, student: T) -> u8 {
        drop(student);
        self.runs.run();
        1
    }
}

#[tokio::test]
async fn async_trait_implementations_are_cached() {
    let grades = InMemory::default();
    let dynamic: &dyn Grades = &grades;
    each_is_a_hit_the_second_time(async || {
        assert_eq!(dynamic.best("3b").await.expect("a grade"), Some(2));
        assert_eq!(grades.of(7_u8).await, 1);
    })
    .await;
    assert_eq!(grades.runs.count(), 2);
    Cache::in_memory()
        .scope(async {
            let failed = dynamic.best("a long name").await;
            assert_eq!(
                failed.map_err(|error| error.to_string()),
                Err("too long".to_owned())
            );
            let _ = dynamic.best("3b").await;
            dynamic.forget("3b").await;
            let _ = dynamic.best("3b").await;
        })
        .await;
    assert_eq!(grades.runs.count(), 6);
}

trait Names {
    async fn name(&self, id: u64) -> String;
    fn blocking(&self, id: u64) -> String;
}

impl Names for Runs {
    #[cache_result(key = "shapes:name:<id>", companion = none)]
    async fn name(&self, id: u64) -> String {
        format!("{id} {}", self.run())
    }

    #[cache_result(key = "shapes:blocking:<id>", companion = none)]
    fn blocking(&self, id: u64) -> String {
        format!("{id} {}", self.run())
    }
}

#[tokio::test]
async fn trait_implementations_are_cached() {
    let runs = Runs::default();
    each_is_a_hit_the_second_time(async || assert_eq!(runs.name(7).await, "7 1")).await;
}

#[test]
fn plain_functions_are_cached_on_threads_of_their_own() {
    let runs = Runs::default();
    assert_eq!(runs.blocking(7), "7 1");
    assert_eq!(runs.blocking(7), "7 1");
}

mod aliases {
    pub(super) type Answer<T> = Result<T, Failure>;
    pub(super) type Perhaps = Option<std::sync::Arc<String>>;
    pub(super) type Text = String;

    /// Neither `Clone` nor `Serialize`.
    #[derive(Debug, PartialEq)]
    pub(super) struct Failure;
}

#[tokio::test]
async fn aliases_are_seen_through() {
    use aliases::{Answer, Failure, Perhaps, Text};

    #[cache_result(key = "shapes:answer:<id>", none = skip)]
    async fn answer(id: u64) -> Answer<Perhaps> {
        match id {
            0 => Err(Failure),
            1 => Ok(None),
            _ => Ok(Some(Arc::new(id.to_string()))),
        }
    }
    #[cache_result(key = "shapes:text")]
    async fn text() -> Text {
        Text::from("text")
    }
    each_is_a_hit_the_second_time(async || {
        assert_eq!(answer(7).await, Ok(Some(Arc::new("7".to_owned()))));
        assert_eq!(text().await, "text");
    })
    .await;
    let cache = Cache::in_memory();
    cache
        .scope(async {
            for _ in 0..2 {
                assert_eq!(answer(0).await, Err(Failure));
                assert_eq!(answer(1).await, Ok(None));
            }
        })
        .await;
    assert_eq!(
        cache.stats().hits,
        0,
        "neither an error nor a `None` is kept"
    );
}

/// A dialect of body: everything that a closure could change the meaning of.
#[cache_result(key = "shapes:body:<text>:<number>", key_ignores(numbers))]
async fn body(
    mut text: String,
    r#number: u64,
    numbers: &mut Vec<u64>,
) -> Result<u64, Box<dyn Error>> {
    #![allow(clippy::needless_pass_by_ref_mut)]
    const ONE: u64 = 1;
    numbers.push(number);
    text.push('0');
    let parsed: u64 = text.parse()?;
    let found = 'search: loop {
        for candidate in 0.. {
            if candidate * candidate >= parsed {
                break 'search candidate;
            }
        }
    };
    if found > 100 {
        return Err("too big".into());
    }
    drop(text);
    Ok(found + ONE)
}

#[tokio::test]
async fn bodies_mean_what_they_did() {
    let cache = Cache::in_memory();
    cache
        .scope(async {
            let mut numbers = Vec::new();
            for _ in 0..2 {
                let found = body("4".to_owned(), 1, &mut numbers).await;
                assert_eq!(found.expect("a number"), 8);
                assert!(body("x".to_owned(), 2, &mut numbers).await.is_err());
                assert!(body("9999999".to_owned(), 3, &mut numbers).await.is_err());
            }
            assert_eq!(numbers, [1, 2, 3, 2, 3], "errors are not kept");
        })
        .await;
}

#[tokio::test]
async fn functions_inside_functions_are_cached() {
    async fn first() -> u64 {
        #[cache_result(key = "shapes:inner:first:<id>")]
        async fn inner(id: u64) -> u64 {
            id + 1
        }
        inner(7).await
    }
    async fn second() -> u64 {
        #[cache_result(key = "shapes:inner:second:<id>")]
        async fn inner(id: u64) -> u64 {
            #[cache_result(key = "shapes:innermost:<id>")]
            async fn inner(id: u64) -> u64 {
                id + 2
            }
            inner(id).await
        }
        inner(7).await + u64::from(inner_key(7).text().ends_with('7'))
    }
    Cache::in_memory()
        .scope(async {
            assert_eq!((first().await, second().await), (8, 10));
            assert_eq!((first().await, second().await), (8, 10));
        })
        .await;
}

#[tokio::test]
async fn functions_call_themselves() {
    #[cache_result(key = "shapes:fibonacci:<n>")]
    async fn fibonacci(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        Box::pin(fibonacci(n - 1)).await + Box::pin(fibonacci(n - 2)).await
    }
    let cache = Cache::in_memory();
    assert_eq!(cache.scope(fibonacci(30)).await, 832_040);
    assert_eq!(cache.stats().loads, 31, "one for each number");
}

#[tokio::test]
async fn attributes_compose() {
    #[cache_result(key = "shapes:grade:<id>", ttl = 60)]
    async fn grade(id: u64) -> u8 {
        1
    }
    #[cache_result(key = "shapes:report:<id>", ttl = 60)]
    async fn report(id: u64) -> String {
        "old".to_owned()
    }
    #[invalidate_cache(key = "shapes:report:<id>")]
    #[update_cache(key = "shapes:grade:<id>", ttl = 60)]
    #[cfg_attr(all(), invalidate_cache(pattern = "shapes:average:*"))]
    async fn regrade(id: u64, grade: u8) -> u8 {
        grade
    }
    let cache = Cache::in_memory();
    cache
        .scope(async {
            assert_eq!((grade(7).await, report(7).await), (1, "old".to_owned()));
            assert_eq!(regrade(7, 5).await, 5);
            assert_eq!(grade_key(7).get().await.expect("a store"), Some(5));
            assert_eq!(report_key(7).get().await.expect("a store"), None);
        })
        .await;
}

#[tokio::test]
async fn what_could_be_sent_can_be_sent() {
    fn sent<F: Future + Send + 'static>(future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F::Output: Send,
    {
        tokio::spawn(future)
    }
    #[cache_result(key = "shapes:sent:<id>", store_if = |_| true)]
    async fn load(id: u64) -> u64 {
        tokio::task::yield_now().await;
        id
    }
    #[update_cache(key = "shapes:sent:<id>")]
    async fn update(id: u64) -> u64 {
        tokio::task::yield_now().await;
        id + 1
    }
    #[invalidate_cache(key = "shapes:sent:<return>", on = ok)]
    async fn forget(id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(id)
    }
    let cache = Cache::in_memory();
    let all = cache.scope(async { (load(7).await, update(7).await, forget(7).await) });
    assert_eq!(sent(all).await.expect("it ran"), (7, 8, Ok(7)));
}

#[tokio::test]
async fn what_could_not_be_sent_still_runs() {
    #[cache_result(key = "shapes:local:<id>", key_ignores(name))]
    async fn load(id: u64, name: Rc<str>) -> String {
        let name = Rc::clone(&name);
        tokio::task::yield_now().await;
        format!("{id} {name}")
    }
    #[invalidate_cache(key = "shapes:local:<id>")]
    async fn forget(id: u64, name: Rc<str>) -> Rc<str> {
        tokio::task::yield_now().await;
        name
    }
    let local = tokio::task::LocalSet::new();
    let work = Cache::in_memory().scope(async {
        let name = Rc::<str>::from("a");
        let task = tokio::task::spawn_local(load(7, Rc::clone(&name)));
        assert_eq!(task.await.expect("it ran"), "7 a");
        assert_eq!(load(7, Rc::from("b")).await, "7 b");
        assert_eq!(load(7, Rc::from("c")).await, "7 b", "a hit");
        forget(7, name).await;
        assert_eq!(load(7, Rc::from("d")).await, "7 d");
        assert_eq!(read_only(load(7, Rc::from("e"))).await, "7 d");
    });
    local.run_until(work).await;
}
