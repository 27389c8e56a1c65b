//! Runs an action as a shell command, with an end.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rollgate::engine::DueAction;

/// How often a command is asked whether it has ended.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Bytes of each stream that are kept, the last ones.
const KEPT: usize = 64 << 10;

/// Whether it is in earnest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earnest {
    /// A rehearsal: commands see `ROLLGATE_REHEARSAL=1`.
    Rehearsal,
    /// A rollout.
    Rollout,
}

/// Runs an action in a folder; gives what it wrote to standard output, or why it failed.
pub(crate) fn run(
    action: &DueAction,
    folder: &Path,
    timeout: Duration,
    earnest: Earnest,
) -> Result<String, String> {
    let Some(line) = &action.run else {
        return Err("it has no `run`: there is nothing that a shell could run".into());
    };
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match earnest {
        Earnest::Rehearsal => command.env("ROLLGATE_REHEARSAL", "1"),
        Earnest::Rollout => command.env_remove("ROLLGATE_REHEARSAL"),
    };
    command.env("ROLLGATE_PLAN", action.plan.as_str());
    command.env("ROLLGATE_PHASE", action.phase.as_str()).env("ROLLGATE_STEP", action.step.to_string());
    command.env("ROLLGATE_ACTION", action.action.as_str());
    // A group of its own, so that what it started ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| format!("sh cannot be started: {error}"))?;
    let (out, err) = (child.stdout.take().map(reader), child.stderr.take().map(reader));
    let from = Instant::now();
    let mut ended = wait(&mut child, from, timeout);
    // What it left running may hold its output open for ever: that is waited for no longer than for itself.
    let is_held =
        |reader: &Option<JoinHandle<_>>| reader.as_ref().is_some_and(|reader| !reader.is_finished());
    while (is_held(&out) || is_held(&err)) && !matches!(ended, Ok(None)) {
        if from.elapsed() >= timeout {
            kill(&mut child);
            ended = Ok(None);
        }
        std::thread::park_timeout(ASK_EVERY.min(timeout));
    }
    let (out, err) = (text(out), text(err));
    match ended? {
        None => Err(format!("killed after its timeout of {}", action.timeout)),
        Some(status) if status.success() => Ok(out),
        Some(status) => {
            let said = [err.trim(), out.trim()].into_iter().find(|said| !said.is_empty());
            Err(format!("{status}: {}", said.unwrap_or("it wrote nothing")))
        }
    }
}

/// Waits for the end; `None` where it had to be killed.
fn wait(
    child: &mut Child,
    from: Instant,
    timeout: Duration,
) -> Result<Option<std::process::ExitStatus>, String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if from.elapsed() >= timeout => {
                kill(child);
                return Ok(None);
            }
            Ok(None) => std::thread::park_timeout(ASK_EVERY.min(timeout)),
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
    }
}

fn kill(child: &mut Child) {
    // The standard library signals one process; `kill` signals the whole group.
    #[cfg(unix)]
    let _ = Command::new("kill")
        .args(["-KILL", "--", &format!("-{}", child.id())])
        .stderr(Stdio::null())
        .status();
    // Both may find that it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads a stream to its end beside the command, which would stop at a full pipe.
fn reader(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut kept, mut part) = (Vec::new(), [0; 8_192]);
        while let Ok(count @ 1..) = stream.read(&mut part) {
            kept.extend_from_slice(&part[..count]);
            let over = kept.len().saturating_sub(KEPT);
            kept.drain(..over);
        }
        kept
    })
}

fn text(reader: Option<JoinHandle<Vec<u8>>>) -> String {
    let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollgate::core::id::Key;
    use rollgate::core::time::Span;

    const LONG: Duration = Duration::from_secs(60);

    fn action(line: &str) -> DueAction {
        DueAction {
            plan: Key::new("memory"),
            phase: Key::new("ten"),
            step: 2,
            action: Key::new("backup"),
            title: "Back up".into(),
            run: Some(line.into()),
            expect: None,
            owner: None,
            timeout: Span::seconds(30),
            number: 1,
        }
    }

    fn ran(line: &str) -> Result<String, String> {
        run(&action(line), &std::env::temp_dir(), LONG, Earnest::Rehearsal)
    }

    #[test]
    fn r042_a_command_gives_its_output_and_knows_where_it_is() {
        assert_eq!(ran("echo ok; echo noise >&2").as_deref(), Ok("ok\n"));
        let known =
            ran("echo $ROLLGATE_REHEARSAL $ROLLGATE_PLAN $ROLLGATE_PHASE $ROLLGATE_STEP $ROLLGATE_ACTION");
        assert_eq!(known.as_deref(), Ok("1 memory ten 2 backup\n"));
        assert_eq!(run(&action("pwd"), Path::new("/"), LONG, Earnest::Rollout).as_deref(), Ok("/\n"));
    }

    #[test]
    fn r042_a_command_that_fails_says_why() {
        let why = ran("echo disk full >&2; exit 3").unwrap_err();
        assert!(why.contains('3') && why.contains("disk full"), "{why}");
        assert!(
            run(&DueAction { run: None, ..action("") }, Path::new("/"), LONG, Earnest::Rollout)
                .unwrap_err()
                .contains("no `run`")
        );
    }

    #[test]
    fn a_command_without_an_end_is_killed_with_what_it_started() {
        // The streams stay open until the last of the group has gone: a child that is left would hang this test.
        let why = run(&action("sleep 600 & sleep 600"), Path::new("/"), Duration::ZERO, Earnest::Rollout)
            .unwrap_err();
        assert!(why.contains("timeout of 30s"), "{why}");
        // One that ends, and leaves behind what holds its output.
        let why =
            run(&action("sleep 600 & echo ok"), Path::new("/"), Duration::from_millis(300), Earnest::Rollout)
                .unwrap_err();
        assert!(why.contains("timeout of 30s"), "{why}");
    }

    #[test]
    fn more_than_a_pipe_holds_is_read_and_its_end_kept() {
        let out = ran("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo end").unwrap();
        assert!(out.len() == KEPT && out.ends_with("end\n"), "{}", out.len());
    }
}
