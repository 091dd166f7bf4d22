//! Settings reach the server, what will not do is said at the start, and secrets stay inside.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use cache_runtime::{
    Builder, Cache, Config, Error, HealthStatus, Unusable, ValidationWarning, cache_result,
};
use cache_tests::{Authority, FaultProxy, Identity, RedisServer, TlsServer, Validity};

const SECRET: &str = "hunter2-of-the-tests";

/// Why the server will not do.
async fn unusable(builder: Builder) -> Unusable {
    let cache = builder.build().expect("a valid configuration");
    match cache.validate().await {
        Err(Error::Unusable { server, reason }) => {
            assert!(!server.contains(SECRET), "{server}");
            reason
        }
        other => panic!("{other:?}"),
    }
}

fn at(server: &RedisServer) -> Builder {
    Cache::builder()
        .redis_host("127.0.0.1")
        .redis_port(server.port())
}

async fn with_a_password() -> RedisServer {
    let server = RedisServer::start().await;
    let () = server
        .command(("CONFIG", "SET", "requirepass", SECRET))
        .await;
    server
}

#[tokio::test]
async fn single_settings_reach_the_server() {
    let server = RedisServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    std::fs::write(&password, format!("{SECRET}\n")).expect("a file");
    let user = (
        "ACL",
        "SETUSER",
        "app",
        "on",
        format!(">{SECRET}"),
        "~*",
        "&*",
        "+@all",
    );
    let () = server.command(user).await;

    let builder = at(&server)
        .redis_username("app")
        .redis_password_file(&password);
    let cache = builder
        .redis_db(3)
        .namespace("shop")
        .build()
        .expect("a valid configuration");
    let validated = cache.validate().await.expect("a server that will do");
    assert_eq!(validated.versions.len(), 1);
    let mut connection = cache.connection().await.expect("a connection");
    let who: String = redis::cmd("ACL")
        .arg("WHOAMI")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(who, "app");
    let () = redis::cmd("SET")
        .arg("here")
        .arg(1)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(
        server.info("keyspace").await["db3"].split(',').next(),
        Some("keys=1")
    );
}

#[tokio::test]
async fn files_of_either_kind_reach_the_server() {
    let server = with_a_password().await;
    let folder = tempfile::tempdir().expect("a folder");
    let port = server.port();
    let toml =
        format!("[redis]\nport = {port}\npassword = \"{SECRET}\"\n[cache]\nnamespace = \"a\"\n");
    let json = format!(r#"{{"redis": {{"url": "redis://:{SECRET}@127.0.0.1:{port}/2"}}}}"#);
    for (name, text) in [("a.toml", toml), ("a.json", json)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        let cache = Cache::builder()
            .config_file(&path)
            .build()
            .expect("a valid configuration");
        cache.validate().await.expect("a server that will do");
    }
}

#[tokio::test]
async fn a_socket_will_do() {
    let server = RedisServer::on_socket().await;
    let cache = Cache::builder()
        .redis_url(format!("{}?db=1", server.url()))
        .build()
        .unwrap();
    cache.validate().await.expect("a server that will do");
}

#[tokio::test]
async fn nothing_that_listens_is_told_from_silence() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let at = || {
        Cache::builder()
            .redis_url(proxy.url())
            .connection_timeout(Duration::from_millis(300))
    };
    proxy.black_hole();
    assert_eq!(unusable(at()).await, Unusable::Silent);
    proxy.refuse().await;
    assert_eq!(unusable(at()).await, Unusable::Refused);
    proxy.heal().await;
    at().build()
        .unwrap()
        .validate()
        .await
        .expect("a server that will do");

    let nowhere = Cache::builder().redis_url("unix:///nowhere/redis.sock");
    assert_eq!(unusable(nowhere).await, Unusable::NoSocket);
    let nobody = Cache::builder().redis_host("no-such-host.invalid");
    assert_eq!(unusable(nobody).await, Unusable::UnknownHost);
}

