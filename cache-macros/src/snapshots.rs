//! What every attribute prints, in typical and in tricky forms.

use proc_macro2::TokenStream;

use crate::check::Attribute;
use crate::errors::Errors;
use crate::stages;

fn tokens(source: &str) -> TokenStream {
    source.parse().expect("the test's tokens parse")
}

/// Formatted as rustfmt would.
fn formatted(expansion: &TokenStream) -> String {
    let file: syn::File = syn::parse2(expansion.clone()).expect("an expansion parses");
    prettyplease::unparse(&file)
}

fn read(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    formatted(&stages::load(
        Attribute::Read,
        arguments,
        item,
        &mut Errors::default(),
    ))
}

/// As `read`, for a function in an `impl`.
fn read_method(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    let expansion = stages::load(Attribute::Read, arguments, item, &mut Errors::default());
    formatted(&quote::quote!(impl Owner { #expansion }))
}

fn many(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    let expansion = stages::load(Attribute::Many, arguments, item, &mut Errors::default());
    formatted(&quote::quote!(impl Owner { #expansion }))
}

fn update(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    formatted(&stages::load(
        Attribute::Update,
        arguments,
        item,
        &mut Errors::default(),
    ))
}

fn write(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    formatted(&stages::write(arguments, item, &mut Errors::default()))
}

fn keys(item: &str) -> String {
    formatted(&stages::keys(
        TokenStream::new(),
        tokens(item),
        &mut Errors::default(),
    ))
}

fn key_part(item: &str) -> String {
    formatted(&stages::key_part(tokens(item), &mut Errors::default()))
}

#[test]
fn read_typical() {
    insta::assert_snapshot!(read(
        "key = \"user:assignments:<user_id>\", ttl = 1800",
        "/// All of them.
         #[tracing::instrument]
         pub async fn assignments_of(user_id: UserId) -> Result<Vec<Assignment>, DbError> {
             db::assignments(user_id).await
         }",
    ));
}

#[test]
fn read_every_option() {
    insta::assert_snapshot!(read(
        "key = \"u:<id>:<user.name|hash>\", ttl = \"1500ms\", jitter = 0.1, none = skip,
         errors = \"5s\", store_if = |v: &User| v.is_final, version = 3, codec = postcard,
         compress = \"16kb\", max_entry = \"1mb\", max_loads = 8, cache = state.cache(),
         key_ignores(db, state), companion = key_of_user",
        "async fn user(id: u32, user: User, db: Db, state: &State) -> Option<User> { None }",
    ));
}

#[test]
fn read_key_expression() {
    insta::assert_snapshot!(read(
        "key = CacheKeys::USER.key(id, name, &*count), ttl = |v: &User| v.age()",
        "async fn user(id: u32, name: &str, count: &mut u8) -> User { db.user(id).await }",
    ));
}

#[test]
fn read_ttl_of_an_expression() {
    insta::assert_snapshot!(read(
        "key = \"u:<kind>\", ttl = kind.lifetime(), none = short, jitter = \"30s\"",
        "async fn user(kind: Kind) -> User { db.user().await }",
    ));
}

#[test]
fn read_method_with_self_and_generics() {
    insta::assert_snapshot!(read_method(
        "key = \"r:<self.tenant>:<T>:<N>:<id>\", cache = &self.cache",
        "#[cfg(unix)]
         pub(crate) async fn find<'a, T: Entity, const N: usize>(&'a mut self, id: &T::Id) -> Option<T>
         where T::Id: KeyPart { self.db.find(id).await }",
    ));
}

#[test]
fn read_context_of_the_caller() {
    insta::assert_snapshot!(read(
        "key = \"<@tenant>:user:<id>\"",
        "async fn user(id: u32) -> User { db.user(id).await }",
    ));
}

#[test]
fn read_with_tags() {
    insta::assert_snapshot!(read(
        "key = \"<@tenant>:user:<id>:<page>\", tags = [\"<@tenant>:class:<id.class>\", \"pages\"]",
        "async fn user(id: UserId, page: u32) -> User { db.user(id).await }",
    ));
}

#[test]
fn read_with_every_window() {
    insta::assert_snapshot!(read(
        "key = \"user:<id>\", stale = \"10m\", fail_safe = \"1h\", refresh_ahead = 1, soft_timeout = \"200ms\",
         hard_timeout = 2, verify = 0.01, companion = none",
        "async fn user(id: UserId) -> Result<User, DbError> { db.user(id).await }",
    ));
}

#[test]
fn read_refreshed_by_its_caller() {
    insta::assert_snapshot!(read(
        "key = \"user:<id>\", fail_safe = \"1h\", refresh = caller, stale = 30, companion = none",
        "async fn user(id: &UserId) -> Result<User, DbError> { db.user(id).await }",
    ));
}

#[test]
fn read_destructured_parameters() {
    insta::assert_snapshot!(read(
        "key = \"u:<id>:<a>:<ids>:<by.0>\"",
        "async fn user(Path(mut id): Path<u32>, Pair { a, .. }: &Pair, ids: Option<&[u8]>, _: u8, by: impl By) -> User {}",
    ));
}

#[test]
fn read_plain_function() {
    insta::assert_snapshot!(read(
        "key = \"square:<r#type>\", ttl = long, companion = none",
        "fn r#match(r#type: u32) -> u64 { #![allow(unused)] u64::from(r#type).pow(2) }",
    ));
}

#[test]
fn read_async_trait() {
    insta::assert_snapshot!(read_method(
        "key = \"u:<id>\", companion = none",
        "fn user<'life0, 'async_trait>(&'life0 self, id: u32)
             -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<User, E>> + ::core::marker::Send + 'async_trait>>
         where 'life0: 'async_trait, Self: 'async_trait
         { Box::pin(async move { let __self = self; __self.load(id).await }) }",
    ));
}

#[test]
fn read_with_another_path_to_the_runtime() {
    insta::assert_snapshot!(read(
        "key = \"u:<id>\", crate = my::rt",
        "async fn user(id: u32) -> User { db.user(id).await }",
    ));
}

#[test]
fn read_refused_keeps_the_function_and_its_companion() {
    insta::assert_snapshot!(read(
        "key = \"u:<id>\", tll = 5",
        "async fn user(id: u32) -> User { db.user(id).await }",
    ));
}

#[test]
fn read_with_an_incomplete_body() {
    insta::assert_snapshot!(
        stages::load(
            Attribute::Read,
            tokens("key = \"u:<id>\", companion = none"),
            tokens("async fn user(id: u32) -> User { db. }"),
            &mut Errors::default(),
        )
        .to_string()
    );
}

#[test]
fn update_typical() {
    insta::assert_snapshot!(update(
        "key = \"user:<id>\", ttl = 60, fail_safe = 60, tags = [\"user:<id>\"]",
        "async fn save(id: u32, user: NewUser) -> Result<User, E> { db.save(id, user).await }",
    ));
}

#[test]
fn many_typical() {
    insta::assert_snapshot!(many(
        "key = \"user:<id>\", by = id in ids, ttl = \"30m\", key_ignores(db)",
        "pub async fn users(ids: &[UserId], db: &Db) -> Result<HashMap<UserId, User>, DbError> {
             db.users(ids).await
         }",
    ));
}

#[test]
fn many_every_option() {
    insta::assert_snapshot!(many(
        "key = \"<@tenant>:<self.site>:<kind>:<id.number>:<id|hash>\", by = id in ids, ttl = |user: &User| user.age(),
         jitter = 0.1, store_if = |user: &User| user.is_final, version = 2, codec = postcard, compress = 1024,
         max_entry = 2048, max_loads = 4, tags = [\"class:<id.class>\", \"<kind>\"], cache = &self.cache,
         companion = key_of_user",
        "async fn users<'a>(&self, mut ids: HashSet<UserId>, kind: String) -> BTreeMap<UserId, User> {
             ids.remove(&UserId(0));
             self.db.users(&ids, &kind).await
         }",
    ));
}

#[test]
fn many_of_ids_in_a_type_of_their_own() {
    insta::assert_snapshot!(many(
        "key = \"user:<id>\", by = id in ids",
        "async fn users<'a>(ids: &'a Ids) -> Users { db::users(ids).await }",
    ));
}

#[test]
fn many_async_trait() {
    insta::assert_snapshot!(many(
        "key = \"user:<id>\", by = id in ids, companion = none",
        "fn users<'life0, 'life1, 'async_trait>(&'life0 self, ids: &'life1 [u32])
             -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Users> + ::core::marker::Send + 'async_trait>>
         where 'life0: 'async_trait, 'life1: 'async_trait, Self: 'async_trait
         { Box::pin(async move { let __self = self; let ids = ids; __self.load(ids).await }) }",
    ));
}

#[test]
fn write_typical() {
    insta::assert_snapshot!(write(
        "key = \"user:assignments:<user_id>\"",
        "async fn create(user_id: UserId, new: New) -> Result<Assignment, E> { db.insert(new).await }",
    ));
}

#[test]
fn write_every_option() {
    insta::assert_snapshot!(write(
        "pattern = \"user:<id>:*\", tags = [\"class:<class.id>\", \"users\"], keys = [Keys::USER.key(id), name_key(id), \"class:<class.id>\", made()],
         cache = self.cache, on = ok, when = after, external = \"the gateway caches it\", key = Self::K.key(id)",
        "async fn rename(id: u32, class: &Class) -> Result<(), E> { db.rename(id).await }",
    ));
}

#[test]
fn write_around() {
    insta::assert_snapshot!(write(
        "key = \"user:<id>\", when = around, settle = \"2s\"",
        "async fn rename(id: u32) { db.rename(id).await }",
    ));
}

#[test]
fn write_confirmed() {
    insta::assert_snapshot!(write(
        "key = \"user:<id>\", confirm = replicas(1), on_failure = error",
        "async fn rename(id: u32) -> Result<(), E> { db.rename(id).await }",
    ));
}

#[test]
fn write_part_of_the_result() {
    insta::assert_snapshot!(write(
        "keys = [\"<@tenant>:user:<id>:<return.id>\", \"all:<return>\", \"user:<id>\"],
         tags = [\"class:<return.class>\"]",
        "async fn create(id: u32) -> Result<User, E> { db.create(id).await }",
    ));
}

#[test]
fn write_unnamed_return_and_plain_function() {
    insta::assert_snapshot!(
        write(
            "keys = ids.iter().map(user_key)",
            "async fn handler(ids: Vec<u32>) -> Result<impl IntoResponse, E> { Ok(\"done\") }",
        ) + &write(
            "key = \"user:<id>\"",
            "fn forget(id: u32) { db::forget(id) }"
        )
    );
}

fn retry(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    let expansion = stages::retry(arguments, item, &mut Errors::default());
    formatted(&quote::quote!(impl Owner { #expansion }))
}

fn with_redis(arguments: &str, item: &str) -> String {
    let (arguments, item) = (tokens(arguments), tokens(item));
    let expansion = stages::with_redis(arguments, item, &mut Errors::default());
    formatted(&quote::quote!(impl Owner { #expansion }))
}

#[test]
fn retry_typical() {
    insta::assert_snapshot!(retry(
        "max_retries = 5, backoff = \"500ms\"",
        "/// Takes a seat.
         pub async fn reserve(&self, seat: Seat, db: &Db) -> Result<Seat, OrderError> {
             db.reserve(&seat).await?; Ok(seat)
         }",
    ));
}

#[test]
fn retry_every_option_and_parameter() {
    insta::assert_snapshot!(retry(
        "max_retries = 1, backoff = 1, max_time = \"30s\", on = strategies::Busy::new(3), crate = my::rt",
        "fn r#try(&mut self, mut n: u32, out: &mut Vec<u8>, mut text: &str, Pair(a, mut b): Pair, _: u8,
             Wrapped { ref c, .. }: &Wrapped) -> Result<(), E> { n += 1; Ok(()) }",
    ));
}

#[test]
fn retry_async_trait() {
    insta::assert_snapshot!(retry(
        "on = any",
        "fn reserve<'life0, 'async_trait>(&'life0 self, seat: Seat)
             -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<(), E>> + ::core::marker::Send + 'async_trait>>
         where 'life0: 'async_trait, Self: 'async_trait
         { Box::pin(async move { let __self = self; let seat = seat; __self.take(seat).await }) }",
    ));
}

#[test]
fn with_redis_typical() {
    insta::assert_snapshot!(with_redis(
        "",
        "pub async fn online(redis: &mut MultiplexedConnection, id: u32) -> Result<bool, AppError> {
             Ok(redis.sismember(\"online\", id).await?)
         }",
    ));
}

#[test]
fn with_redis_every_option_and_a_plain_function() {
    insta::assert_snapshot!(
        with_redis(
            "cache = self.caches.of(id), crate = my::rt",
            "async fn online<'a>(&self, mut redis: my::Connection, id: u32) -> Result<bool, E> { redis.ping() }",
        ) + &with_redis(
            "",
            "fn online<'a>(redis: &'a BlockingConnection, id: u32) -> Result<bool, E> { redis.ping() }",
        )
    );
}

#[test]
fn keys_of_an_impl() {
    insta::assert_snapshot!(keys(
        "impl CacheKeys {
             pub const USER: KeyTemplate<(u32,), User> = KeyTemplate::new(\"user:<id>\");
             #[cfg(feature = \"x\")]
             const LIMIT: usize = 3;
             fn helper() {}
         }",
    ));
}

#[test]
fn key_part_of_every_shape() {
    insta::assert_snapshot!(
        key_part("struct UserId(u32);")
            + &key_part("#[key_part(crate = my::rt)] struct Slug { text: String }")
            + &key_part(
                "struct Range<T, U: Load, V> where V: Copy { from: T, to: Option<T>, id: U::Id, v: fn() -> u8 }"
            )
            + &key_part("enum Role { Student, Teacher(u32), r#Both { a: u8, b: bool } }")
    );
}

/// The promise to users: what they find in their function is short.
#[test]
fn a_one_line_function_expands_to_at_most_15_lines_with_its_body_once() {
    let expansion = read(
        "key = \"user:assignments:<user_id>\", ttl = 1800, companion = none",
        "async fn assignments_of(user_id: UserId) -> Result<Vec<Assignment>, DbError> {
             the_body(user_id).await
         }",
    );
    let start = expansion.find("    static __CACHE_SITE").expect("a site");
    let end = expansion.find("    let __cache_call").expect("a call");
    let counted = format!("{}{}", &expansion[..start], &expansion[end..]);
    assert!(counted.lines().count() <= 15, "{counted}");
    assert_eq!(counted.matches("the_body").count(), 1);
}
