use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use resayil_core::Quota;
use resayil_core::quota::{Admission, Settlement};
use rustix::fs::{FlockOperation, flock};

use super::*;
use crate::clock::monotonic_now;

const KEY: &str = "sk_llmr_secret";

struct Handle {
    quota: Quota,
    path: PathBuf,
    warning: Warning,
}

impl Handle {
    /// How many may be sent now.
    fn remaining(&self) -> u32 {
        self.quota.state(monotonic_now()).remaining.unwrap()
    }

    /// Sends so many.
    fn send(&self, count: usize) {
        for _ in 0..count {
            let (ticket, admission) = self.quota.acquire(monotonic_now());
            assert_eq!(admission, Admission::Ready);
            ticket.settle(&Settlement::unknown(), monotonic_now());
        }
    }

    fn is_shared(&self) -> bool {
        self.warning.take().is_none()
    }
}

fn settlement(refused: bool, consumed: bool) -> Settlement {
    let mut settlement = Settlement::unknown();
    (settlement.refused, settlement.consumed) = (refused, Some(consumed));
    settlement
}

/// Ten requests a day: no window ends in a test.
fn options(folder: &Path) -> HostQuotaOptions {
    let day = Duration::from_secs(24 * 3600);
    HostQuotaOptions::default()
        .with_quota(QuotaOptions::default().with_limit(10).with_window(day))
        .with_folder(folder.to_owned())
}

fn open(folder: &Path) -> Handle {
    open_as(folder, KEY)
}

fn open_as(folder: &Path, key: &str) -> Handle {
    let warning = Warning::default();
    let store = FileStore::open("http://a", key, &options(folder), warning.clone()).unwrap();
    let path = store.file.path().to_owned();
    Handle { quota: Quota::shared(store), path, warning }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn two_handles_are_one_quota() {
    let folder = folder();
    let (one, other) = (open(folder.path()), open(folder.path()));
    one.send(3);
    other.send(4);
    assert_eq!((one.remaining(), other.remaining()), (3, 3));
    one.send(3);
    assert!(matches!(other.quota.acquire(monotonic_now()).1, Admission::Wait(_)));
    // Another key is another quota.
    let third = open_as(folder.path(), "sk_llmr_other");
    assert_eq!(third.remaining(), 10);
    assert!(one.is_shared() && other.is_shared() && third.is_shared());
}

#[test]
fn a_refusal_and_what_it_teaches_reach_the_others() {
    let folder = folder();
    let mut options = options(folder.path());
    options.quota.limit = None;
    let open = || {
        let store = FileStore::open("http://a", KEY, &options, Warning::default()).unwrap();
        Quota::shared(store)
    };
    let (one, other) = (open(), open());
    for _ in 0..2 {
        let (ticket, admission) = one.acquire(monotonic_now());
        assert_eq!(admission, Admission::Ready);
        let answer = settlement(false, true);
        ticket.settle(&answer, monotonic_now());
    }
    let (ticket, _) = one.acquire(monotonic_now());
    let refusal = settlement(true, false);
    ticket.settle(&refusal, monotonic_now());
    assert_eq!(other.state(monotonic_now()).limit, Some(2));
    assert!(matches!(other.acquire(monotonic_now()).1, Admission::Wait(_)));
}

#[test]
fn a_request_that_was_not_counted_is_given_back_to_all() {
    let folder = folder();
    let (one, other) = (open(folder.path()), open(folder.path()));
    let (ticket, _) = one.quota.acquire(monotonic_now());
    assert_eq!(other.remaining(), 9);
    let unused = settlement(false, false);
    ticket.settle(&unused, monotonic_now());
    assert_eq!(other.remaining(), 10);
}

#[test]
fn the_file_is_private_and_holds_no_key() {
    let folder = folder();
    let folder = folder.path().join("new");
    let one = open(&folder);
    one.send(1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&one.path)), (0o700, 0o600));
    let bytes = std::fs::read(&one.path).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"secret"));
    let name = one.path.file_name().unwrap().to_str().unwrap();
    let begin = format!("quota-v{}-", QuotaModel::LAYOUT);
    assert!(name.starts_with(&begin) && !name.contains("secret"), "{name}");
}