#[tokio::test]
async fn a_login_that_is_wrong_is_told_from_one_that_is_missing() {
    let server = with_a_password().await;
    assert_eq!(unusable(at(&server)).await, Unusable::PasswordNeeded);
    assert_eq!(
        unusable(at(&server).redis_db(1)).await,
        Unusable::PasswordNeeded
    );
    assert_eq!(
        unusable(at(&server).redis_password("guess")).await,
        Unusable::WrongPassword
    );
    let user = at(&server).redis_username("nobody").redis_password(SECRET);
    assert_eq!(unusable(user).await, Unusable::WrongPassword);
    let right = at(&server).redis_password(SECRET).build().unwrap();
    right.validate().await.expect("a server that will do");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said() {
    let server = RedisServer::start_with(&["--databases", "2"]).await;
    assert_eq!(
        unusable(at(&server).redis_db(2)).await,
        Unusable::UnknownDatabase
    );
    at(&server)
        .redis_db(1)
        .build()
        .unwrap()
        .validate()
        .await
        .expect("a server that will do");
}

#[tokio::test]
async fn what_is_no_redis_is_said() {
    for banner in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answering = std::thread::spawn(move || {
            let (mut client, _) = listener.accept()?;
            client.write_all(banner.as_bytes())?;
            client.read_to_end(&mut Vec::new())
        });
        let reason = unusable(Cache::builder().redis_host("127.0.0.1").redis_port(port)).await;
        assert_eq!(reason, Unusable::NotRedis, "{banner}");
        drop(answering);
    }
}

#[tokio::test]
async fn a_replica_and_a_node_of_a_cluster_are_said() {
    let server = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1"]).await;
    assert_eq!(unusable(at(&server)).await, Unusable::Replica);
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    assert_eq!(unusable(at(&server)).await, Unusable::NodeOfCluster);
}

#[tokio::test]
async fn tls_that_comes_to_nothing_is_said_and_why() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let shown_by = async |identity: &Identity| {
        let server = TlsServer::start(&ours, identity).await;
        let trusting = |authority: &Authority| {
            let builder = Cache::builder().redis_url(server.url());
            builder
                .redis_ssl_ca_cert(authority.pem())
                .connection_timeout(Duration::from_secs(2))
        };
        let reasons = [
            unusable(trusting(&theirs)).await,
            unusable_or_fine(trusting(&ours)).await,
        ];
        let plain = server.url().replacen("rediss", "redis", 1);
        (reasons, unusable(Cache::builder().redis_url(plain)).await)
    };
    let is_tls =
        |reason: &Unusable, said: &str| matches!(reason, Unusable::Tls(why) if why.contains(said));

    let ([stranger, friend], plain) = shown_by(&ours.sign("127.0.0.1", Validity::Valid)).await;
    assert!(is_tls(&stranger, "UnknownIssuer"), "{stranger}");
    assert_eq!(friend, Unusable::Other("fine".to_owned()));
    assert_eq!(plain, Unusable::Closed, "the server wants TLS");
    let ([_, expired], _) = shown_by(&ours.sign("127.0.0.1", Validity::Expired)).await;
    assert!(is_tls(&expired, "xpired"), "{expired}");
    let ([_, other], _) = shown_by(&ours.sign("other.example", Validity::Valid)).await;
    assert!(is_tls(&other, "name"), "{other}");

    // It waits for the end of what it takes for a command.
    let plain = RedisServer::start().await;
    let tls = at(&plain)
        .redis_ssl(true)
        .connection_timeout(Duration::from_millis(300));
    assert_eq!(unusable(tls).await, Unusable::Silent);
}

async fn unusable_or_fine(builder: Builder) -> Unusable {
    let cache = builder.build().expect("a valid configuration");
    match cache.validate().await {
        Err(Error::Unusable { reason, .. }) => reason,
        Ok(_) => Unusable::Other("fine".to_owned()),
        other => panic!("{other:?}"),
    }
}

