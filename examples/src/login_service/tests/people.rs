//! What people do, and what others can't do to them.

use axum::http::header::{CACHE_CONTROL, ORIGIN, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use cache_runtime::Cache;

use super::{Tab, service};

#[tokio::test]
async fn whoever_has_signed_up_sees_the_profile_and_it_is_cached() {
    let cache = Cache::in_memory();
    let service = service(&cache).await;
    let mut ada = Tab::new(&service);
    assert_eq!(ada.get("/").await.leads_to(), Some("/login"));

    ada.sign_up("ada").await;
    let home = ada.get("/").await;
    assert!(home.page.contains("Welcome, ada"), "{}", home.page);
    assert_eq!(home.headers[CACHE_CONTROL], "no-store");
    ada.get("/").await;
    assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));

    ada.post("/profile", "full_name=Ada+Lovelace").await;
    let home = ada.get("/").await;
    assert!(home.page.contains("Welcome, Ada Lovelace") && home.page.contains("is saved"));
    assert!(!ada.get("/").await.page.contains("is saved"));
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_look_alike() {
    let service = service(&Cache::in_memory()).await;
    Tab::new(&service).sign_up("ada").await;

    let mut guest = Tab::new(&service);
    let password = guest
        .post("/login", "name=ada&password=battery+staple")
        .await;
    let name = guest
        .post("/login", "name=mallory&password=battery+staple")
        .await;

    assert_eq!(password.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(password.status, name.status);
    assert!(password.page.contains("belong together"));
    assert_eq!(password.page, name.page.replace("mallory", "ada"));
    assert!(guest.cookie.is_none());
}

#[tokio::test]
async fn a_name_is_taken_once_however_it_is_spelled() {
    let service = service(&Cache::in_memory()).await;
    Tab::new(&service).sign_up("ada").await;

    let mut other = Tab::new(&service);
    let answer = other
        .post("/signup", "name=ADA&password=battery+staple")
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.page.contains("taken") && other.cookie.is_none());
}

#[tokio::test]
async fn who_guesses_has_to_wait() {
    let service = service(&Cache::in_memory()).await;
    let mut guest = Tab::new(&service);

    for _ in 0..5 {
        let answer = guest.post("/login", "name=ada&password=wrong").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = guest.post("/login", "name=ada&password=wrong").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers.contains_key(RETRY_AFTER));
    // Another name is another matter.
    let answer = guest.post("/login", "name=bob&password=wrong").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_ends_when_its_owner_signs_out() {
    let service = service(&Cache::in_memory()).await;
    let mut ada = Tab::new(&service);
    ada.sign_up("ada").await;
    let kept = ada.cookie.clone();

    assert_eq!(ada.post("/logout", "").await.leads_to(), Some("/login"));
    assert_eq!(ada.cookie, None);

    ada.cookie = kept;
    assert_eq!(ada.get("/").await.leads_to(), Some("/login"));
}

#[tokio::test]
async fn a_cookie_from_before_the_login_is_worth_nothing_after_it() {
    let service = service(&Cache::in_memory()).await;
    let mut eve = Tab::new(&service);
    eve.sign_up("eve").await;
    let mut ada = Tab::new(&service);
    ada.cookie.clone_from(&eve.cookie); // planted

    ada.sign_up("ada").await;
    assert_ne!(ada.cookie, eve.cookie);
    assert_eq!(eve.get("/").await.leads_to(), Some("/login"));
}

#[tokio::test]
async fn devices_are_signed_out_one_by_one_and_all_at_once() {
    let service = service(&Cache::in_memory()).await;
    let [mut laptop, mut phone, mut tablet] = [(); 3].map(|()| Tab::new(&service));
    laptop.sign_up("ada").await;
    phone.sign_in("Ada").await;
    tablet.sign_in("ada").await;

    let home = laptop.get("/").await.page;
    assert_eq!(home.matches("<li>").count(), 3);
    let others: Vec<_> = home.split("/devices/").skip(1).collect();
    let (device, _) = others[0].split_once('"').unwrap();
    laptop.post(&format!("/devices/{device}"), "").await;
    assert!(
        laptop
            .get("/")
            .await
            .page
            .contains("That device is signed out.")
    );

    laptop.post("/devices/others/sign-out", "").await;
    assert!(
        laptop
            .get("/")
            .await
            .page
            .contains("One other device is signed out.")
    );
    for other in [&mut phone, &mut tablet] {
        assert_eq!(other.get("/").await.leads_to(), Some("/login"));
    }
}

#[tokio::test]
async fn nobody_signs_out_the_device_of_another() {
    let service = service(&Cache::in_memory()).await;
    let [mut ada, mut phone, mut eve] = [(); 3].map(|()| Tab::new(&service));
    ada.sign_up("ada").await;
    phone.sign_in("ada").await;
    eve.sign_up("eve").await;
    let home = ada.get("/").await.page;
    let (_, device) = home.split_once("/devices/").unwrap();
    let (device, _) = device.split_once('"').unwrap();

    eve.post(&format!("/devices/{device}"), "").await;
    assert_eq!(phone.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let service = service(&Cache::in_memory()).await;
    let mut ada = Tab::new(&service);
    ada.sign_up("ada").await;

    let evil = HeaderValue::from_static("https://evil.example");
    ada.says.insert(ORIGIN, evil);
    for path in ["/logout", "/profile", "/login", "/devices/others/sign-out"] {
        let answer = ada.post(path, "full_name=Mud").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!answer.headers.contains_key(SET_COOKIE));
    }
    ada.says.clear();
    assert!(ada.get("/").await.page.contains("Welcome, ada"));
}

#[tokio::test]
async fn what_is_typed_is_text() {
    let service = service(&Cache::in_memory()).await;
    let mut ada = Tab::new(&service);
    ada.sign_up("ada").await;
    let script = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";

    ada.post("/profile", &format!("full_name={script}")).await;
    let home = ada.get("/").await.page;
    assert!(
        !home.contains("<script") && home.contains("&lt;script"),
        "{home}"
    );

    let form = format!("name={script}&password=x");
    let answer = Tab::new(&service).post("/login", &form).await.page;
    assert!(!answer.contains("<script"), "{answer}");
}
