//! A server whose clock is set from its standard input, so that a story can end it like a power cut and start it again
//! at the same moment. Arguments: the data folder, the port, and the time in milliseconds. Each line that is read sets the
//! clock and is answered by itself.

#![allow(clippy::unwrap_used, reason = "a story that can't be set up has failed")]
#![allow(clippy::print_stdout, reason = "that is how it answers")]

use countersign_domain::Timestamp;
use countersign_server::config::{Config, DataFolder, Environment, PublicUrl};
use countersign_server::connectors::DEFAULT_TIMEOUT;
use countersign_server::notify::LONGEST_TRY;
use countersign_server::start_with;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use support::HandClock;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, port, millis] = arguments.as_slice() else { panic!("a folder, a port and a time") };
    let clock = Arc::new(HandClock::at(Timestamp::from_millis(millis.parse().unwrap())));
    let port: u16 = port.parse().unwrap();
    let config = Config {
        public_url: PublicUrl::localhost(port).unwrap(),
        data: DataFolder::prepare(Path::new(folder)).unwrap(),
        master_key_file: None,
        demo: false,
        call_timeout: DEFAULT_TIMEOUT,
        message_timeout: LONGEST_TRY,
        environment: Environment::default(),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let started = start_with(config, vec![listener], clock.clone()).await.unwrap();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let line = line.unwrap();
            clock.set(Timestamp::from_millis(line.parse().unwrap()));
            answer(&line);
        }
    });
    answer("ready");
    started.run(std::future::pending()).await.unwrap();
}

fn answer(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
