//! Who may hand mail to a Postfix server: a password that it asks for by the protocol of Dovecot's authentication server
//! (<https://doc.dovecot.org/main/developers/design/auth_protocol.html>), version 1.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The running authentication server, which knows one user; it ends when dropped.
pub struct Sasl {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Sasl {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(address: SocketAddr, user: &str, password: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // RFC 4616: nobody else's right, the user, the password.
        let plain = STANDARD.encode(format!("\0{user}\0{password}"));
        let user = user.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, user.clone(), plain.clone()));
            }
        });
        Ok(Self { address, task })
    }

    /// What a Postfix server needs in its main.cf to ask here.
    pub fn settings(&self) -> String {
        let address = self.address;
        format!("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:{address}")
    }
}

impl Drop for Sasl {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(mut stream: TcpStream, user: String, plain: String) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let cookie = "0123456789abcdef0123456789abcdef";
    let greeting = format!("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t{cookie}\nDONE\n");
    write.write_all(greeting.as_bytes()).await?;
    while let Some(line) = lines.next_line().await? {
        let fields: Vec<&str> = line.split('\t').collect();
        let ["AUTH", id, "PLAIN", parameters @ ..] = fields.as_slice() else { continue };
        let knows = parameters.iter().any(|field| field.strip_prefix("resp=") == Some(plain.as_str()));
        let answer = if knows { format!("OK\t{id}\tuser={user}\n") } else { format!("FAIL\t{id}\n") };
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
