//! The layer: a visitor for each request, and what became of the cookie for each response.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::cookie::{Cookie, SameSite, is_name};
use super::settings::{Origins, Settings, hide, tell};
use crate::session::Sessions;

/// Sessions for the routes of an axum application, or of any that speaks `tower`.
///
/// The session lies behind a cookie that only this host sees, no script sees, and no other site
/// sends: `__Host-id`, `Secure`, `HttpOnly`, `SameSite=Lax`. It goes when the browser is closed,
/// unless it is to be [`persistent`](Self::persistent). Handlers ask for a
/// [`Visitor`](crate::Visitor) or a [`CurrentSession`](crate::CurrentSession); a request that asks for none costs
/// no round trip.
///
/// | what | what the layer does |
/// | --- | --- |
/// | a cookie that is no token | no session |
/// | a token that a rotation has replaced | gets through for the time of grace, and sets no cookie |
/// | a response that sets a cookie | `Cache-Control: no-store` where it says nothing, else `no-cache="set-cookie"` beside it |
/// | a response for which the session was asked | `Vary: Cookie` |
/// | a `POST`, `PUT`, `DELETE` .. that a page of another origin has caused | 403; see [`trust_origin`](Self::trust_origin) |
///
/// The last is protection against cross-site request forgery, by what browsers say of where a
/// request comes from. It needs no token in forms. It needs that `GET` changes nothing, which is
/// the application's to keep.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::{get, post}};
/// use cache_runtime::{Cache, CurrentSession, SessionError, SessionLayer, Sessions, Visitor};
/// use tower::ServiceExt;
///
/// async fn log_in(visitor: Visitor<u32>) -> Result<(), SessionError> {
///     visitor.log_in("ada", 7).await?; // the password was right
///     Ok(())
/// }
///
/// async fn home(session: CurrentSession<u32>) -> String {
///     format!("{} has {}", session.user().unwrap_or("nobody"), session.data())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let app: Router = Router::new()
///     .route("/login", post(log_in))
///     .route("/", get(home))
///     .layer(SessionLayer::new(sessions));
///
/// let answer = app.clone().oneshot(Request::post("/login").body(Body::empty())?).await?;
/// let cookie = answer.headers()["set-cookie"].to_str()?;
/// assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
///
/// let (cookie, _) = cookie.split_once(';').unwrap_or_default();
/// let home = Request::get("/").header("cookie", cookie).body(Body::empty())?;
/// assert_eq!(app.clone().oneshot(home).await?.status(), 200);
/// assert_eq!(app.oneshot(Request::get("/").body(Body::empty())?).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[must_use = "a layer does nothing until it is given to a router"]
pub struct SessionLayer<D> {
    settings: Settings<D>,
}

impl<D> SessionLayer<D> {
    /// With a cookie as secure as cookies can be.
    ///
    /// ```
    /// use cache_runtime::{Cache, SessionLayer, Sessions};
    ///
    /// let layer = SessionLayer::new(Sessions::<u32>::new(&Cache::in_memory()));
    /// ```
    pub fn new(sessions: Sessions<D>) -> Self {
        Self {
            settings: Settings {
                sessions,
                cookie: Cookie::default(),
                is_plain_on_loopback: false,
                origins: Origins::Our(Vec::new()),
                address: None,
            },
        }
    }

    /// What the cookie is called, after its `__Host-`; `id` if nobody says. Two layers of one
    /// application need two names.
    ///
    /// # Panics
    ///
    /// If no cookie can be called so: letters, digits and marks such as `.`, `-` and `_`, 64 at
    /// most.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let layer = SessionLayer::new(sessions).cookie_name("staff");
    /// ```
    pub fn cookie_name(mut self, name: &str) -> Self {
        assert!(is_name(name), "no cookie can be called {name:?}");
        name.clone_into(&mut self.settings.cookie.base);
        self
    }

