//! What whoever reads Redis, its dumps or a log learns: no token, and of sealed sessions no user.

use cache_runtime::{Encryption, Session, SessionContext, SessionEvent, SessionToken, Sessions};
use cache_tests::RedisServer;

use super::{Basket, is_there, login, sessions};
use crate::support::{Fixture, on, on_each_store};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The 60 bytes of a token.
fn bytes_of(cookie: &str) -> Vec<u8> {
    let value = |byte: &u8| ALPHABET.iter().position(|letter| letter == byte);
    let sextets: Vec<_> = cookie
        .bytes()
        .map(|byte| value(&byte).expect("base64url"))
        .collect();
    let three = |four: &[usize]| {
        let bits = four.iter().fold(0, |bits, sextet| bits << 6 | sextet);
        [bits >> 16, bits >> 8, bits].map(|byte| u8::try_from(byte & 255).expect("a byte"))
    };
    sextets.chunks(4).flat_map(three).collect()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

/// All that the server writes to its disk, uncompressed.
async fn dump(server: &RedisServer) -> Vec<u8> {
    let () = server
        .command(("CONFIG", "SET", "rdbcompression", "no"))
        .await;
    let () = server.command("SAVE").await;
    let file = async |setting| -> String {
        let answer: Vec<String> = server.command(("CONFIG", "GET", setting)).await;
        answer.into_iter().nth(1).expect("a value")
    };
    let path = format!("{}/{}", file("dir").await, file("dbfilename").await);
    std::fs::read(path).expect("the dump")
}

fn has(dump: &[u8], part: &[u8]) -> bool {
    dump.windows(part.len()).any(|found| found == part)
}

#[tokio::test]
async fn no_token_is_in_the_dump_of_a_thousand_sessions() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let sessions = sessions(&fixture.cache);
    let mut cookies = Vec::new();
    for number in 0..1000 {
        let session = login(&sessions, &format!("user {}", number % 300)).await;
        let session = match number % 5 {
            0 => sessions.rotate(session.token()).await.expect("a session"),
            1 => sessions
                .update(session.token(), |basket| basket.visits += 1)
                .await
                .expect("a session"),
            _ => session,
        };
        cookies.push((session.id(), session.token().expose()));
    }
    let dump = dump(server).await;
    assert!(
        has(&dump, b"user 299"),
        "it is the dump of these sessions, and readable"
    );
    // Every stretch of the dump as long as a secret is looked up among all secrets.
    let mut wanted = std::collections::HashSet::new();
    for (_, cookie) in &cookies {
        let token = bytes_of(cookie);
        let secret = &token[28..];
        // The first 16 bytes of each form are enough to find it.
        let forms = [
            secret.to_vec(),
            hex(secret),
            cookie.as_bytes()[38..].to_vec(),
        ];
        for form in forms {
            wanted.insert(form[..16].to_vec());
        }
    }
    assert_eq!(wanted.len(), 3000);
    let found = dump
        .windows(16)
        .filter(|part| wanted.contains(*part))
        .count();
    assert_eq!(found, 0);
    // The search finds what is there: the names of the same tokens.
    let id = &bytes_of(&cookies[999].1)[16..28];
    assert!(has(&dump, id), "names of sessions are no secret");
}

#[tokio::test]
async fn sealed_sessions_say_nothing_of_their_user_or_data() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let sealed = sealing(&fixture, Encryption::new([1; 32]));
    let context = SessionContext::new()
        .address([192, 0, 2, 77])
        .user_agent("Firefox");
    let session = sealed.create("ada lovelace", Basket::default(), context);
    let session = session.await.expect("a session");
    let update = sealed.update(session.token(), |basket| {
        basket.books.push("Emma".to_owned());
    });
    update.await.expect("a session");
    let dump = dump(server).await;
    for part in ["lovelace", "192.0.2.77", "Firefox", "Emma", "books"] {
        assert!(!has(&dump, part.as_bytes()), "{part}");
    }
    let now = sealed
        .get(session.token())
        .await
        .expect("a store")
        .expect("a session");
    assert_eq!(
        (now.user(), &*now.data().books[0]),
        (Some("ada lovelace"), "Emma")
    );
    let listed = sealed.list("ada lovelace").await.expect("a store");
    assert_eq!(listed[0].context.agent(), Some("Firefox"));
}

