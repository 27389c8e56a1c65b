//! The names of nodes, and whether one has ended.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many names this process has given.
static GIVEN: AtomicU64 = AtomicU64::new(0);

/// A name for one engine of this process, different from that of every other one.
///
/// `<boot and namespace>/<process id>/<start of the process>/<number>`: so that whoever reads it on the same host can
/// tell whether the process is still there. Where the system does not say what runs, that part is empty.
///
/// A child of a fork asks for its own.
pub fn node_name() -> String {
    let number = GIVEN.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    match (place(), started("self")) {
        (Some(place), Some(started)) => format!("{place}/{pid}/{started}/{number}"),
        // Where nothing can be asked, the time tells two processes of one number apart.
        _ => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            format!("/{pid}/{}/{number}", now.map_or(0, |since| since.as_nanos()))
        }
    }
}

/// Whether a node is known to have ended: it ran on this host, and its process is gone.
///
/// False where that cannot be known: of another host, another container, or before the host was started last.
pub fn has_ended(node: &str) -> bool {
    let parts: Vec<&str> = node.split('/').collect();
    let [at, pid, since, _number] = parts[..] else { return false };
    if at.is_empty() || pid.parse::<u32>().is_err() || place().as_deref() != Some(at) {
        return false;
    }
    // Whoever may not see the first process may not see others either.
    started("1").is_some() && started(pid).as_deref() != Some(since)
}

/// This boot of this host, and the namespace that process ids are of.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}.{space}", boot.trim()))
}

/// When a process was started, in ticks since the boot; `None` where there is none, or where it only waits to be buried.
fn started(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in parentheses, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // The state is field 3; the start is field 22.
    let started = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| started.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_its_process_is_there() {
        let (first, second) = (node_name(), node_name());
        assert_ne!(first, second);
        assert!(!has_ended(&first));
        if !cfg!(target_os = "linux") {
            return;
        }
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id().to_string();
        let name = format!("{}/{pid}/{}/0", place().unwrap(), started(&pid).unwrap());
        assert!(!has_ended(&name), "{name} waits for its input");
        // Another process of the same number, another boot, no name of ours.
        let reused = format!("{}/{pid}/1/0", place().unwrap());
        assert!(has_ended(&reused));
        for unknown in [&format!("elsewhere.1/{pid}/1/0"), "", "a/b", &format!("/{pid}/1/0"), "web-1"] {
            assert!(!has_ended(unknown), "{unknown}");
        }
        child.kill().unwrap();
        // Killed and not yet waited for, it is a zombie; then it is gone. It writes in neither.
        child.wait().unwrap();
        assert!(has_ended(&name));
    }
}
