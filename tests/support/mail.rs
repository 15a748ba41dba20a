//! A mail server on this machine (RFC 5321) that keeps what it takes, and treats each mail as it was told to.

use mail_parser::{Address, MessageParser};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of a mail.
#[derive(Clone, Copy, Debug)]
pub enum Treatment {
    /// It is taken.
    Take,
    /// It is taken, and the line drops before that is said.
    TakeAndDrop,
    /// It is answered with this line, as in `451 later`.
    Refuse(&'static str),
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Mail {
    /// For whom the sender said it is, in the envelope.
    pub to: Vec<String>,
    /// The whole, as it came.
    pub raw: String,
}

impl Mail {
    /// A header's value as a reader shows it, unfolded and decoded; empty without it.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let parsed = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        if name.eq_ignore_ascii_case("subject") {
            return parsed.subject().unwrap_or_default().to_owned();
        }
        parsed.header_raw(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Name and address of the first recipient in the header.
    #[must_use]
    pub fn recipient(&self) -> (String, String) {
        let parsed = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        let first = parsed.to().and_then(Address::first).unwrap();
        (first.name().unwrap_or_default().to_owned(), first.address().unwrap_or_default().to_owned())
    }

    /// The plain part.
    #[must_use]
    pub fn text(&self) -> String {
        let parsed = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        assert_eq!(parsed.text_body_count(), 1);
        parsed.body_text(0).unwrap().into_owned()
    }

    /// The HTML part.
    #[must_use]
    pub fn html(&self) -> String {
        let parsed = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        assert_eq!(parsed.html_body_count(), 1);
        parsed.body_html(0).unwrap().into_owned()
    }
}

/// The server.
pub struct MailServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    count: watch::Receiver<usize>,
}

impl MailServer {
    /// One that takes everything.
    pub async fn taking() -> Self {
        Self::treating(&[]).await
    }

    /// One that treats each mail as the next of these says, and takes those after the last.
    pub async fn treating(treatments: &[Treatment]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let treatments = Arc::new(Mutex::new(treatments.iter().copied().collect::<VecDeque<_>>()));
        let kept = Arc::clone(&mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (treatments, kept, counter) = (Arc::clone(&treatments), Arc::clone(&kept), counter.clone());
                tokio::spawn(async move {
                    let next = || treatments.lock().unwrap().pop_front().unwrap_or(Treatment::Take);
                    let keep = |mail| {
                        kept.lock().unwrap().push(mail);
                        counter.send_modify(|count| *count += 1);
                    };
                    // A sender may go away at any time.
                    let _ = converse(stream, next, keep).await;
                });
            }
        });
        Self { port, mails, count }
    }

    /// Settings that lead here.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("smtp: {{host: 127.0.0.1, port: {}, tls: none, from: desk@acme.test}}", self.port)
    }

    /// What was taken so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// What was taken, once it is this many.
    pub async fn received(&self, many: usize) -> Vec<Mail> {
        self.count.clone().wait_for(|count| *count >= many).await.unwrap();
        self.mails()
    }

    /// Waits until this many were taken for an address; these.
    pub async fn received_by(&self, address: &str, many: usize) -> Vec<Mail> {
        let of = || self.mails().into_iter().filter(|mail| mail.to == [address]).collect::<Vec<_>>();
        self.count.clone().wait_for(|_| of().len() >= many).await.unwrap();
        of()
    }
}

async fn converse(stream: TcpStream, next: impl Fn() -> Treatment, keep: impl Fn(Mail)) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 here\r\n").await?;
    let mut to = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-here\r\n250 8BITMIME\r\n".to_owned(),
            "RCPT" => {
                to.push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
                "250 fine\r\n".to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mail = Mail { to: std::mem::take(&mut to), raw: read_mail(&mut stream).await? };
                match next() {
                    Treatment::Take => keep(mail),
                    Treatment::TakeAndDrop => {
                        keep(mail);
                        return Ok(());
                    }
                    Treatment::Refuse(answer) => {
                        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
                        continue;
                    }
                }
                "250 taken\r\n".to_owned()
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").await,
            _ => "250 fine\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Up to the lone dot; a dot that was doubled is single again (RFC 5321, section 4.5.2).
async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_str() {
            ".\r\n" => return Ok(mail),
            line => mail.push_str(line.strip_prefix('.').unwrap_or(line)),
        }
    }
}
