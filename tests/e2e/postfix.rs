//! Mail to an unmodified Postfix, with TLS of an authority of its own and with a log-in.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::harness::{
    config::Config,
    process::{BOOTWATCH, Process, free_port, until},
    require,
};

const PASSWORD: &str = "p:ss w\"rd";

/// A running Postfix and its ports.
struct Postfix {
    _process: Process,
    starttls: u16,
    implicit: u16,
    dir: PathBuf,
}

/// Runs a command that must work.
fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(dir).output().expect(program);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A certificate authority, and a certificate of it for localhost.
fn certificates(dir: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca =
        ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=CA"];
    run(dir, "openssl", &[&ca[..], &key].concat());
    let request = ["req", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
    run(dir, "openssl", &[&request[..], &key].concat());
    let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n\
                      extendedKeyUsage=serverAuth\n";
    fs::write(dir.join("extensions"), extensions).expect("write the extensions");
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "extensions",
        "-out",
        "server.pem",
    ];
    run(dir, "openssl", &sign);
}

/// Dovecot's authentication protocol, as far as Postfix speaks it: one user, one password.
fn authentication() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
    let port = listener.local_addr().expect("an address").port();
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut out = stream.try_clone().expect("share a connection");
                let hello = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n\
                             COOKIE\t00112233445566778899aabbccddeeff\nDONE\n";
                let _ = out.write_all(hello.as_bytes());
                // \0alice\0PASSWORD
                let expected = "resp=AGFsaWNlAHA6c3MgdyJyZA==";
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let words: Vec<&str> = line.split('\t').collect();
                    if let ["AUTH", id, ..] = words[..] {
                        let verdict = if words.contains(&expected) { "OK" } else { "FAIL" };
                        let _ = writeln!(out, "{verdict}\t{id}\tuser=alice");
                    }
                }
            });
        }
    });
    port
}

/// Postfix in a folder of its own, or none when this machine cannot run it.
async fn postfix(dir: &Path) -> Option<Postfix> {
    let program = require::tool("postfix", "postfix", "apt-get install postfix openssl, as root")?;
    if run(dir, "id", &["-u"]) != "0" {
        return require::unusable("postfix", "its master process must be started by root");
    }
    // Its processes give up root, and still must reach their files.
    run(dir, "chmod", &["755", "."]);
    for folder in ["conf", "queue", "data", "mail"] {
        fs::create_dir(dir.join(folder)).expect("make a folder");
    }
    run(dir, "chown", &["postfix", "data", "mail"]);
    certificates(dir);
    let (starttls, implicit) = (free_port(), free_port());
    let (user, group) = (run(dir, "id", &["-u", "postfix"]), run(dir, "id", &["-g", "postfix"]));
    let (place, auth) = (dir.display(), authentication());
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {place}/queue\ndata_directory = {place}/data\n\
         mail_owner = postfix\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
         myhostname = localhost\nmydestination =\nvirtual_mailbox_domains = example.org\n\
         virtual_mailbox_base = {place}/mail\nvirtual_mailbox_maps = static:box/\n\
         virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\n\
         smtpd_tls_cert_file = {place}/server.pem\nsmtpd_tls_key_file = {place}/server.key\n\
         smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n\
         smtpd_sasl_path = inet:127.0.0.1:{auth}\nsmtpd_tls_auth_only = yes\n\
         smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n\
         smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
         maillog_file = {place}/log\nmaillog_file_prefixes = {place}\n"
    );
    let services = "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
                    tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\n\
                    bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
                    trace unix - - n - 0 bounce\nerror unix - - n - - error\n\
                    retry unix - - n - - error\nvirtual unix - n n - - virtual\n\
                    anvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n\
                    proxymap unix - - n - - proxymap\n";
    let master = format!(
        "127.0.0.1:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n\
         127.0.0.1:{implicit} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n{services}"
    );
    fs::write(dir.join("conf/main.cf"), main).expect("write main.cf");
    fs::write(dir.join("conf/master.cf"), master).expect("write master.cf");
    let conf = dir.join("conf").display().to_string();
    let program = program.display().to_string();
    let process = Process::start("postfix", &program, &["-c", &conf, "start-fg"], dir);
    until("Postfix's greeting", Duration::from_secs(30), || async {
        tokio::net::TcpStream::connect(("127.0.0.1", implicit)).await.ok().map(drop)
    })
    .await;
    Some(Postfix { _process: process, starttls, implicit, dir: dir.to_owned() })
}

impl Postfix {
    /// What `notify test` makes of these settings.
    fn test(&self, port: u16, tls: &str, more: &str) -> Output {
        let config = Config::new("gonka-test", "http://127.0.0.1:1")
            .more(&format!(
                "[email]\nsmtp = \"localhost:{port}\"\ntls = {tls:?}\n\
                 from = \"Bootwatch <bootwatch@example.org>\"\nto = [\"Ops <ops@example.org>\"]\n\
                 username = \"alice\"\n{more}\n"
            ))
            .write(&self.dir);
        let mut command = Command::new(BOOTWATCH);
        command.args(["notify", "test", "--config"]).arg(config);
        command.current_dir(&self.dir).output().expect("run bootwatch")
    }

    /// The mails that were delivered.
    fn mails(&self) -> Vec<String> {
        let Ok(folder) = fs::read_dir(self.dir.join("mail/box/new")) else { return Vec::new() };
        folder.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// Stops it in order: killed, it would leave its children behind for a while.
    fn stop(self) {
        run(&self.dir, "postfix", &["-c", &self.dir.join("conf").display().to_string(), "stop"]);
    }
}

// Fails when TLS or log-in do not work with a real server, or a certificate that nobody vouches for
// is trusted.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_takes_mail_by_tls_and_log_in() {
    let dir = TempDir::new().unwrap();
    let Some(postfix) = postfix(dir.path()).await else { return };
    fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    fs::write(dir.path().join("wrong"), "wrong").unwrap();
    let said = |output: &Output| {
        let out = [&output.stdout[..], &output.stderr].concat();
        String::from_utf8_lossy(&out).into_owned()
    };
    let trusted = "ca_file = \"ca.pem\"\npassword_file = \"password\"";
    for (port, tls) in [(postfix.starttls, "starttls"), (postfix.implicit, "implicit")] {
        let before = postfix.mails().len();
        let output = postfix.test(port, tls, "password_file = \"password\"");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{tls}: {text}");
        assert!(text.to_lowercase().contains("certificate"), "{tls}: {text}");

        let output = postfix.test(port, tls, "ca_file = \"ca.pem\"\npassword_file = \"wrong\"");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{tls}: {text}");
        assert!(text.contains("log-in") && text.contains("535"), "{tls}: {text}");

        let output = postfix.test(port, tls, trusted);
        assert_eq!(output.status.code(), Some(0), "{tls}: {}", said(&output));
        until("the mail in the mailbox", Duration::from_secs(30), || async {
            (postfix.mails().len() == before + 1).then_some(())
        })
        .await;
    }
    let mails = postfix.mails();
    for mail in &mails {
        for header in [
            "From: Bootwatch <bootwatch@example.org>",
            "To: Ops <ops@example.org>",
            "Auto-Submitted: auto-generated",
            "Subject: [TEST] this channel works",
        ] {
            assert!(mail.contains(header), "{header} is not in\n{mail}");
        }
        assert!(
            mail.contains("(Authenticated sender: alice)") || mail.contains("ESMTPSA"),
            "{mail}"
        );
    }
    postfix.stop();
}
