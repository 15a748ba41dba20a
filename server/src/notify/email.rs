//! Mail, handed to one server by SMTP (RFC 5321): plain and HTML (RFC 2046, section 5.1.4), one thread per request.
//!
//! A server that takes a message and drops the line before it says so gets it again, under the same Message-ID.

mod body;

use super::words::{cut, title};
use super::{Courier, Destination, Failure, Message, Reader};
use crate::config::Environment;
use crate::connectors::tls_error;
use crate::store::desk::{Smtp, SmtpTls};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use std::error::Error as _;
use std::time::{Duration, SystemTime};
use url::Url;

/// How long one answer of the server may take; the whole is bounded by [`super::LONGEST_TRY`].
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// The most characters of a subject.
const SUBJECT: usize = 200;
/// The most characters of what a server said that are told.
const SAID: usize = 200;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends mail.
pub(super) struct Email {
    settings: Smtp,
    environment: Environment,
    /// Whom to trust beside whom the machine trusts.
    roots: Vec<Certificate>,
}

impl Email {
    pub(super) const fn new(settings: Smtp, environment: Environment) -> Self {
        Self { settings, environment, roots: Vec::new() }
    }

    async fn send(&self, message: &Message, email: &str, name: Option<&str>) -> Result<(), Failure> {
        let mail = self.compose(message, email, name)?;
        let password = self.password()?;
        let sent = self.transport(password.as_ref())?.send(mail).await;
        sent.map(|_| ()).map_err(|error| unsent(&error, password.as_ref()))
    }

    fn password(&self) -> Result<Option<SecretString>, Failure> {
        let Some(name) = &self.settings.password_env else { return Ok(None) };
        let unset = || Failure::Never(format!("The environment variable {name} with the mail password is not set."));
        self.environment.variable(name).map(Some).ok_or_else(unset)
    }

    fn transport(&self, password: Option<&SecretString>) -> Result<Transport, Failure> {
        let Smtp { host, port, tls, username, from, .. } = &self.settings;
        let (tls, usual_port) = match tls {
            SmtpTls::Starttls => (Tls::Required(self.tls()?), 587),
            SmtpTls::Tls => (Tls::Wrapper(self.tls()?), 465),
            SmtpTls::None => (Tls::None, 25),
        };
        let mut builder = Transport::builder_dangerous(host)
            .port(port.unwrap_or(usual_port))
            .tls(tls)
            .timeout(Some(ANSWER_TIMEOUT))
            .hello_name(ClientId::Domain(domain_of(from).to_owned()));
        if let (Some(username), Some(password)) = (username, password) {
            builder = builder.credentials(Credentials::new(username.clone(), password.expose_secret().to_owned()));
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Result<TlsParameters, Failure> {
        let builder = TlsParameters::builder(self.settings.host.clone());
        let trusted = self.roots.iter().cloned().fold(builder, TlsParametersBuilder::add_root_certificate);
        let none = |_| Failure::later("This machine has no trusted certificates that TLS could be checked by.");
        trusted.build().map_err(none)
    }

    fn compose(&self, message: &Message, email: &str, name: Option<&str>) -> Result<lettre::Message, Failure> {
        let from = address(&self.settings.from, "The desk's own mail address")?;
        let to = Mailbox::new(name.map(in_a_line), address(email, "This mail address")?);
        let house = Url::parse(&message.link).ok().and_then(|url| url.host_str().map(str::to_owned));
        let house = house.unwrap_or_else(|| domain_of(&self.settings.from).to_owned());
        let mut mail = lettre::Message::builder()
            .from(Mailbox::new(Some(in_a_line(&message.desk)), from))
            .to(to)
            .subject(cut(&in_a_line(&title(message)), SUBJECT))
            .date(moment(message))
            .message_id(Some(format!("<{}@{house}>", message.id)))
            // RFC 3834, section 5: nobody's absence note is to answer it.
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(about) = message.about.as_deref() {
            // Of no message that there is; all of one request name it, and so stand in one thread.
            let thread = format!("<request.{}@{house}>", about.id);
            mail = mail.in_reply_to(thread.clone()).references(thread);
        }
        // People without an account have no settings; their address stands in a flow.
        if let Reader::Inside { settings_link } = &message.reader {
            // RFC 2369, section 3.2. A page, not one click (RFC 8058): whoever unsubscribes says from what.
            mail = mail.raw_header(header("List-Unsubscribe", &format!("<{settings_link}>")));
        }
        let parts = MultiPart::alternative_plain_html(body::plain(message), body::html(message));
        mail.multipart(parts).map_err(|_| Failure::Never("The mail could not be put together.".to_owned()))
    }
}

impl Courier for Email {
    fn deliver<'a>(&'a self, message: &'a Message, to: &'a Destination) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            match to {
                Destination::Mailbox { email, name } => self.send(message, email, name.as_deref()).await,
                _ => Err(Failure::Never("Mail goes to a mailbox.".to_owned())),
            }
        })
    }
}

/// Whether mail can be sent with this address.
pub(crate) fn takes_mail(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

fn address(text: &str, whose: &str) -> Result<Address, Failure> {
    text.parse().map_err(|_| Failure::Never(format!("{whose} is none that mail can be sent with.")))
}

/// A name without what no header can hold: the library does not take it.
fn in_a_line(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn moment(message: &Message) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(message.sent_at.millis()).unwrap_or(0))
}

/// A refusal for good ends it; all else is tried again, a line that dropped after the message was taken included.
fn unsent(error: &lettre::transport::smtp::Error, password: Option<&SecretString>) -> Failure {
    if let Some(status) = error.status() {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let why = format!("The mail server refused it with {status}{}", in_its_words(&said, password));
        return if error.is_permanent() { Failure::Never(why) } else { Failure::later(why) };
    }
    let untrusted = error.is_tls() || error.source().is_some_and(holds_tls_error);
    Failure::later(match (untrusted, error.is_timeout(), error.is_client()) {
        (true, ..) => "The mail server's certificate or its TLS is not to be trusted.",
        (_, true, _) => "The mail server did not answer in time.",
        (_, _, true) => "The mail server does not offer what the settings ask for: STARTTLS, or a way to sign in.",
        _ => "The mail server could not be reached, or closed the connection before it took the mail.",
    })
}

/// A handshake that fails comes as an I/O error.
fn holds_tls_error(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref().and_then(tls_error).is_some() || cause.source().is_some_and(holds_tls_error)
}

/// What a server said, unless it repeats how we signed in.
fn in_its_words(said: &str, password: Option<&SecretString>) -> String {
    let plain: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let repeats = password.is_some_and(|password| tells(&plain, password.expose_secret()));
    match plain.trim() {
        "" => ".".to_owned(),
        _ if repeats => ".".to_owned(),
        words => format!(": {}", cut(words, SAID)),
    }
}

/// Whether a text holds the password, or anything long enough to hold it in base64, as it was sent.
fn tells(text: &str, password: &str) -> bool {
    let bare = |word: &&str| word.len() >= password.len();
    let decodes = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
        STANDARD.decode(word).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(password))
    };
    text.contains(password) || text.split_whitespace().filter(bare).any(decodes)
}

#[cfg(test)]
mod tests;