#[test]
fn no_damage_stops_anybody_nor_is_much_forgotten() {
    let folder = folder();
    let one = open(folder.path());
    one.send(3);
    let whole = std::fs::read(&one.path).unwrap();
    let lengths = (0..whole.len()).step_by(4099).chain([whole.len() - 1, 1, 63, 64, 65]);
    for length in lengths {
        std::fs::write(&one.path, &whole[..length]).unwrap();
        let other = open(folder.path());
        // The other one knows what is left of it; with nothing left, it begins anew.
        let remaining = other.remaining();
        assert!((7..=10).contains(&remaining), "{remaining} of a file of {length}");
        assert!(other.is_shared());
        // And who knew more tells it.
        std::fs::write(&one.path, &whole[..length.min(40)]).unwrap();
        assert_eq!(one.remaining(), 7);
    }
    // Whatever stands there.
    std::fs::write(&one.path, "a letter to a friend").unwrap();
    assert!(open(folder.path()).is_shared());
    // Each byte of what is used, changed.
    let used: Vec<usize> = (0..whole.len()).filter(|index| whole[*index] != 0).collect();
    assert!(used.len() > 100);
    for index in used {
        let mut bytes = whole.clone();
        bytes[index] ^= 0x55;
        std::fs::write(&one.path, &bytes).unwrap();
        let other = open(folder.path());
        let remaining = other.remaining();
        // One change of the file at the most is lost, as long as one of its two states is whole.
        assert!((7..=8).contains(&remaining), "{remaining} with byte {index} changed");
        other.send(1);
        assert!(other.remaining() < remaining);
        assert!(other.is_shared());
    }
    assert!(one.is_shared());
}

#[test]
fn a_file_that_is_removed_comes_back() {
    let folder = folder();
    let (one, other) = (open(folder.path()), open(folder.path()));
    one.send(3);
    std::fs::remove_file(&one.path).unwrap();
    one.send(1);
    assert_eq!((one.remaining(), other.remaining()), (6, 6));
    std::fs::remove_dir_all(folder.path()).unwrap();
    other.send(1);
    assert_eq!((one.remaining(), other.remaining()), (5, 5));
    assert!(one.is_shared() && other.is_shared());
}

#[test]
fn another_host_and_another_start_of_this_one_have_files_of_their_own() {
    let name = |boot| file_name("http://a", KEY, None, boot);
    assert_eq!(name([1; 16]), name([1; 16]));
    assert_ne!(name([1; 16]), name([2; 16]));
}

#[test]
fn a_suspended_host_finds_its_limit_and_begins_anew_with_the_time() {
    let folder = folder();
    let one = open(folder.path());
    one.send(3);
    let store =
        FileStore::open("http://a", KEY, &options(folder.path()), Warning::default()).unwrap();
    let file = std::fs::File::options().write(true).open(&one.path).unwrap();
    let mut epoch = store.clock.epoch();
    epoch.suspended += 60_000;
    frame::write(&file, 200, epoch, &store.model).unwrap();
    // What was used of the day is used.
    assert_eq!(open(folder.path()).remaining(), 7);
    one.send(1);
    assert_eq!(open(folder.path()).remaining(), 6);
    assert!(one.is_shared());
}

/// The quota works, by itself, and says so once.
fn assert_alone(one: &Handle, problem: &str) {
    let before = one.remaining();
    one.send(2);
    assert_eq!(one.remaining(), before - 2);
    let warning = one.warning.take().unwrap().to_string();
    assert!(warning.contains(problem), "{warning}");
    assert!(!warning.contains("secret"));
    one.send(1);
    assert!(one.is_shared(), "one warning only");
}

