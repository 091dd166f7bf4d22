//! What is no session counts as none: guessed tokens, and what others have put into Redis.

use cache_runtime::{Session, SessionContext, SessionError, SessionEvent, SessionToken, Sessions};
use cache_tests::RedisServer;

use super::{Basket, is_there, login, sessions};
use crate::support::{Fixture, on_each_store};

#[tokio::test]
async fn nobody_gets_in_by_a_name_a_place_or_a_guess() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let session = login(&sessions, "ada").await;
        let cookie = session.token().expose();
        for at in [0, 21, 22, 37, 38, 79] {
            let other = if cookie.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            let mut guess = cookie.clone();
            guess.replace_range(at..=at, other);
            let guess = SessionToken::parse(&guess).expect("a token");
            assert!(!is_there(&sessions, &guess).await, "character {at}");
            assert!(!sessions.delete(&guess).await.expect("a store"));
            let update = sessions.update(&guess, |basket| basket.visits = 9).await;
            assert!(matches!(update, Err(SessionError::Gone)));
        }
        assert!(is_there(&sessions, session.token()).await);
        assert_eq!(
            sessions.stats().await.expect("a store").total,
            1,
            "none is adopted"
        );
    })
    .await;
}

/// The only key of a user's sessions.
async fn key_of_all(server: &RedisServer) -> String {
    let keys: Vec<String> = server.command(("KEYS", "*session*")).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().expect("one")
}

/// What the fields of a session are named after a letter.
fn field(letter: char, session: &Session<Basket>) -> Vec<u8> {
    let mut field = vec![letter as u8];
    let mut id = [0; 12];
    for (four, three) in session
        .id()
        .to_string()
        .as_bytes()
        .chunks(4)
        .zip(id.chunks_mut(3))
    {
        let bits = four.iter().fold(0, |bits, byte| {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'-' => 62,
                _ => 63,
            };
            bits << 6 | u32::from(value)
        });
        three.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    field.extend(id);
    field
}

#[tokio::test]
async fn what_cant_be_read_is_told_and_missing_and_no_error() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let sessions = sessions(&fixture.cache);
    let mut events = sessions.events();
    let session = login(&sessions, "ada").await;
    let key = key_of_all(server).await;
    let data = field('d', &session);
    let good: Vec<u8> = server.command(("HGET", &key, &data)).await;
    assert!(
        good.ends_with(br#"{"books":[],"visits":0}"#),
        "the field is named so"
    );
    let wrong = [
        &b""[..],
        b"\0",
        b"\0{}",
        b"\0{\"books\":3}",
        b"\x07[]",
        b"\x01",
    ];
    for (at, wrong) in wrong.iter().enumerate() {
        let () = server.command(("HSET", &key, &data, *wrong)).await;
        assert!(!is_there(&sessions, session.token()).await, "{wrong:?}");
        let update = sessions
            .update(session.token(), |basket| basket.visits = 1)
            .await;
        assert!(matches!(update, Err(SessionError::Gone)), "{wrong:?}");
        assert_eq!(sessions.counts().unreadable, 2 * (at as u64 + 1));
    }
    let () = server.command(("HSET", &key, &data, &good)).await;
    assert!(
        is_there(&sessions, session.token()).await,
        "it was left alone"
    );
    let head = field('s', &session);
    let () = server.command(("HSET", &key, &head, "nonsense")).await;
    assert!(!is_there(&sessions, session.token()).await);
    let () = server.command(("DEL", &key)).await;
    let () = server.command(("SET", &key, "not a hash")).await;
    assert!(!is_there(&sessions, session.token()).await);
    let told = SessionEvent::Unreadable(session.id());
    assert_eq!(
        events.next().await,
        Some(SessionEvent::Created(session.id()))
    );
    assert_eq!(events.next().await, Some(told));
    let made = sessions
        .create("ada", Basket::default(), SessionContext::new())
        .await;
    assert!(
        matches!(made, Err(SessionError::Corrupt)),
        "never overwritten"
    );
}

#[tokio::test]
async fn a_session_moved_to_another_user_is_nobodys() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let plain = sessions(&fixture.cache);
    let admin = login(&plain, "admin").await;
    let admins = key_of_all(server).await;
    let mallory = login(&plain, "mallory").await;
    let keys: Vec<String> = server.command(("KEYS", "*session*")).await;
    let own = keys.into_iter().find(|key| *key != admins).expect("two");
    // The body that says who it is, behind the head's numbers and digests.
    let head: Vec<u8> = server.command(("HGET", &own, field('s', &mallory))).await;
    let admins_head: Vec<u8> = server.command(("HGET", &admins, field('s', &admin))).await;
    let body = |head: &[u8]| {
        let start = head
            .windows(2)
            .position(|two| two == b"{\"")
            .expect("a body");
        start - 1
    };
    let moved = [&head[..body(&head)], &admins_head[body(&admins_head)..]].concat();
    let () = server
        .command(("HSET", &own, field('s', &mallory), moved))
        .await;
    assert!(!is_there(&plain, mallory.token()).await);
    assert_eq!(plain.counts().unreadable, 1);
    let () = server
        .command(("HSET", &own, field('s', &mallory), head))
        .await;
    assert!(is_there(&plain, mallory.token()).await);
}

#[tokio::test]
async fn other_data_is_another_kind_of_session() {
    on_each_store(async |fixture| {
        let numbers = Sessions::<u32>::new(&fixture.cache);
        let session = numbers.create("ada", 7, SessionContext::new()).await;
        let session = session.expect("a session");
        let baskets = sessions(&fixture.cache);
        assert!(!is_there(&baskets, session.token()).await);
        assert_eq!(baskets.counts().unreadable, 1);
        let still = numbers.get(session.token()).await.expect("a store");
        assert_eq!(still.map(Session::into_data), Some(7), "it was left alone");
    })
    .await;
}
