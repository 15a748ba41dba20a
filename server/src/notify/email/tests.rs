//! Mail over TLS to a server with a certificate of its own, and what is said when it does not get there.

use super::super::tests::{asking, asking_about};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// An authority that only these tests know, and a server that it vouches for.
fn given_authority() -> (Certificate, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let root = Certificate::from_der(authority.der().to_vec()).unwrap();
    (root, TlsAcceptor::from(Arc::new(config)))
}

/// Takes one mail over a connection; what was said to it, line by line. It offers STARTTLS as long as it was given one.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, offers: &str) -> (S, Vec<String>) {
    let mut stream = BufReader::new(stream);
    let mut heard = Vec::new();
    let mut in_mail = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return (stream.into_inner(), heard);
        }
        let line = line.trim_end().to_owned();
        heard.push(line.clone());
        let verb = line.split(' ').next().unwrap_or_default();
        let answer = match verb {
            "." => {
                in_mail = false;
                "250 taken\r\n".to_owned()
            }
            _ if in_mail => continue,
            "EHLO" => format!("250-here\r\n250 {offers}\r\n"),
            "DATA" => {
                in_mail = true;
                "354 go on\r\n".to_owned()
            }
            "AUTH" => "235 come in\r\n".to_owned(),
            _ => "250 fine\r\n".to_owned(),
        };
        let answer = if verb == "STARTTLS" { "220 begin\r\n".to_owned() } else { answer };
        stream.write_all(answer.as_bytes()).await.unwrap();
        if verb == "STARTTLS" || verb == "QUIT" {
            return (stream.into_inner(), heard);
        }
    }
}

async fn greeted(stream: &mut TcpStream) {
    stream.write_all(b"220 here\r\n").await.unwrap();
}

/// A server that wants STARTTLS; what it heard in the clear, and what under TLS.
async fn given_server(acceptor: TlsAcceptor) -> (u16, JoinHandle<(Vec<String>, Vec<String>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        greeted(&mut stream).await;
        let (stream, clear) = converse(stream, "STARTTLS").await;
        let Ok(stream) = acceptor.accept(stream).await else { return (clear, Vec::new()) };
        let (_, sealed) = converse(stream, "AUTH PLAIN").await;
        (clear, sealed)
    });
    (port, heard)
}

fn courier(port: u16, tls: SmtpTls, roots: Vec<Certificate>) -> Email {
    let settings = Smtp {
        host: "localhost".to_owned(),
        port: Some(port),
        tls,
        username: Some("desk".to_owned()),
        password_env: Some("MAIL_PASSWORD".to_owned()),
        from: "desk@acme.test".to_owned(),
    };
    let environment = Environment::of([("MAIL_PASSWORD".to_owned(), SecretString::from("mail-pass-word"))]);
    Email { settings, environment, roots }
}

#[tokio::test]
async fn mail_and_password_go_under_tls_only() {
    let (root, acceptor) = given_authority();
    let (port, heard) = given_server(acceptor).await;
    let email = courier(port, SmtpTls::Starttls, vec![root]);
    email.send(&asking("wants"), "jon@acme.test", Some("Jon")).await.unwrap();
    let (clear, sealed) = heard.await.unwrap();
    assert_eq!(clear, ["EHLO acme.test", "STARTTLS"]);
    assert!(sealed.iter().any(|line| line.starts_with("AUTH PLAIN ")), "{sealed:?}");
    assert!(sealed.iter().any(|line| line == "Subject: wants"), "{sealed:?}");
}

#[tokio::test]
async fn tls_from_the_first_byte_works_too() {
    let (root, acceptor) = given_authority();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.write_all(b"220 here\r\n").await.unwrap();
        converse(stream, "AUTH PLAIN").await.1
    });
    let email = courier(port, SmtpTls::Tls, vec![root]);
    email.send(&asking("wants"), "jon@acme.test", None).await.unwrap();
    assert!(heard.await.unwrap().iter().any(|line| line == "RCPT TO:<jon@acme.test>"));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_neither_mail_nor_password() {
    let (_, acceptor) = given_authority();
    let (port, heard) = given_server(acceptor).await;
    let refused = courier(port, SmtpTls::Starttls, Vec::new()).send(&asking("wants"), "jon@acme.test", None).await;
    let Err(Failure::Later { why, .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains("not to be trusted"), "{why}");
    assert_eq!(heard.await.unwrap().1, Vec::<String>::new());
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        greeted(&mut stream).await;
        converse(stream, "AUTH PLAIN").await.1
    });
    let refused = courier(port, SmtpTls::Starttls, Vec::new()).send(&asking("wants"), "jon@acme.test", None).await;
    assert!(matches!(&refused, Err(Failure::Later { why, .. }) if why.contains("STARTTLS")), "{refused:?}");
    let heard = heard.await.unwrap();
    assert!(heard.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{heard:?}");
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named() {
    let mut email = courier(1, SmtpTls::None, Vec::new());
    email.environment = Environment::of([]);
    let refused = email.send(&asking("wants"), "jon@acme.test", None).await;
    assert!(matches!(&refused, Err(Failure::Never(why)) if why.contains("MAIL_PASSWORD")), "{refused:?}");
}

#[test]
fn what_a_server_said_is_told_unless_it_repeats_the_password() {
    let password = SecretString::from("mail-pass-word");
    let encoded = STANDARD.encode("\0desk\0mail-pass-word");
    let told = |said: &str| in_its_words(said, Some(&password));
    assert_eq!(told("no such\r\nmailbox"), ": no such  mailbox");
    assert_eq!(told("bad mail-pass-word"), ".");
    assert_eq!(told(&format!("bad <{encoded}>")), ".");
    assert_eq!(told(""), ".");
}

#[test]
fn nothing_that_an_agent_wrote_makes_a_header_a_line_or_a_tag() {
    let hostile = "x\r\nBcc: all@acme.test\r\n\r\n<script>alert(1)</script><a href='https://evil.test'>";
    let email = courier(1, SmtpTls::None, Vec::new());
    let mut message = asking_about(hostile, &format!("{hostile}\nReview: https://evil.test"));
    message.desk = "Acme\r\nBcc: all@acme.test".to_owned();
    let mail = email.compose(&message, "jon@acme.test", Some("Jon\r\nBcc: x@acme.test")).unwrap();
    let text = String::from_utf8(mail.formatted()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    let (plain, html) = (body::plain(&message), body::html(&message));
    assert!(!html.contains("<script") && !html.contains("<a href='"), "{html}");
    let reviews: Vec<_> = plain.lines().filter(|line| line.starts_with("Review")).collect();
    assert_eq!(reviews, ["Review: https://desk.acme.test/approve/1"]);
    assert!(!plain.contains("p4ss") && !html.contains("p4ss"), "{plain}");
}
