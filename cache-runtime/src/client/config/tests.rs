//! The order of the sources, and each rule.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Backend, Builder, Config};
use crate::cache::Mode;
use crate::client::Settings;
#[cfg(feature = "tls")]
use crate::client::Topology;

fn from(variables: &[(&str, &str)]) -> Builder {
    with(Builder::default(), variables)
}

fn with(builder: Builder, variables: &[(&str, &str)]) -> Builder {
    builder.with_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

fn settings(builder: Builder) -> Settings {
    match builder.config().unwrap().backend {
        Backend::Redis(settings) => *settings,
        _ => panic!("nothing names a server"),
    }
}

fn url(builder: Builder) -> String {
    settings(builder).redacted_url()
}

fn errors(builder: Builder) -> Vec<String> {
    let error = builder.config().err().unwrap().to_string();
    error
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect()
}

/// A file of a test's own, gone with it.
struct File(PathBuf);

impl File {
    fn new(extension: &str, text: &str) -> Self {
        let name = format!("cache-config-{:016x}.{extension}", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Of each other, and of nobody else.
#[cfg(feature = "tls")]
const CERTIFICATE: &str = include_str!("tests/certificate.pem");
#[cfg(feature = "tls")]
const KEY: &str = include_str!("tests/key.pem");

#[test]
fn each_source_is_stronger_than_those_after_it() {
    let file = File::new("toml", "[redis]\nhost = \"of-the-file\"\n");
    let all = [
        ("REDIS_URL", "redis://of-the-url"),
        ("CACHE_CONFIG_FILE", file.path()),
        ("REDIS_HOST", "of-a-variable"),
        ("REDIS_PORT", "7"),
    ];
    let code = with(Builder::default().redis_host("of-code"), &all);
    assert_eq!(url(code), "redis://of-code:6379");
    assert_eq!(url(from(&all)), "redis://of-the-url:6379");
    assert_eq!(url(from(&all[1..])), "redis://of-the-file:7");
    assert_eq!(url(from(&all[2..])), "redis://of-a-variable:7");
    assert_eq!(url(from(&all[3..])), "redis://localhost:7");
    let none = from(&[]).config().unwrap();
    assert_eq!(none.redacted_url(), None, "the embedded store");
}

#[test]
fn code_wins_whether_it_speaks_before_or_after_the_environment() {
    let variables = [("CACHE_MODE", "read"), ("CACHE_SHORT_EXPIRE", "30")];
    let before = with(Builder::default().mode(Mode::Off), &variables);
    let after = from(&variables).mode(Mode::Off);
    for builder in [before, after] {
        let config = builder.config().unwrap();
        assert_eq!(config.mode, Mode::Off);
        assert_eq!(config.lifetimes.short, Duration::from_secs(30));
    }
}

#[test]
fn of_several_addresses_the_strongest_counts_and_weaker_sources_fill_in() {
    let file = File::new("json", r#"{"redis": {"url": "redis://u:weak@file:1/1"}}"#);
    let builder = from(&[
        ("CACHE_CONFIG_FILE", file.path()),
        ("REDIS_URL", "redis://strong"),
        ("REDIS_PASSWORD", "of-a-variable"),
        ("REDIS_DB", "2"),
        ("REDIS_SSL", "true"),
    ]);
    let settings = settings(builder);
    assert_eq!(settings.redacted_url(), "redis://:***@strong:6379/2");
    assert_eq!(settings.login.password.as_deref(), Some("of-a-variable"));
}

#[test]
fn an_empty_variable_is_unset() {
    let config = from(&[("REDIS_URL", ""), ("REDIS_PORT", ""), ("CACHE_MODE", "")]);
    let config = config.config().unwrap();
    assert!(matches!(config.backend, Backend::Memory));
}

#[test]
fn code_names_the_server_where_an_address_names_several() {
    let cluster = [("REDIS_URL", "redis-cluster://a,b")];
    let builder = with(Builder::default().redis_host("one"), &cluster);
    assert_eq!(url(builder), "redis://one:6379");
    let builder = with(Builder::default().redis_port(7), &cluster);
    assert_eq!(
        errors(builder),
        ["`redis_port` is of one server, and the address names several or a socket"]
    );
    let weaker = [cluster[0], ("REDIS_HOST", "weak"), ("REDIS_PORT", "7")];
    let config = from(&weaker).config().unwrap();
    assert_eq!(
        config.redacted_url().unwrap(),
        "redis-cluster://a:6379,b:6379"
    );
    assert!(
        config
            .explain()
            .contains("redis.host = unused (`REDIS_URL`)\n")
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let file = File::new(
        "toml",
        "[redis]\ndb = \"many\"\n[cache]\nnamspace = \"x\"\n",
    );
    let builder = from(&[
        ("CACHE_CONFIG_FILE", file.path()),
        ("REDIS_PORT", "70000"),
        ("REDIS_SSL", "perhaps"),
        ("CACHE_MODE", "maybe"),
        ("CACHE_LONG_EXPIRE", "soon"),
        ("CACHE_DEFAULT_EXPIRE", "0"),
    ]);
    let errors = errors(builder.max_connections(0));
    let name = file.0.file_name().unwrap().to_str().unwrap();
    for said in [
        &format!("`cache.namspace` in {name} is no setting: did you mean `cache.namespace`?"),
        &format!("`redis.db` in {name} must be the number of a database"),
        "`REDIS_PORT` must be a port from 1 to 65535; it is a number of 5 digits",
        "`REDIS_SSL` must be `true` or `false`; it is text of 7 characters",
        "`CACHE_MODE` must be one of `on`, `read`, `off`",
        "`CACHE_LONG_EXPIRE` must be a time of more than zero",
        "`CACHE_DEFAULT_EXPIRE` must be a time of more than zero",
        "`max_connections` must be a whole number from 1 to 1000000",
    ] {
        assert!(
            errors.iter().any(|error| error.starts_with(said)),
            "{said}: {errors:#?}"
        );
    }
    assert_eq!(errors.len(), 8, "{errors:#?}");
}

#[test]
fn databases_end_where_the_server_says() {
    assert_eq!(
        errors(from(&[("REDIS_DB", "16")])),
        ["`REDIS_DB` must be a database from 0 to 15; `redis.databases` says how many there are"]
    );
    let builder = from(&[("REDIS_DB", "16")]).redis_databases(17);
    assert_eq!(settings(builder).database, 16);
    assert!(errors(from(&[("REDIS_URL", "redis://h/16")]))[0].starts_with("`REDIS_URL` must be"));
    let cluster = from(&[("REDIS_URL", "redis-cluster://a,b"), ("REDIS_DB", "1")]);
    assert_eq!(
        errors(cluster),
        ["`REDIS_DB` must be 0: a cluster has no other database"]
    );
}

#[test]
fn there_are_no_fewer_connections_at_most_than_at_least() {
    let builder = Builder::default().min_connections(5).max_connections(4);
    assert_eq!(
        errors(builder),
        ["`min_connections` must not be more than `max_connections`"]
    );
    let both = settings(
        Builder::default()
            .redis_host("h")
            .min_connections(4)
            .max_connections(4),
    );
    assert_eq!((both.min_connections, both.max_connections), (4, 4));
}

#[test]
fn replicas_are_those_of_a_cluster() {
    let on = |url: &str| Builder::default().redis_url(url).replica_reads(true);
    for url in ["redis://h", "unix:///r.sock", "redis-sentinel://h:1/p"] {
        let said = errors(on(url));
        assert!(
            said[0].starts_with("`replica_reads` is for a cluster"),
            "{said:?}"
        );
    }
    assert!(settings(on("redis-cluster://h:1")).replica_reads);
}

#[test]
fn a_password_comes_from_one_place() {
    let file = File::new("secret", "of the file\r\n");
    let of_file = from(&[("REDIS_PASSWORD_FILE", file.path())]);
    let password = |builder| settings(builder).login.password;
    assert_eq!(password(of_file).as_deref(), Some("of the file"));

    let both = [
        ("REDIS_PASSWORD_FILE", file.path()),
        ("REDIS_PASSWORD", "of a variable"),
    ];
    let said = "`REDIS_PASSWORD` and `REDIS_PASSWORD_FILE` both give a password: keep one";
    assert_eq!(errors(from(&both)), [said]);
    let code = from(&both[..1]).redis_password("of code");
    assert_eq!(password(code).as_deref(), Some("of code"));
    let code = from(&both[1..]).redis_password_file(file.path());
    assert_eq!(password(code).as_deref(), Some("of the file"));
    let url = [both[0], ("REDIS_URL", "redis://:of-the-url@h")];
    assert_eq!(password(from(&url)).as_deref(), Some("of-the-url"));

    let empty = File::new("secret", "\n");
    let wrong = from(&[("REDIS_PASSWORD_FILE", empty.path())]);
    assert_eq!(
        errors(wrong),
        ["`REDIS_PASSWORD_FILE` names a file that is empty"]
    );
    let gone = errors(from(&[("REDIS_PASSWORD_FILE", "hunter2")]));
    assert_eq!(
        gone,
        ["`REDIS_PASSWORD_FILE` must be the path of a file; reading it failed: entity not found"]
    );
}

#[test]
fn a_user_needs_a_password() {
    assert!(errors(from(&[("REDIS_USERNAME", "app")]))[0].starts_with("`REDIS_USERNAME` needs"));
    let login = settings(from(&[("REDIS_USERNAME", "app"), ("REDIS_PASSWORD", "p")])).login;
    assert_eq!(
        (login.username.as_deref(), login.password.as_deref()),
        (Some("app"), Some("p"))
    );
}

#[test]
fn one_source_says_a_thing_once() {
    let said = errors(Builder::default().redis_url("redis://h").redis_host("g"));
    assert_eq!(
        said,
        ["`redis_host` and `redis_url` say the same thing: keep one"]
    );
    let said = errors(
        Builder::default()
            .redis_url("redis-cluster://h,i")
            .redis_port(7),
    );
    assert_eq!(said.len(), 1, "{said:?}");
    let fits = Builder::default()
        .redis_url("redis://h")
        .redis_password("p")
        .redis_db(3);
    assert_eq!(url(fits), "redis://:***@h:6379/3");
}

#[cfg(feature = "tls")]
#[test]
fn certificates_are_paths_or_texts() {
    let file = File::new("pem", CERTIFICATE);
    let in_one_line = KEY.replace('\n', "\\n");
    let builder = from(&[
        ("REDIS_URL", "rediss://h"),
        ("REDIS_SSL_CERT", CERTIFICATE),
        ("REDIS_SSL_KEY", &in_one_line),
        ("REDIS_SSL_CA_CERT", file.path()),
    ]);
    let tls = settings(builder).tls.unwrap();
    assert_eq!(tls.ca.as_deref(), Some(CERTIFICATE.as_bytes()));
    assert_eq!(tls.certificate.as_deref(), Some(CERTIFICATE.as_bytes()));
    assert_eq!(tls.key.as_deref(), Some(KEY.as_bytes()));
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_needs_the_feature() {
    let said = errors(from(&[("REDIS_URL", "rediss://:hunter2@h")]));
    assert!(said[0].contains("the feature `tls`"), "{said:?}");
    assert!(!said[0].contains("hunter2"), "{said:?}");
}

#[cfg(feature = "tls")]
#[test]
fn certificates_come_in_pairs_and_with_tls() {
    let tls = ("REDIS_SSL", "true");
    let said = errors(from(&[tls, ("REDIS_SSL_CERT", CERTIFICATE)]));
    assert_eq!(said, ["`REDIS_SSL_CERT` needs its key: `redis.ssl_key`"]);
    let said = errors(from(&[tls, ("REDIS_SSL_KEY", KEY)]));
    assert_eq!(
        said,
        ["`REDIS_SSL_KEY` needs its certificate: `redis.ssl_cert`"]
    );
    let said = errors(from(&[
        ("REDIS_HOST", "h"),
        ("REDIS_SSL_CA_CERT", CERTIFICATE),
    ]));
    assert_eq!(
        said,
        ["`REDIS_SSL_CA_CERT` needs TLS: `rediss://..` or `redis.ssl`"]
    );
    let off = [
        ("REDIS_URL", "redis://h"),
        ("REDIS_SSL_CA_CERT", CERTIFICATE),
    ];
    assert!(settings(from(&off)).tls.is_none(), "said to be off");
    let said = errors(from(&[tls, ("REDIS_SSL_CA_CERT", KEY)]));
    assert_eq!(
        said,
        ["`REDIS_SSL_CA_CERT` must be PEM with a `CERTIFICATE` in it"]
    );
    let said = errors(from(&[("REDIS_URL", "unix:///r.sock")]).redis_ssl(true));
    assert_eq!(said, ["`redis_ssl` must be `false` for a socket"]);
}

#[test]
fn a_port_as_kubernetes_sets_it_is_told_from_a_typing_error() {
    let said = errors(from(&[
        ("REDIS_HOST", "redis"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
    ]));
    assert!(said[0].contains("enableServiceLinks"), "{said:?}");
    let meant = [
        ("REDIS_URL", "redis://redis"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
    ];
    assert_eq!(url(from(&meant)), "redis://redis:6379");
}

#[cfg(feature = "tls")]
#[test]
fn sentinels_have_a_login_of_their_own() {
    let settings = settings(from(&[
        ("REDIS_URL", "redis-sentinel://u:p@s1,s2/main/3?tls=true"),
        ("REDIS_SENTINEL_PASSWORD", "theirs"),
    ]));
    assert_eq!(
        settings.redacted_url(),
        "redis-sentinel://u:***@s1:26379,s2:26379/main/3?tls=true"
    );
    let Topology::Sentinel { login, primary, .. } = settings.topology else {
        panic!("no sentinels");
    };
    assert_eq!(
        (login.password.as_deref(), primary.as_str()),
        (Some("theirs"), "main")
    );
    assert_eq!(settings.login.password.as_deref(), Some("p"));
}

#[test]
fn the_longest_time_of_all_is_a_century() {
    let config = Builder::default().wait(Duration::MAX).config().unwrap();
    assert_eq!(config.wait, Duration::from_secs(36_500 * 86_400));
    let said = errors(from(&[("CACHE_LONG_EXPIRE", "36501d")]));
    assert!(
        said[0].starts_with("`CACHE_LONG_EXPIRE` must be a time"),
        "{said:?}"
    );
}

#[test]
fn a_text_that_is_not_unicode_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = |name: &str| (name == "CACHE_NAMESPACE").then(|| OsString::from_vec(vec![0xFF]));
    let builder = Builder::default().with_variables(bytes);
    assert_eq!(errors(builder), ["`CACHE_NAMESPACE` must be UTF-8 text"]);
}

#[test]
fn a_file_has_to_be_there_and_of_a_known_format() {
    for (path, said) in [
        (
            "/nowhere/a.toml",
            "names a file that can't be read: entity not found",
        ),
        (
            "/nowhere/a.yaml",
            "must be the path of a file that ends in `.json` or `.toml`",
        ),
    ] {
        assert_eq!(
            errors(from(&[("CACHE_CONFIG_FILE", path)])),
            [format!("`CACHE_CONFIG_FILE` {said}")]
        );
    }
    let file = File::new("json", r#"{"cache": {"mode": "off"}}"#);
    let config = Builder::default().config_file(&file.0).config().unwrap();
    assert_eq!(config.mode, Mode::Off);
}

#[cfg(feature = "tls")]
#[test]
fn a_secret_is_in_nothing_that_anybody_sees() {
    const SECRET: &str = "hunter2";
    let url = format!("rediss://u:{SECRET}@h");
    let password = File::new("secret", SECRET);
    let in_file = File::new(
        "toml",
        &format!("[redis]\nhost = \"h\"\npassword = \"{SECRET}\"\n"),
    );
    let configs = [
        from(&[
            ("REDIS_URL", &url),
            ("REDIS_SSL_CERT", CERTIFICATE),
            ("REDIS_SSL_KEY", KEY),
        ]),
        from(&[("REDIS_PASSWORD", SECRET)]),
        from(&[("REDIS_PASSWORD_FILE", password.path())]),
        from(&[("CACHE_CONFIG_FILE", in_file.path())]),
        Builder::default().redis_url(&*url),
        Builder::default().redis_password(SECRET),
        from(&[("REDIS_URL", &format!("redis-sentinel://:{SECRET}@s/main"))])
            .redis_sentinel_password(SECRET),
    ];
    for config in configs.map(|builder| builder.config().unwrap()) {
        let cache = format!(
            "{config:?}\n{}\n{:?}",
            config.explain(),
            config.redacted_url()
        );
        let cache = format!("{cache}\n{:?}", crate::Cache::from_config(config));
        let of_the_key = KEY.lines().nth(1).unwrap();
        assert!(
            !cache.contains(SECRET) && !cache.contains(of_the_key),
            "{cache}"
        );
    }
    let broken = File::new("toml", &format!("[redis]\npassword = {SECRET}\n"));
    let wrong = [
        from(&[
            ("REDIS_PORT", SECRET),
            ("CACHE_MODE", SECRET),
            ("REDIS_HOST", &url),
        ]),
        from(&[("REDIS_URL", &format!("http://u:{SECRET}@h"))]),
        from(&[("REDIS_URL", &format!("redis://u:{SECRET}@h:0"))]),
        from(&[("CACHE_CONFIG_FILE", broken.path())]),
        from(&[("CACHE_CONFIG_FILE", SECRET)]),
        from(&[
            ("REDIS_PASSWORD_FILE", SECRET),
            ("REDIS_SSL_CA_CERT", SECRET),
        ]),
        from(&[("REDIS_URL", "redis://h/99"), ("REDIS_PASSWORD", SECRET)]),
    ];
    for error in wrong.map(|builder| builder.config().err().unwrap()) {
        let said = format!("{error}\n{error:?}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn every_setting_is_explained_once_and_in_order() {
    let explained = Config::default().explain();
    let keys: Vec<_> = explained
        .lines()
        .skip(1)
        .map(|line| line.split(" = ").next())
        .collect();
    let table: Vec<_> = super::table::rows().map(|row| Some(row.key)).collect();
    assert_eq!(keys, table);
    let given = from(&[("REDIS_URL", "redis://h"), ("CACHE_LONG_EXPIRE", "2h")]);
    let explained = given.config().unwrap().explain();
    for line in [
        "store = redis://h:6379",
        "redis.url = set (`REDIS_URL`)",
        "redis.host = h (`REDIS_URL`)",
        "redis.password = none (default)",
        "cache.long_expire = 7200s (`CACHE_LONG_EXPIRE`)",
    ] {
        assert!(
            explained.lines().any(|found| found == line),
            "{line}: {explained}"
        );
    }
}
