//! A server that is spoken to under TLS, with certificates of a test's own.

use std::hash::{BuildHasher, RandomState};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;

use super::RedisServer;
use crate::port;

/// Whoever signs certificates.
///
/// ```
/// let authority = cache_tests::Authority::new();
/// assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// ```
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// How long a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// For long.
    Valid,
    /// Until the year 2001.
    Expired,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one, which nobody knows yet.
    pub fn new() -> Self {
        let mut params =
            CertificateParams::new(Vec::new()).unwrap_or_else(|error| panic!("{error}"));
        // A client would hold two of one name for the same.
        let name = format!("authority {:x}", RandomState::new().hash_one(0));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap_or_else(|error| panic!("{error}"));
        let own = params
            .self_signed(&key)
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            pem: own.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Its own certificate, by which those that it signed are known.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a host, or of a client.
    pub fn sign(&self, name: &str, validity: Validity) -> Identity {
        let names = vec![name.to_owned()];
        let mut params = CertificateParams::new(names).unwrap_or_else(|error| panic!("{error}"));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if validity == Validity::Expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap_or_else(|error| panic!("{error}"));
        let signed = params.signed_by(&key, &self.issuer);
        Identity {
            certificate: signed.unwrap_or_else(|error| panic!("{error}")).pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A server that listens under TLS on one port, and for the test itself without on another.
///
/// ```no_run
/// use cache_tests::{Authority, TlsServer, Validity};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let authority = Authority::new();
/// let identity = authority.sign("127.0.0.1", Validity::Valid);
/// let server = TlsServer::start(&authority, &identity).await;
/// println!("{}", server.url());
/// # }
/// ```
#[derive(Debug)]
pub struct TlsServer {
    server: RedisServer,
    port: u16,
    _files: TempDir,
}

impl TlsServer {
    /// Starts a server that shows this identity and lets everybody in.
    pub async fn start(authority: &Authority, identity: &Identity) -> Self {
        Self::launch(authority, identity, "no").await
    }

    /// Starts one that lets in only whom the authority knows.
    pub async fn start_asking(authority: &Authority, identity: &Identity) -> Self {
        Self::launch(authority, identity, "yes").await
    }

    async fn launch(authority: &Authority, identity: &Identity, asks: &str) -> Self {
        let files = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let file = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
            path.display().to_string()
        };
        let port = port::free();
        let server = RedisServer::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &file("certificate.pem", &identity.certificate),
            "--tls-key-file",
            &file("key.pem", &identity.key),
            "--tls-ca-cert-file",
            &file("authority.pem", authority.pem()),
            "--tls-auth-clients",
            asks,
        ])
        .await;
        Self {
            server,
            port,
            _files: files,
        }
    }

    /// What a client connects to: `rediss://..`.
    pub fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }

    /// The server itself, without TLS.
    pub fn server(&self) -> &RedisServer {
        &self.server
    }
}
