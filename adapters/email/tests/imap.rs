//! The mailbox against a real Dovecot on a free loopback port: old mails and new ones, each once, moved or
//! marked, through broken connections and an absent store. Says so and ends where Dovecot is not
//! installed.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::SystemClock;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{
    BoxFuture, FindingLevel, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer, Spool,
};
use kakehashi_core::raw_bytes::{FiledBytes, RawBytes};
use kakehashi_email::imap::{ImapConfig, ImapTls, Taken, check, serve};
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A Dovecot of its own: one user, mails in a folder that the test fills.
struct Dovecot {
    child: Child,
    folder: PathBuf,
    port: u16,
    /// Plain at first, STARTTLS offered.
    open_port: u16,
}

/// A port that nobody listens on, below those that the kernel gives to connections, and no other test's.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let own =
            (std::process::id() as u16).wrapping_mul(8).wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst));
        let port = 20_000 + own % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Dovecot {
    fn start(name: &str) -> Option<Self> {
        let program =
            ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].into_iter().find(|p| Path::new(p).exists());
        let Some(program) = program else {
            println!("dovecot is not installed: the mailbox was not tried");
            return None;
        };
        let version = Command::new(program).arg("--version").output().unwrap().stdout;
        if !version.starts_with(b"2.3") {
            println!(
                "dovecot {} has another configuration: the mailbox was not tried",
                String::from_utf8_lossy(&version)
            );
            return None;
        }
        let folder = std::env::temp_dir().join(format!("kakehashi-imap-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for inner in ["mail/cur", "mail/new", "mail/tmp", "run"] {
            std::fs::create_dir_all(folder.join(inner)).unwrap();
        }
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(folder.join("users"), "renkei:{PLAIN}geheim\n").unwrap();
        let id = |flag: &str| {
            let out = Command::new("id").arg(flag).output().unwrap().stdout;
            String::from_utf8(out).unwrap().trim().to_owned()
        };
        // Dovecot refuses to log in as root, so root gives it the users that its package made.
        let root = id("-u") == "0";
        let (user, group, login) = if root {
            ("dovecot".to_owned(), "dovecot".to_owned(), "dovenull".to_owned())
        } else {
            (id("-un"), id("-gn"), id("-un"))
        };
        if root {
            let owned = Command::new("chown").args(["-R", "dovecot:dovecot"]).arg(&folder).status().unwrap();
            assert!(owned.success());
        }
        let (port, open_port) = (free_port(), free_port());
        let at = folder.display();
        let text = format!(
            "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\ndisable_plaintext_auth = no\n\
             mail_location = maildir:{at}/mail\nmail_uid = {user}\nmail_gid = {group}\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n\
             default_internal_user = {user}\ndefault_login_user = {login}\ndefault_internal_group = {group}\n\
             passdb {{\n driver = passwd-file\n args = {at}/users\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home={at}\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {open_port}\n }}\n inet_listener imaps {{\n port = {port}\n ssl = yes\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\n\
             namespace inbox {{\n inbox = yes\n separator = /\n}}\n"
        );
        std::fs::write(folder.join("dovecot.conf"), text).unwrap();
        let child = Command::new(program)
            .args(["-F", "-c"])
            .arg(folder.join("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { child, folder, port, open_port };
        dovecot.until_it("listens", || {
            [port, open_port].iter().all(|p| std::net::TcpStream::connect(("127.0.0.1", *p)).is_ok())
        });
        Some(dovecot)
    }

    fn until_it(&self, what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !done() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "waited in vain until it {what}: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn deliver(&self, name: &str, mail: &str) {
        self.deliver_pieces(name, mail, "", 0);
    }

    /// A mail that ends in `times` such lines, never whole in the memory of the test.
    fn deliver_pieces(&self, name: &str, start: &str, line: &str, times: usize) {
        let tmp = self.folder.join("mail/tmp").join(name);
        let mut file = std::io::BufWriter::new(std::fs::File::create(&tmp).unwrap());
        file.write_all(start.as_bytes()).unwrap();
        for _ in 0..times {
            file.write_all(line.as_bytes()).unwrap();
        }
        drop(file);
        std::fs::set_permissions(&tmp, std::fs::Permissions::from_mode(0o666)).unwrap();
        std::fs::rename(tmp, self.folder.join("mail/new").join(name)).unwrap();
    }

    /// Ends every session, not the server.
    fn break_sessions(&self) {
        let _ = Command::new("doveadm")
            .arg("-c")
            .arg(self.folder.join("dovecot.conf"))
            .args(["kick", "renkei"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    fn config(&self, taken: Taken) -> ImapConfig {
        ImapConfig {
            host: "localhost".to_owned(),
            port: self.port,
            tls: ImapTls::Implicit,
            ca: Some(self.folder.join("cert.pem")),
            username: "renkei".to_owned(),
            password: "geheim".to_owned(),
            folder: "INBOX".to_owned(),
            purpose: "intake@in.example".to_owned(),
            taken,
            max_message_bytes: 10_000,
            poll: Duration::from_secs(60),
        }
    }

    fn count(&self, folder: &str) -> usize {
        ["cur", "new"]
            .iter()
            .map(|inner| {
                std::fs::read_dir(self.folder.join("mail").join(folder).join(inner))
                    .map_or(0, Iterator::count)
            })
            .sum()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A desk that knows what it took, as the real one does.
#[derive(Default)]
struct Desk {
    taken: Mutex<Vec<RawIntake>>,
    again: Mutex<usize>,
    away: AtomicBool,
    /// Where large mails go; without it they are held.
    spool: Option<PathBuf>,
    largest_piece: Arc<AtomicUsize>,
}

/// A spool as the blob store has one.
struct FileSpool {
    path: PathBuf,
    file: std::fs::File,
    largest_piece: Arc<AtomicUsize>,
}

impl Spool for FileSpool {
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, std::io::Result<()>> {
        self.largest_piece.fetch_max(bytes.len(), Ordering::SeqCst);
        Box::pin(async move { self.file.write_all(&bytes) })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, std::io::Result<RawBytes>> {
        let len = usize::try_from(self.file.metadata().unwrap().len()).unwrap();
        let hash = ContentHash::of(self.path.display().to_string().as_bytes());
        Box::pin(async move { Ok(RawBytes::filed(Arc::new(InFile { path: self.path, len }), hash)) })
    }
}

struct InFile {
    path: PathBuf,
    len: usize,
}

impl FiledBytes for InFile {
    fn len(&self) -> usize {
        self.len
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(&self.path)?))
    }
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            let id = IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV");
            if self.away.load(Ordering::SeqCst) {
                return IntakeAnswer::TryLater("away".to_owned());
            }
            let mut taken = self.taken.lock().unwrap();
            if taken.iter().any(|t| t.dedup_key == intake.dedup_key) {
                *self.again.lock().unwrap() += 1;
                return IntakeAnswer::Duplicate(id);
            }
            taken.push(intake);
            IntakeAnswer::Accepted(id)
        })
    }

    fn spool(&self) -> Option<Box<dyn Spool>> {
        let folder = self.spool.as_ref()?;
        let path = folder.join(format!("spooled-{}", std::fs::read_dir(folder).unwrap().count()));
        let file = std::fs::File::create(&path).unwrap();
        Some(Box::new(FileSpool { path, file, largest_piece: Arc::clone(&self.largest_piece) }))
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async move {
            if address.ends_with("@in.example") { RecipientAnswer::Ours } else { RecipientAnswer::NotOurs }
        })
    }
}

fn mail(n: u32, to: &str) -> String {
    format!(
        "Return-Path: <nurse@st.example>\r\nFrom: nurse@st.example\r\nTo: {to}\r\nMessage-ID: <{n}@st.example>\r\n\
         Subject: x\r\n\r\nmail {n}\r\n"
    )
}

async fn wait_for(desk: &Desk, count: usize) {
    let end = Instant::now() + Duration::from_secs(40);
    while desk.taken.lock().unwrap().len() < count {
        assert!(Instant::now() < end, "{} of {count} mails", desk.taken.lock().unwrap().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_moved_once_through_breaks() {
    let Some(dovecot) = Dovecot::start("move") else { return };
    let config = dovecot.config(Taken::Move("kakehashi".to_owned()));
    assert_eq!(check(&config).await.level, FindingLevel::Good, "{:?}", check(&config).await);
    let starttls = ImapConfig { tls: ImapTls::Starttls, port: dovecot.open_port, ..config.clone() };
    assert_eq!(check(&starttls).await.level, FindingLevel::Good, "{:?}", check(&starttls).await);
    let strange = ImapConfig { ca: None, ..starttls };
    assert_eq!(check(&strange).await.level, FindingLevel::Broken, "a certificate that nobody vouches for");
    let wrong = ImapConfig { password: "no".to_owned(), ..config.clone() };
    assert_eq!(check(&wrong).await.level, FindingLevel::Broken);
    dovecot.deliver("1", &mail(1, "g-1@in.example, other@st.example"));
    dovecot.deliver("2", &mail(2, "somebody@st.example"));
    dovecot.deliver("3", &format!("{}{}", mail(3, "x@y.example"), "long\r\n".repeat(3_000)));
    let desk = Arc::new(Desk::default());
    let shutdown = CancellationToken::new();
    let port: Arc<dyn IntakeDesk> = Arc::clone(&desk) as Arc<dyn IntakeDesk>;
    let serving = tokio::spawn(serve(config, port, Arc::new(SystemClock), shutdown.clone()));
    wait_for(&desk, 2).await;
    {
        let taken = desk.taken.lock().unwrap();
        assert_eq!(taken[0].origin.rcpt_to, ["g-1@in.example"]);
        assert_eq!(taken[0].origin.mail_from.as_deref(), Some("nurse@st.example"));
        assert_eq!(taken[1].origin.rcpt_to, ["intake@in.example"], "none of ours is named");
        assert!(taken[0].origin.interface.as_deref().unwrap().starts_with("INBOX/"));
    }
    // By IDLE, long before the poll.
    dovecot.deliver("4", &mail(4, "intake@in.example"));
    wait_for(&desk, 3).await;
    // The connection breaks; what comes meanwhile is taken afterwards.
    dovecot.break_sessions();
    dovecot.deliver("5", &mail(5, "intake@in.example"));
    wait_for(&desk, 4).await;
    // The store is away: the mail stays where it is.
    desk.away.store(true, Ordering::SeqCst);
    dovecot.deliver("6", &mail(6, "intake@in.example"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(desk.taken.lock().unwrap().len(), 4);
    desk.away.store(false, Ordering::SeqCst);
    wait_for(&desk, 5).await;
    // A move is a copy that the server follows with a removal.
    dovecot.until_it("has moved all but the one that is too large", || {
        dovecot.count(".kakehashi") == 5 && dovecot.count("") == 1
    });
    shutdown.cancel();
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_marked_where_people_look_too() {
    let Some(dovecot) = Dovecot::start("mark") else { return };
    for n in 1..=3 {
        dovecot.deliver(&n.to_string(), &mail(n, "intake@in.example"));
    }
    for _ in 0..2 {
        let desk = Arc::new(Desk::default());
        let shutdown = CancellationToken::new();
        let port: Arc<dyn IntakeDesk> = Arc::clone(&desk) as Arc<dyn IntakeDesk>;
        let config = dovecot.config(Taken::Mark);
        let serving = tokio::spawn(serve(config, port, Arc::new(SystemClock), shutdown.clone()));
        let count = if dovecot.count("") == 3 { 3 } else { 1 };
        wait_for(&desk, count).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!((desk.taken.lock().unwrap().len(), *desk.again.lock().unwrap()), (count, 0));
        shutdown.cancel();
        serving.await.unwrap();
        // A second start sees only what is new.
        dovecot.deliver("4", &mail(4, "intake@in.example"));
    }
    assert_eq!(dovecot.count(""), 5, "nothing left the folder");
}

/// Most memory that this process had since `forget`, in bytes.
fn most_memory(forget: bool) -> usize {
    if forget {
        // Writing 5 makes the mark start anew (proc(5)).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_mails_go_to_the_disk_in_pieces() {
    const LINE: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n";
    let Some(dovecot) = Dovecot::start("large") else { return };
    let spool = dovecot.folder.join("spool");
    std::fs::create_dir(&spool).unwrap();
    let desk = Arc::new(Desk { spool: Some(spool), ..Desk::default() });
    let config =
        ImapConfig { max_message_bytes: 60_000_000, ..dovecot.config(Taken::Move("done".to_owned())) };
    let header = mail(1, "g-1@in.example");
    let shutdown = CancellationToken::new();
    let port: Arc<dyn IntakeDesk> = Arc::clone(&desk) as Arc<dyn IntakeDesk>;
    let serving = tokio::spawn(serve(config, port, Arc::new(SystemClock), shutdown.clone()));
    dovecot.deliver("0", &mail(0, "g-1@in.example"));
    wait_for(&desk, 1).await;
    let before = most_memory(true);

    let lines = 50_000_000 / LINE.len();
    dovecot.deliver_pieces("1", &header, LINE, lines);
    wait_for(&desk, 2).await;
    let more = most_memory(false).saturating_sub(before);
    println!("a mail of 50 MB cost {more} bytes of memory");
    assert!(more < 16_000_000, "{more} bytes more in memory");
    assert!(desk.largest_piece.load(Ordering::SeqCst) <= 1024 * 1024);
    {
        let taken = desk.taken.lock().unwrap();
        assert_eq!(taken[1].origin.rcpt_to, ["g-1@in.example"]);
        assert_eq!(taken[1].sender_message_id.as_deref(), Some("1@st.example"));
        let whole = taken[1].bytes.whole().unwrap();
        assert!(*whole == [header.as_bytes(), LINE.repeat(lines).as_bytes()].concat());
    }

    // The same mail by another way is known by the same.
    let short = 500_000 / LINE.len();
    dovecot.deliver_pieces("2", &mail(2, "g-1@in.example"), LINE, short);
    wait_for(&desk, 3).await;
    let key = {
        let taken = desk.taken.lock().unwrap();
        assert!(taken[2].bytes.file().is_some());
        taken[2].dedup_key.clone()
    };
    shutdown.cancel();
    serving.await.unwrap();

    let held = Arc::new(Desk::default());
    let shutdown = CancellationToken::new();
    let port: Arc<dyn IntakeDesk> = Arc::clone(&held) as Arc<dyn IntakeDesk>;
    let config =
        ImapConfig { max_message_bytes: 60_000_000, ..dovecot.config(Taken::Move("done".to_owned())) };
    let serving = tokio::spawn(serve(config, port, Arc::new(SystemClock), shutdown.clone()));
    dovecot.deliver_pieces("3", &mail(2, "g-1@in.example"), LINE, short);
    wait_for(&held, 1).await;
    {
        let taken = held.taken.lock().unwrap();
        assert_eq!((taken[0].bytes.file().is_some(), &taken[0].dedup_key), (false, &key));
    }

    // A header beyond all measure, and a mail that is larger than the limit, stay in the folder.
    shutdown.cancel();
    serving.await.unwrap();
    let shutdown = CancellationToken::new();
    let port: Arc<dyn IntakeDesk> = Arc::clone(&desk) as Arc<dyn IntakeDesk>;
    let config =
        ImapConfig { max_message_bytes: 3_000_000, ..dovecot.config(Taken::Move("done".to_owned())) };
    let serving = tokio::spawn(serve(config, port, Arc::new(SystemClock), shutdown.clone()));
    dovecot.deliver_pieces("4", "From: a@b.example\r\n", "X-Y: z\r\n", 200_000);
    dovecot.deliver_pieces("5", &mail(5, "g-1@in.example"), LINE, 4_000_000 / LINE.len());
    dovecot.deliver("6", &mail(6, "g-1@in.example"));
    wait_for(&desk, 4).await;
    assert_eq!(desk.taken.lock().unwrap()[3].sender_message_id.as_deref(), Some("6@st.example"));
    dovecot.until_it("has moved what was taken", || dovecot.count(".done") == 5 && dovecot.count("") == 2);
    shutdown.cancel();
    serving.await.unwrap();
}