    /// When another site's links bring the session along.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SameSite, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let layer = SessionLayer::new(sessions).same_site(SameSite::Strict);
    /// ```
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.settings.cookie.same_site = same_site;
        self
    }

    /// The browser keeps the cookie until the session's absolute end: "keep me signed in".
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let layer = SessionLayer::new(sessions).persistent();
    /// ```
    pub fn persistent(mut self) -> Self {
        self.settings.cookie.is_kept = true;
        self
    }

    /// For development over plain HTTP: where the request is for `localhost` or another name of
    /// this very machine, the cookie is neither `Secure` nor has it the prefix. Some browsers keep
    /// no secure cookie of `http://localhost`. For any other host nothing changes.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let mut layer = SessionLayer::new(sessions);
    /// if cfg!(debug_assertions) {
    ///     layer = layer.plain_on_loopback();
    /// }
    /// ```
    pub fn plain_on_loopback(mut self) -> Self {
        self.settings.is_plain_on_loopback = true;
        self
    }

    /// Pages of this origin, too, may have things changed here: `https://admin.example`, as
    /// browsers write it. For a form of theirs `SameSite` keeps the session back all the same,
    /// unless they are of the same site.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let layer = SessionLayer::new(sessions).trust_origin("https://admin.school.example");
    /// ```
    pub fn trust_origin(mut self, origin: impl Into<String>) -> Self {
        if let Origins::Our(trusted) = &mut self.settings.origins {
            trusted.push(origin.into());
        }
        self
    }

    /// No request is refused for where it comes from: for applications with tokens in their forms.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let layer = SessionLayer::new(sessions).trust_all_origins();
    /// ```
    pub fn trust_all_origins(mut self) -> Self {
        self.settings.origins = Origins::All;
        self
    }

    /// How the client's address is found, for the context of new sessions. Only the application
    /// knows whether there is a proxy in between, and which header of it to believe.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// # use cache_runtime::{Cache, SessionLayer, Sessions};
    /// # let sessions = Sessions::<u32>::new(&Cache::in_memory());
    ///
    /// let layer = SessionLayer::new(sessions).address_from(|parts| {
    ///     let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    ///     Some(peer.0.ip())
    /// });
    /// ```
    pub fn address_from(
        mut self,
        address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.settings.address = Some(Arc::new(address));
        self
    }
}

impl<S, D> Layer<S> for SessionLayer<D> {
    type Service = SessionService<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        let settings = Arc::new(self.settings.clone());
        SessionService { inner, settings }
    }
}

/// What a [`SessionLayer`] makes of a service.
///
/// ```
/// use axum::Router;
/// use cache_runtime::{Cache, SessionLayer, SessionService, Sessions};
/// use tower::Layer;
///
/// let layer = SessionLayer::new(Sessions::<u32>::new(&Cache::in_memory()));
/// let app: SessionService<Router, u32> = layer.layer(Router::new());
/// ```
pub struct SessionService<S, D> {
    inner: S,
    settings: Arc<Settings<D>>,
}

impl<S, B, D> Service<Request<B>> for SessionService<S, D>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
    D: Send + Sync + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        if self.settings.refuses(&parts) {
            let refusal = (StatusCode::FORBIDDEN, "caused by a page of another origin");
            return Box::pin(async move { Ok(refusal.into_response()) });
        }
        hide(&mut parts.headers);
        let cookie = self.settings.cookie_for(&parts);
        let visitor = self.settings.visitor(&parts, &cookie);
        parts.extensions.insert(visitor.clone());
        let answering = self.inner.call(Request::from_parts(parts, body));
        Box::pin(async move {
            let mut response = answering.await?.into_response();
            tell(&visitor, &cookie, response.headers_mut());
            Ok(response)
        })
    }
}

impl<D> Clone for SessionLayer<D> {
    fn clone(&self) -> Self {
        let settings = self.settings.clone();
        Self { settings }
    }
}

impl<S: Clone, D> Clone for SessionService<S, D> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: self.settings.clone(),
        }
    }
}

impl<D> fmt::Debug for SessionLayer<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionLayer")
            .field("sessions", &self.settings.sessions)
            .field("cookie", &self.settings.cookie)
            .finish_non_exhaustive()
    }
}

impl<S, D> fmt::Debug for SessionService<S, D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionService")
            .field("sessions", &self.settings.sessions)
            .finish_non_exhaustive()
    }
}
