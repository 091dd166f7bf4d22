//! What a store of `tower-sessions` has to do, asked of its own memory store and of ours.

use cache_runtime::TowerStore;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore};

use crate::support::on_each_store;

fn record(number: u32, left: Duration) -> Record {
    Record {
        id: Id::default(),
        data: [("number".to_owned(), json!(number))].into(),
        expiry_date: OffsetDateTime::now_utc() + left,
    }
}

/// What becomes of a save when the session is gone.
#[derive(Clone, Copy, PartialEq)]
enum LateSave {
    Fails,
    /// `tower-sessions`' own store puts whatever it is given, so a logout is undone.
    Revives,
}

async fn behaves(store: &impl SessionStore, late: LateSave) {
    keeps_what_it_is_given(store).await;
    gives_another_identifier_to_a_second(store).await;
    ends_when_it_is_told(store).await;
    deletes_for_good(store, late).await;
}

async fn keeps_what_it_is_given(store: &impl SessionStore) {
    let mut one = record(1, Duration::hours(1));
    let chosen = one.id;
    store.create(&mut one).await.unwrap();
    assert_eq!(one.id, chosen);
    assert_eq!(store.load(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.load(&Id::default()).await.unwrap(), None);

    one.data
        .insert("text".to_owned(), json!({ "deep": [1.1, null, "é"] }));
    one.expiry_date += Duration::hours(1);
    store.save(&one).await.unwrap();
    assert_eq!(store.load(&one.id).await.unwrap(), Some(one));
}

async fn gives_another_identifier_to_a_second(store: &impl SessionStore) {
    let mut one = record(1, Duration::hours(1));
    store.create(&mut one).await.unwrap();
    for left in [Duration::hours(1), Duration::hours(-1)] {
        let mut two = record(2, left);
        two.id = one.id;
        store.create(&mut two).await.unwrap();
        assert_ne!(two.id, one.id);
        let is_there = store.load(&two.id).await.unwrap().is_some();
        assert_eq!(is_there, left.is_positive());
    }
    assert_eq!(store.load(&one.id).await.unwrap(), Some(one));
}

async fn ends_when_it_is_told(store: &impl SessionStore) {
    let mut ended = record(1, Duration::seconds(-1));
    store.create(&mut ended).await.unwrap();
    assert_eq!(store.load(&ended.id).await.unwrap(), None);

    let mut ending = record(1, Duration::hours(1));
    store.create(&mut ending).await.unwrap();
    ending.expiry_date = OffsetDateTime::UNIX_EPOCH;
    store.save(&ending).await.unwrap();
    assert_eq!(store.load(&ending.id).await.unwrap(), None);

    let mut soon = record(1, Duration::milliseconds(30));
    store.create(&mut soon).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    assert_eq!(store.load(&soon.id).await.unwrap(), None);

    let mut far = record(1, Duration::days(365 * 200));
    store.create(&mut far).await.unwrap();
    assert_eq!(store.load(&far.id).await.unwrap(), Some(far));
}

async fn deletes_for_good(store: &impl SessionStore, late: LateSave) {
    let mut one = record(1, Duration::hours(1));
    store.create(&mut one).await.unwrap();
    store.delete(&one.id).await.unwrap();
    assert_eq!(store.load(&one.id).await.unwrap(), None);
    store.delete(&one.id).await.unwrap();

    one.data.insert("number".to_owned(), json!(2));
    let saved = store.save(&one).await;
    let found = store.load(&one.id).await.unwrap();
    match late {
        LateSave::Fails => assert_eq!((saved.is_err(), found), (true, None)),
        LateSave::Revives => assert_eq!((saved.is_err(), found), (false, Some(one.clone()))),
    }
    one.expiry_date = OffsetDateTime::UNIX_EPOCH;
    assert_eq!(store.save(&one).await.is_err(), late == LateSave::Fails);
}

#[tokio::test]
async fn the_memory_store_of_tower_sessions_behaves_but_for_late_saves() {
    behaves(&MemoryStore::default(), LateSave::Revives).await;
}

#[tokio::test]
async fn ours_behaves() {
    on_each_store(async |fixture| {
        behaves(&TowerStore::new(&fixture.cache), LateSave::Fails).await;
    })
    .await;
}

#[tokio::test]
async fn kinds_are_apart_and_processes_are_not() {
    on_each_store(async |fixture| {
        let store = TowerStore::new(&fixture.cache);
        let mut one = record(1, Duration::hours(1));
        store.create(&mut one).await.unwrap();

        let elsewhere = TowerStore::new(&fixture.another_process());
        assert_eq!(elsewhere.load(&one.id).await.unwrap(), Some(one.clone()));
        let staff = TowerStore::new(&fixture.cache).name("staff");
        assert_eq!(staff.load(&one.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn redis_knows_no_identifier_and_nothing_for_ever() {
    let server = cache_tests::RedisServer::start().await;
    let store = TowerStore::new(&crate::support::on(&server));
    let mut one = record(1, Duration::hours(1));
    store.create(&mut one).await.unwrap();
    store.save(&one).await.unwrap();

    let keys: Vec<String> = server.command(("KEYS", "*")).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let fields: Vec<Vec<u8>> = server.command(("HGETALL", &keys[0])).await;
    let stored = [keys[0].as_bytes(), &fields.concat()].concat();
    let number = one.id.0;
    for shape in [
        one.id.to_string().into_bytes(),
        number.to_string().into_bytes(),
        number.to_le_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
    ] {
        assert!(!stored.windows(shape.len()).any(|part| part == shape));
    }
    let left: i64 = server.command(("PTTL", &keys[0])).await;
    assert!((1..=3_600_001).contains(&left), "{left}");
}

#[tokio::test]
async fn what_can_not_be_read_is_no_session_and_is_counted() {
    let server = cache_tests::RedisServer::start().await;
    let cache = crate::support::on(&server);
    let store = TowerStore::new(&cache);
    let mut one = record(1, Duration::hours(1));
    store.create(&mut one).await.unwrap();
    let keys: Vec<String> = server.command(("KEYS", "*")).await;
    let () = server.command(("SET", &keys[0], "foreign")).await;

    assert_eq!(store.load(&one.id).await.unwrap(), None);
    assert!(store.save(&one).await.is_err());
    assert_eq!(cache.stats().unreadable, 2);
    let foreign: String = server.command(("GET", &keys[0])).await;
    assert_eq!(foreign, "foreign");
}