/// A cluster of one node that serves all slots.
async fn cluster() -> RedisServer {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let () = server
        .command(("CLUSTER", "ADDSLOTSRANGE", 0, 16_383))
        .await;
    while server
        .command::<String>(("CLUSTER", "INFO"))
        .await
        .contains("cluster_state:fail")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server
}

#[tokio::test]
async fn a_cluster_will_do_and_says_how_it_is() {
    let server = cluster().await;
    let url = format!("redis-cluster://127.0.0.1:{}", server.port());
    let cache = Cache::builder().redis_url(url).build().unwrap();
    let validated = cache.validate().await.expect("a cluster that will do");
    assert_eq!(validated.versions.len(), 1);
    let health = cache.check_health().await;
    assert_eq!(health.status, HealthStatus::Healthy);
    assert!(health.server.is_some_and(|server| server.memory_used > 0));

    let single = RedisServer::start().await;
    let url = format!("redis-cluster://127.0.0.1:{}", single.port());
    let reason = unusable(Cache::builder().redis_url(url)).await;
    assert_eq!(reason, Unusable::NoCluster);
}

#[tokio::test]
async fn a_user_who_may_not_run_scripts_is_said() {
    let server = RedisServer::start().await;
    let allow = async |rules: &[&str]| {
        let password = format!(">{SECRET}");
        let user = [
            "ACL", "SETUSER", "app", "reset", "on", &password, "~*", "+@all",
        ];
        let () = server.command([&user, rules].concat()).await;
        at(&server).redis_username("app").redis_password(SECRET)
    };
    assert_eq!(unusable(allow(&["-eval"]).await).await, Unusable::NoScripts);
    let reason = unusable(allow(&["-ping"]).await).await;
    assert_eq!(reason, Unusable::NotAllowed("PING".to_owned()));
    let blind = allow(&["-info"]).await.build().unwrap();
    let validated = blind.validate().await.expect("a server that will do");
    assert_eq!(validated.warnings, [ValidationWarning::NoInfo]);
}

#[tokio::test]
async fn memory_that_would_end_badly_is_warned_about() {
    let server = RedisServer::start().await;
    let cache = at(&server).build().unwrap();
    let warnings = async || {
        cache
            .validate()
            .await
            .expect("a server that will do")
            .warnings
    };
    assert_eq!(warnings().await, [ValidationWarning::NoMemoryLimit]);
    let () = server
        .command(("CONFIG", "SET", "maxmemory", "100mb"))
        .await;
    assert_eq!(warnings().await, [ValidationWarning::NeverEvicts]);
    let () = server
        .command(("CONFIG", "SET", "maxmemory-policy", "volatile-ttl"))
        .await;
    assert_eq!(warnings().await, []);
}

/// Runs a test of this binary as a program of its own, in this environment only; all it has said.
fn as_a_program(test: &str, variables: &[(&str, &str)]) -> String {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["--exact", test, "--nocapture", "--include-ignored"]);
    let output = program.env_clear().envs(variables.iter().copied()).output();
    let output = output.expect("this program runs");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success(), "{said:?}");
    said.concat()
}