fn sealing(fixture: &Fixture, encryption: Encryption) -> Sessions<Basket> {
    let builder = Sessions::builder(&fixture.cache).no_cleanup();
    builder
        .encryption(encryption)
        .build()
        .expect("valid settings")
}

#[tokio::test]
async fn keys_are_replaced_without_a_logout() {
    on_each_store(async |fixture| {
        let (old, new) = ([1; 32], [2; 32]);
        let before = sealing(&fixture, Encryption::new(old));
        let during = sealing(&fixture, Encryption::new(new).accepts(old));
        let after = sealing(&fixture, Encryption::new(new));
        let first = login(&before, "ada").await;
        assert!(is_there(&during, first.token()).await);
        let second = login(&during, "ada").await;
        assert!(is_there(&after, second.token()).await);
        let mut events = after.events();
        assert!(
            !is_there(&after, first.token()).await,
            "its key is forgotten"
        );
        let told = events.next().await;
        assert_eq!(told, Some(SessionEvent::Unreadable(first.id())));
        assert!(
            is_there(&before, first.token()).await,
            "and it is left alone"
        );
    })
    .await;
}

#[tokio::test]
async fn plain_sessions_are_read_while_that_is_said() {
    on_each_store(async |fixture| {
        let plain = sessions(&fixture.cache);
        let session = login(&plain, "ada").await;
        let strict = sealing(&fixture, Encryption::new([1; 32]));
        let migrating = sealing(&fixture, Encryption::new([1; 32]).accepts_plain());
        assert!(!is_there(&strict, session.token()).await);
        assert!(is_there(&migrating, session.token()).await);
        let sealed = login(&migrating, "ada").await;
        assert!(is_there(&strict, sealed.token()).await);
        assert!(!is_there(&plain, sealed.token()).await, "without the key");
    })
    .await;
}

#[tokio::test]
async fn sealed_data_moved_to_another_session_is_not_opened() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let sealed = sealing(&fixture, Encryption::new([1; 32]));
    let (one, two) = (login(&sealed, "ada").await, login(&sealed, "ada").await);
    let keys: Vec<String> = server.command(("KEYS", "*session*")).await;
    let field = |session: &Session<Basket>| {
        let id = &bytes_of(&session.token().expose())[16..28];
        [b"d", id].concat()
    };
    let data: Vec<u8> = server.command(("HGET", &keys[0], field(&one))).await;
    let () = server.command(("HSET", &keys[0], field(&two), data)).await;
    assert!(is_there(&sealed, one.token()).await);
    assert!(!is_there(&sealed, two.token()).await);
}

#[tokio::test]
async fn nothing_prints_a_token_a_user_or_data() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    let sessions = sessions(&cache);
    let mut events = sessions.events();
    let context = SessionContext::new().user_agent("Firefox");
    let basket = Basket {
        books: vec!["Emma".to_owned()],
        visits: 0,
    };
    let session = sessions
        .create("lovelace", basket, context)
        .await
        .expect("a session");
    let login = sessions.begin_login("lovelace").await.expect("a store");
    let listed = sessions.list("lovelace").await.expect("a store");
    let token: &SessionToken = session.token();
    let printed = format!(
        "{session:?} {token:?} {login:?} {listed:?} {sessions:?} {:?}",
        events.next().await
    );
    drop(server);
    let error = sessions.get(token).await.expect_err("no server");
    let source = std::error::Error::source(&error).map(ToString::to_string);
    let printed = format!("{printed} {error:?} {error} {source:?}");
    let cookie = token.expose();
    for secret in [&cookie, &cookie[38..], "lovelace", "Firefox", "Emma"] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
}
