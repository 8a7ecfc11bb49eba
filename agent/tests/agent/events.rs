//! The errors' way from the mail log to the service.

use crate::support::{AgentProcess, FakeService, Policy, bounce, config, eventually};
use agent::{
    clock::Clock,
    events::{
        incoming,
        log_file::{LogFile, LogPosition},
        spool::Spool,
    },
    run::Agent,
};
use shared::delivery_event::{NewDeliveryEvent, Outcome};
use std::{collections::BTreeSet, fs, fs::OpenOptions, io::Write, path::Path};

pub fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

pub fn read(log: &mut LogFile) -> Vec<String> {
    let mut all = Vec::new();
    // A few empty answers may come while it finds its way from file to file.
    for _ in 0..5 {
        all.extend(log.next_lines().unwrap());
    }
    all
}

/// What a restarted agent reads from there.
pub fn restart(path: &Path, log: &LogFile) -> LogFile {
    let json = serde_json::to_string(log.position()).unwrap();
    LogFile::new(path.to_owned(), serde_json::from_str::<LogPosition>(&json).unwrap())
}

/// What is done to a log between two readings.
type Rotation = fn(&Path);

const ROTATIONS: [(&str, Rotation); 4] = [
    ("renamed and created", |path| {
        append(path, "three\n");
        fs::rename(path, path.with_extension("log.1")).unwrap();
        append(path, "four\n");
    }),
    ("renamed twice", |path| {
        append(path, "three\n");
        fs::rename(path, path.with_extension("log.2")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        append(&path.with_extension("log.1"), "four\n");
        std::thread::sleep(std::time::Duration::from_millis(20));
        append(path, "");
    }),
    ("copied and truncated", |path| {
        append(path, "three\n");
        fs::copy(path, path.with_extension("log.1")).unwrap();
        fs::write(path, "").unwrap();
        append(path, "four\n");
    }),
    ("copied, truncated and longer than before", |path| {
        append(path, "three\n");
        fs::copy(path, path.with_extension("log.1")).unwrap();
        fs::write(path, "").unwrap();
        append(path, "four\n");
        append(path, "# a comment that is longer than all lines before it were together\n");
    }),
];

#[test]
fn a_rotated_log_is_read_once_and_whole_while_running_and_after_a_restart() {
    for restarted in [false, true] {
        for (name, rotate) in ROTATIONS {
            if name == "renamed twice" && !restarted {
                continue; // Nothing but an agent that is down misses a whole file.
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("mail.log");
            append(&path, "one\ntw");
            let mut log = LogFile::new(path.clone(), LogPosition::default());
            assert_eq!(read(&mut log), ["one"]);
            append(&path, "o\n");
            assert_eq!(read(&mut log), ["two"]);
            rotate(&path);
            if restarted {
                log = restart(&path, &log);
            }
            let mut lines = read(&mut log);
            append(&path, "five\n");
            lines.extend(read(&mut log));
            lines.retain(|line| !line.starts_with('#'));
            assert_eq!(lines, ["three", "four", "five"], "{name}, restarted: {restarted}");
        }
    }
}

/// A writer that has not noticed the rotation, or a second one, still writes to the old file.
#[test]
fn lines_that_come_into_the_old_file_after_its_rotation_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail.log");
    append(&path, "one\n");
    let mut log = LogFile::new(path.clone(), LogPosition::default());
    assert_eq!(read(&mut log), ["one"]);
    let old = path.with_extension("log.1");
    append(&path, "tw");
    fs::rename(&path, &old).unwrap();
    append(&path, "three\n");
    assert_eq!(read(&mut log), ["three"]);
    append(&old, "o\nfour\n");
    append(&path, "five\n");
    assert_eq!(read(&mut log), ["two", "four", "five"]);
    // The next rotation ends the time of the old file.
    append(&old, "six");
    fs::rename(&path, path.with_extension("log.0")).unwrap();
    append(&path, "seven\n");
    assert_eq!(read(&mut log), ["six", "seven"]);
}

/// As after `postfix logrotate`, which leaves a log that only root may read. Tests run as root: a link to itself stands
/// for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_after_a_rotation_is_told_and_read_as_soon_as_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (log, old) = (folder.join("mail.log"), folder.join("mail.log.1"));
    let service = FakeService::start([]).await;
    append(&log, &bounced(0));
    let _agent = AgentProcess::start(folder, service.address, &format!("mail_log = {log:?}\nmyhostname = \"pfe\"\n"));
    let arrived = || service.state().reports.len();
    eventually("the first error arrives", || arrived() == 1).await;
    fs::rename(&log, &old).unwrap();
    append(&old, &bounced(1));
    eventually("what still comes into the old file is read", || arrived() == 2).await;
    std::os::unix::fs::symlink(&log, &log).unwrap();
    let status = || fs::read_to_string(folder.join("data/status.json")).unwrap_or_default();
    eventually("the status tells", || status().contains("cannot read the mail log")).await;
    fs::remove_file(&log).unwrap();
    append(&log, &bounced(2));
    eventually("the error in the new file arrives", || arrived() == 3).await;
    eventually("nothing is wrong any more", || status().contains("\"problem\": null")).await;
    let said = fs::read_to_string(folder.join("agent.log")).unwrap();
    assert_eq!(said.matches("cannot read the mail log").count(), 1, "{said}");
}