/// Says where its settings come from; a test of its own that an environment does no harm.
#[test]
fn says_what_its_environment_sets() {
    match Config::from_env() {
        Ok(config) => println!("{}", config.explain()),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn the_environment_counts_in_its_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.toml");
    std::fs::write(&path, "[redis]\nhost = \"of-the-file\"\nport = 7\n").expect("a file");
    let path = path.to_str().expect("a path of letters");
    let variables = [
        ("REDIS_URL", "redis://of-the-url/3"),
        ("CACHE_CONFIG_FILE", path),
        ("REDIS_HOST", "of-a-variable"),
        ("REDIS_USERNAME", ""),
        ("CACHE_SHORT_EXPIRE", "30"),
    ];
    let store = |variables: &[(&str, &str)]| {
        let said = as_a_program("configuration::says_what_its_environment_sets", variables);
        let line = said.lines().find_map(|line| line.strip_prefix("store = "));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    assert_eq!(store(&variables), "redis://of-the-url:6379/3");
    assert_eq!(store(&variables[1..]), "redis://of-the-file:7");
    assert_eq!(store(&variables[2..]), "redis://of-a-variable:6379");
    assert_eq!(store(&variables[4..]), "embedded: nothing names a server");
    let wrong = [("REDIS_PORT", SECRET), ("CACHE_MODE", SECRET)];
    let said = as_a_program("configuration::says_what_its_environment_sets", &wrong);
    assert!(said.contains("`REDIS_PORT` must be") && said.contains("`CACHE_MODE` must be"));
    assert!(!said.contains(SECRET), "{said}");
}

/// Prints every event of the process with all its fields.
struct Log;

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        println!("{span:?}");
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        println!("{values:?}");
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        println!("{event:?}");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[cache_result(key = "spoken:<id>", ttl = 60)]
async fn value(id: u64) -> u64 {
    id
}

/// Says all it can about its cache, to the log and to its output; what it is to say is for others.
#[tokio::test]
async fn says_all_it_can() {
    // A second one in this process is not needed, nor possible.
    let _ = tracing::subscriber::set_global_default(Log);
    let Ok(builder) = Cache::builder()
        .from_env()
        .connection_timeout(Duration::from_secs(2))
        .config()
    else {
        return;
    };
    println!(
        "{builder:?}\n{}\n{:?}",
        builder.explain(),
        builder.redacted_url()
    );
    let Ok(cache) = cache_runtime::init(builder) else {
        return;
    };
    let mut events = cache.health_events();
    println!("{cache:?} {:?}", cache.validate().await);
    if let Err(error) = cache.validate().await {
        println!("{error} {error:?}");
    }
    assert_eq!(value(7).await, 7);
    println!("{:?} {:?}", cache.check_health().await, cache.connections());
    println!("{:?}", serde_json::to_string(&cache.health()));
    let soon = tokio::time::timeout(Duration::from_millis(50), events.next());
    println!("{:?} {:?}", soon.await, cache.stats());
    let get = value_key(7).get().await.err();
    let put = value_key(7).put(&7, Duration::from_secs(1)).await.err();
    for error in [get, put].into_iter().flatten() {
        println!("{error:?} {error}");
    }
    println!("{:?}", value_key(7).invalidate().await);
}

#[tokio::test]
async fn a_password_is_in_nothing_that_a_program_says() {
    let server = with_a_password().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path of letters").to_owned()
    };
    let (port, right) = (server.port().to_string(), SECRET);
    let url = format!("redis://:{right}@127.0.0.1:{port}");
    let toml = file("a.toml", format!("[redis]\nurl = \"{url}\"\n"));
    let password = file("password", right.to_owned());
    let wrong = format!("redis://app:{SECRET}-wrong@127.0.0.1:{port}/1");
    let away = format!("redis-sentinel://:{SECRET}@127.0.0.1:1/main");
    let single = ("REDIS_PORT", port.as_str());
    let environments: [&[(&str, &str)]; 6] = [
        &[("REDIS_URL", &url)],
        &[("CACHE_CONFIG_FILE", &toml)],
        &[single, ("REDIS_PASSWORD", right)],
        &[single, ("REDIS_PASSWORD_FILE", &password)],
        &[("REDIS_URL", &wrong)],
        &[("REDIS_URL", &away), ("REDIS_SENTINEL_PASSWORD", SECRET)],
    ];
    for (at, variables) in environments.into_iter().enumerate() {
        let said = as_a_program("configuration::says_all_it_can", variables);
        assert!(!said.contains(SECRET), "{at}: {said}");
        assert!(said.contains("redis.password = "), "{at}: {said}");
        let is_usable = said.contains("Ok(Validated");
        assert_eq!(is_usable, at < 4, "{at}: {said}");
    }
}