#[test]
fn what_cannot_be_used_is_left_alone() {
    let folder = folder();
    let one = open(folder.path());
    // A link, a folder.
    std::fs::remove_file(&one.path).unwrap();
    symlink("/dev/null", &one.path).unwrap();
    assert_alone(&open(folder.path()), "is a link");
    std::fs::remove_file(&one.path).unwrap();
    std::fs::create_dir(&one.path).unwrap();
    assert_alone(&open(folder.path()), "irectory");
    std::fs::remove_dir(&one.path).unwrap();
    // Others may write there.
    let chmod = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod(folder.path(), 0o777);
    assert_alone(&open(folder.path()), "written by other users");
    chmod(folder.path(), 0o700);
    std::fs::write(&one.path, "").unwrap();
    chmod(&one.path, 0o666);
    assert_alone(&open(folder.path()), "written by other users");
    chmod(&one.path, 0o600);
    assert!(open(folder.path()).is_shared());
    // A link to a folder, and a file for a folder.
    let link = folder.path().join("link");
    symlink(folder.path(), &link).unwrap();
    assert_alone(&open(&link), "is not a folder");
    assert_alone(&open(&one.path), "is not a folder");
    assert_alone(&open(Path::new("/proc/nothing/here")), "/proc/nothing");
    if rustix::process::geteuid().is_root() {
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::chown(&other, Some(12345), None).unwrap();
        assert_alone(&open(&other), "another user");
    } else {
        chmod(folder.path(), 0o500);
        std::fs::remove_file(&one.path).unwrap_err();
        assert_alone(&open_as(folder.path(), "new"), "denied");
        chmod(folder.path(), 0o700);
    }
}

#[test]
fn a_full_disk_is_no_outage() {
    let folder = folder();
    let other = open(folder.path());
    let warning = Warning::default();
    let mut store =
        FileStore::open("http://a", KEY, &options(folder.path()), warning.clone()).unwrap();
    // As the kernel says it, of a device that is always full.
    if let Ok(full) = std::fs::File::options().read(true).write(true).open("/dev/full") {
        let error = frame::write(&full, 0, store.clock.epoch(), &store.model).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
    store.is_full = true;
    let store = Arc::new(Mutex::new(store));
    let one = Quota::shared(Shifted(store.clone(), Duration::ZERO));
    for count in 1..=3 {
        let (_ticket, admission) = one.acquire(monotonic_now());
        assert_eq!(admission, Admission::Ready);
        assert_eq!(one.state(monotonic_now()).remaining, Some(10 - count));
    }
    assert!(warning.take().unwrap().to_string().contains("space"));
    assert!(warning.take().is_none());
    // There is room again: all three are counted, the one that could not be written, too.
    store.lock().unwrap().is_full = false;
    other.send(1);
    let later = Quota::shared(Shifted(store, Duration::from_secs(100)));
    assert_eq!(later.state(monotonic_now()).remaining, Some(6));
    assert_eq!(other.remaining(), 6);
}

#[test]
fn what_was_sent_alone_is_counted_later() {
    let folder = folder();
    let other = open(folder.path());
    other.send(1);
    let warning = Warning::default();
    let mut store =
        FileStore::open("http://a", KEY, &options(folder.path()), warning.clone()).unwrap();
    let path = store.file.path().to_owned();
    let now = store.clock.time(monotonic_now());
    // A holder that does not let go.
    let holder = std::fs::File::open(&path).unwrap();
    flock(&holder, FlockOperation::LockExclusive).unwrap();
    let start = std::time::Instant::now();
    store.exchange(&[QuotaOperation::Read], now);
    assert!(start.elapsed() >= Duration::from_millis(250));
    assert!(warning.take().unwrap().to_string().contains("locked"));
    let store = Arc::new(Mutex::new(store));
    let one = Quota::shared(Shifted(store.clone(), Duration::ZERO));
    let start = std::time::Instant::now();
    let mut tickets: Vec<_> = (0..3).map(|_| one.acquire(monotonic_now())).collect();
    assert!(start.elapsed() < Duration::from_millis(200), "it does not wait again each time");
    assert!(tickets.iter().all(|(_, admission)| *admission == Admission::Ready));
    drop(holder);
    other.send(2);
    // Later it looks again.
    let later = Quota::shared(Shifted(store, Duration::from_secs(10)));
    assert_eq!(later.state(monotonic_now()).remaining, Some(4));
    assert_eq!(other.remaining(), 4);
    // The answers to what was sent alone concern nobody else's requests.
    let unused = settlement(false, false);
    tickets.remove(0).0.settle(&unused, monotonic_now());
    assert_eq!(other.remaining(), 4);
}

/// The store at a later time.
struct Shifted(Arc<Mutex<FileStore>>, Duration);

impl QuotaStore for Shifted {
    fn time(&self, now: Duration) -> Duration {
        self.0.lock().unwrap().time(now) + self.1
    }

    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        self.0.lock().unwrap().exchange(operations, now)
    }
}