#[test]
fn a_truncated_log_is_read_from_its_start_and_a_missing_one_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail.log");
    let mut log = LogFile::new(path.clone(), LogPosition::default());
    assert!(read(&mut log).is_empty());
    append(&path, "one\ntwo\n");
    assert_eq!(read(&mut log), ["one", "two"]);
    fs::write(&path, "three\n").unwrap();
    assert_eq!(read(&mut log), ["three"]);
    assert!(read(&mut log).is_empty());
}

fn event(n: usize) -> NewDeliveryEvent {
    NewDeliveryEvent {
        id: format!("event-{n}"),
        address: format!("user{n}@example.com"),
        outcome: Outcome::Error,
        reason: None,
        smtp_code: Some(550),
        status: Some("5.1.1".to_owned()),
        reply: Some("x".repeat(900)),
        occurred_at: Clock::system().now(),
    }
}

#[test]
fn a_full_spool_refuses_whole_and_takes_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 9 << 20).unwrap();
    let events: Vec<_> = (0..1_000).map(event).collect();
    let mut taken = 0;
    while spool.append(&events).is_ok() {
        taken += 1_000;
    }
    assert!(taken >= 4_000);
    assert_eq!(spool.backlog(), taken);
    drop(spool);
    // Killed in the middle of a line.
    let last = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    append(&last, "{\"id\":\"half");
    let spool = Spool::open(folder.path(), 9 << 20).unwrap();
    assert_eq!(spool.backlog(), taken);
    let mut seen = 0;
    loop {
        let batch = spool.next_batch(700).unwrap();
        if batch.is_empty() {
            break;
        }
        let ids: Vec<_> = batch.events.iter().map(|event| event.id.clone()).collect();
        let expected: Vec<_> = (seen..seen + ids.len()).map(|n| format!("event-{}", n % 1_000)).collect();
        assert_eq!(ids, expected);
        seen += ids.len();
        spool.done(&batch);
    }
    assert_eq!((seen as u64, spool.backlog()), (taken, 0));
    spool.append(&events).unwrap();
}

/// What happens to a segment between two starts.
type Damage = fn(&Path);

/// The ids of everything that waits; it is then done.
fn sent(spool: &Spool) -> Vec<String> {
    let batch = spool.next_batch(100).unwrap();
    spool.done(&batch);
    batch.events.into_iter().map(|event| event.id).collect()
}

#[test]
fn events_are_sent_again_rather_than_lost_when_the_position_is_of_a_segment_that_was_cut_or_deleted() {
    let damages: [(&str, Damage, &[&str]); 3] = [
        ("deleted", |segment| fs::remove_file(segment).unwrap(), &["event-3"]),
        ("cut at a line", |segment| fs::write(segment, first_line(segment)).unwrap(), &["event-0", "event-3"]),
        (
            "cut and longer than before",
            |segment| {
                fs::write(segment, first_line(segment).replace("event-0", "an-event-with-a-longer-id") + "x\n").unwrap()
            },
            &["an-event-with-a-longer-id", "event-3"],
        ),
    ];
    for (damage, cut, expected) in damages {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 9 << 20).unwrap();
        let events = if damage == "cut and longer than before" { 1 } else { 3 };
        spool.append(&(0..events).map(event).collect::<Vec<_>>()).unwrap();
        assert_eq!(sent(&spool).len(), events);
        drop(spool);
        cut(&folder.path().join("00000000000000000001.ndjson"));
        let spool = Spool::open(folder.path(), 9 << 20).unwrap();
        spool.append(&[event(3)]).unwrap();
        assert_eq!(sent(&spool), expected, "{damage}");
        assert_eq!(spool.backlog(), 0, "{damage}");
    }
}

#[test]
fn a_line_of_the_spool_that_is_no_text_is_put_aside_and_holds_back_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let segment = folder.path().join("00000000000000000001.ndjson");
    Spool::open(folder.path(), 9 << 20).unwrap().append(&[event(0)]).unwrap();
    OpenOptions::new().append(true).open(segment).unwrap().write_all(b"{\"id\":\"\xff\xfe\"}\n").unwrap();
    let spool = Spool::open(folder.path(), 9 << 20).unwrap();
    spool.append(&[event(1)]).unwrap();
    assert_eq!(sent(&spool), ["event-0", "event-1"]);
    assert_eq!(spool.backlog(), 0);
    let rejected = fs::read_to_string(folder.path().join("rejected.ndjson")).unwrap();
    assert!(rejected.lines().count() == 1 && rejected.contains("\u{fffd}"), "{rejected}");
}

fn first_line(segment: &Path) -> String {
    fs::read_to_string(segment).unwrap().split_inclusive('\n').next().unwrap().to_owned()
}

pub fn bounced(n: usize) -> String {
    format!(
        "Nov 23 17:10:19 pfe postfix/smtp[1]: 4ZzQxv{n:04}z1: to=<user{n}@example.com>, relay=mx.example.com[192.0.2.1]:25, \
         delay=0.1, delays=0/0/0/0.1, dsn=5.1.1, status=bounced (host mx.example.com[192.0.2.1] said: \
         550 5.1.1 User unknown (in reply to RCPT TO command))\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_the_log_reach_the_service_through_its_absence_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("mail.log");
    let service = FakeService::start([]).await;
    let start = |address| {
        let config = config(folder.path(), address, &format!("mail_log = {log:?}\nmyhostname = \"pfe\"\n"));
        Agent::start(config, Clock::system())
    };
    let reported = |service: &FakeService| -> BTreeSet<String> {
        let state = service.state();
        state.reports.iter().map(|event| event["address"].as_str().unwrap().to_owned()).collect()
    };
    append(&log, &bounced(0));
    let agent = start(service.address).await.unwrap();
    eventually("the first error arrives", || reported(&service).contains("user0@example.com")).await;

    let gone = service.away().await;
    (1..=2_500).for_each(|n| append(&log, &bounced(n)));
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    agent.stop().await;
    fs::rename(&log, folder.path().join("mail.log.1")).unwrap();
    append(&log, &bounced(2_501));
    let agent = start(gone.0).await.unwrap();
    let service = FakeService::back(gone).await;
    eventually("every error arrives", || reported(&service).len() == 2_502).await;
    let ids: BTreeSet<_> =
        service.state().reports.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2_502, "what was sent twice has the same id");

    // One that the service refuses does not hold back the others.
    let refused = {
        let refused = bounced(2_502);
        append(&log, &refused);
        eventually("it arrives", || reported(&service).len() == 2_503).await;
        service.state().reports.last().unwrap()["id"].as_str().unwrap().to_owned()
    };
    assert!(!ids.contains(&refused));
    service.state().report_status = 422;
    (3_000..3_003).for_each(|n| append(&log, &bounced(n)));
    let rejected = folder.path().join("data/spool/rejected.ndjson");
    eventually("they are put aside", || fs::read_to_string(&rejected).is_ok_and(|text| text.lines().count() == 3))
        .await;
    service.state().report_status = 200;
    append(&log, &bounced(4_000));
    eventually("the next arrives", || reported(&service).contains("user4000@example.com")).await;
    agent.stop().await;
}

/// As with amavis: the filter takes the message, Postfix has it again, and the recipient's server refuses it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_content_filter_took_is_not_reported_as_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("mail.log");
    let service = FakeService::start([]).await;
    append(
        &log,
        "Nov 23 17:10:18 pfe postfix/smtp[1]: 4ZzQxu9999z1: to=<user0@example.com>, relay=127.0.0.1[127.0.0.1]:10024, \
         delay=1.2, delays=0.1/0/0/1.1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): \
         250 2.0.0 Ok: queued as 4ZzQxv0000z1)\n",
    );
    append(&log, &bounced(0));
    let more = format!("mail_log = {log:?}\nmyhostname = \"pfe\"\nignored_relays = [\"127.0.0.1:10024\"]\n");
    let agent = Agent::start(config(folder.path(), service.address, &more), Clock::system()).await.unwrap();
    eventually("the error arrives", || !service.state().reports.is_empty()).await;
    let outcomes: Vec<_> = service.state().reports.iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes, ["error"]);
    agent.stop().await;
}

/// The local part of the addresses below: no line of the agent's log may have it.
const NAME: &str = "taro.yamada";

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_agents_log_names_an_address_whatever_is_refused_or_fails() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (log, data, address) = (folder.join("mail.log"), folder.join("data"), format!("{NAME}@example.com"));
    let service = FakeService::start([address.clone()]).await;
    let more = format!("mail_log = {log:?}\nmyhostname = \"pfe\"\nbounce_mailbox = \"bounce\"\n");
    let agent = AgentProcess::start(folder, service.address, &more);
    service.in_sync().await;
    assert!(Policy::open(agent.policy).await.refuses(&address).await);
    let rejected = data.join("spool/rejected.ndjson");
    let put_aside = |count: usize| fs::read_to_string(&rejected).is_ok_and(|text| text.lines().count() == count);

    // Requests that are refused with words about the address: of a line of the mail log, and of a bounce message.
    service.state().report_status = 422;
    append(&log, &bounced(7).replace("user7@", &format!("{NAME}@")));
    eventually("the error is put aside", || put_aside(1)).await;
    let recipient = format!("--recipient=bounce+{NAME}=example.com@bounces.ours.test");
    let message = format!(
        "From: MAILER-DAEMON@far.test\nMessage-Id: <1@far.test>\n\n<{address}>:\nRemote host said: 550 5.1.1 User unknown\n"
    );
    let output = bounce(folder, &[&recipient], message.as_bytes());
    // This ends in Postfix's log.
    assert_eq!(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), "failures taken: 1\n");
    eventually("the bounce is put aside", || put_aside(2)).await;

    // One of a request that is taken.
    let hand_over =
        |n| incoming::hand_over(&data, &[NewDeliveryEvent { address: address.clone(), ..event(n) }]).unwrap();
    {
        let mut state = service.state();
        state.report_status = 200;
        state.rejected_ids.insert("event-8".to_owned());
    }
    hand_over(8);
    eventually("the event is put aside", || put_aside(3)).await;

    // And nobody to take anything.
    service.away().await;
    hand_over(9);
    eventually("the agent says so", || AgentProcess::has_said(folder, "cannot report events")).await;

    let said = fs::read_to_string(folder.join("agent.log")).unwrap();
    assert_eq!(said.matches("an event was rejected").count(), 3, "{said}");
    assert_eq!(said.matches("<t***@example.com>: no mailbox '***' here").count(), 3, "{said}");
    let lines = said.lines().filter(|line| line.to_lowercase().contains(NAME));
    assert_eq!(lines.collect::<Vec<_>>(), Vec::<&str>::new());
}
