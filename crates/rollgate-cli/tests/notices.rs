//! `rollgate notices` and `rollgate notify`: the tables, and the webhook against a server on loopback.
#![allow(clippy::unwrap_used)] // A test may fail loudly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/communication.yaml");

fn rollgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollgate")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn r143_the_messages_are_a_table_of_when_audience_channels_and_text() {
    let output = rollgate(&["notices", PLAN, "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let row = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    let cells = |line: String| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    assert_eq!(cells(row("| When")), ["When", "Audience", "Channels", "Message"]);
    let announced = cells(row("| 2d before the first exposure: 2026-01-18 00:00 UTC"));
    assert_eq!(announced[1], "all stakeholders");
    assert_eq!(announced[2], "email; slack:#engineering; slack:#product; status_page");
    assert!(announced[3].starts_with("We're deploying {title}"), "{announced:?}");
    assert_eq!(cells(row("| rolled back (urgent)"))[1], "all stakeholders");
}

#[test]
fn r146_the_channels_are_a_table_of_purpose_and_frequency() {
    let output = rollgate(&["notices", PLAN]);
    let table = text(&output.stdout);
    let row = table.lines().find(|line| line.starts_with("slack:#oncall  ")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words.join(" "), "slack:#oncall Real-time incident updates continuous");
    let json: Value =
        serde_json::from_slice(&rollgate(&["notices", PLAN, "--format", "json"]).stdout).unwrap();
    assert_eq!(json["channels"].as_array().unwrap().len(), 9);
    assert_eq!(json["channels"][4]["frequency"], "incidents");
    assert_eq!(json["notices"][10]["subject"], "Upcoming Memory System Upgrade");
}

/// A server on loopback that answers with these; the bodies that it got come out.
fn server(answers: Vec<u16>) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-token", listener.local_addr().unwrap());
    let (asked, heard) = channel();
    std::thread::spawn(move || {
        for status in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = asked.send(serde_json::from_slice(&body).unwrap());
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, heard)
}

#[test]
fn r150_a_webhook_is_tried_until_it_answers() {
    let (url, heard) = server(vec![500, 200]);
    let asked = [
        "notify",
        PLAN,
        "--when",
        "rolled_back",
        "--channel",
        "slack:#oncall",
        "--wait",
        "0s",
        "--webhook",
        &url,
    ];
    let output = rollgate(&asked);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (first, second) = (heard.recv().unwrap(), heard.recv().unwrap());
    assert_eq!((&first["id"], &first["attempt"], &second["attempt"]), (&second["id"], &1.into(), &2.into()));
    let line = &lines(&output)[0];
    assert_eq!(
        (&line["delivered"], &line["attempt"], &line["urgent"]),
        (&true.into(), &2.into(), &true.into())
    );
    assert_eq!(
        line["message"],
        "[test] Phases 2-4 Memory System rolled back to 0% (everything off). Service stable. Investigating root cause."
    );
    let said = text(&output.stderr);
    assert!(said.contains("127.0.0.1 answered 500") && !said.contains("secret"), "{said}");
}

#[test]
fn r150_a_webhook_that_never_answers_well_is_exit_code_1() {
    let (url, _heard) = server(vec![503, 503]);
    let asked = ["notify", PLAN, "--when", "proposal", "--attempts", "2", "--wait", "0s", "--webhook", &url];
    let output = rollgate(&asked);
    assert_eq!(output.status.code(), Some(1));
    let line = &lines(&output)[0];
    assert_eq!((&line["delivered"], &line["error"]), (&false.into(), &"127.0.0.1 answered 503".into()));
    // Refused at once, and no further attempt: nobody serves a second connection.
    let (url, _heard) = server(vec![404]);
    let output = rollgate(&["notify", PLAN, "--when", "proposal", "--webhook", &url, "--body", "text"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output)[0]["attempt"], 1);
}

/// A command line is read by others; a file and the environment are not.
#[test]
fn r150_the_address_of_a_webhook_stands_in_a_file_or_in_the_environment() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("webhook-address");
    let named = file.to_str().unwrap();
    let notify = |more: &[&str], variable: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollgate"));
        command.args(["notify", PLAN, "--when", "proposal", "--attempts", "1"]).args(more);
        command.envs(variable).output().unwrap()
    };
    for way in [&["--webhook-file", named][..], &["--webhook-env"], &["--webhook-env=HOOK_OF_TEAM"]] {
        let (url, heard) = server(vec![503]);
        std::fs::write(&file, format!("{url}\n")).unwrap();
        let variable = way[0].strip_prefix("--webhook-env=").unwrap_or("ROLLGATE_WEBHOOK");
        let output = notify(way, Some((variable, url.as_str())));
        assert_eq!(output.status.code(), Some(1), "{way:?}: {}", text(&output.stderr));
        assert_eq!(heard.recv().unwrap()["when"], "proposal");
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(said.contains("127.0.0.1 answered 503") && !said.contains("secret"), "{way:?}: {said}");
    }
    // A variable that is set and not asked for sends nothing.
    let output = notify(&[], None).status.code();
    assert_eq!(output, Some(2), "--attempts goes with an address");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollgate"));
    command.args(["notify", PLAN, "--when", "proposal"]).env("ROLLGATE_WEBHOOK", "http://127.0.0.1:1/");
    let quiet = command.output().unwrap();
    assert_eq!((quiet.status.code(), lines(&quiet)[0].get("delivered")), (Some(0), None));
    // What is wrong is named by its place; a secret that stands in the wrong one is not shown.
    std::fs::write(&file, "hooks.example.org/secret\n").unwrap();
    let secret = "https://hooks.example.org/secret";
    let wrong = Some(("ROLLGATE_WEBHOOK", "hooks.example.org/secret"));
    for (way, variable, reason) in [
        (vec!["--webhook-file", named], None, "webhook-address: a webhook needs an address such as https://"),
        (vec!["--webhook-file", "no-such-file"], None, "no-such-file cannot be read"),
        (vec!["--webhook-env"], None, "environment variable ROLLGATE_WEBHOOK is not set"),
        (vec!["--webhook-env"], wrong, "environment variable ROLLGATE_WEBHOOK: a webhook needs an address"),
        (vec!["--webhook-file", secret], None, "an address stands where"),
        (vec!["--webhook-env=https://hooks.example.org/secret"], None, "an address stands where"),
    ] {
        let output = notify(&way, variable);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{way:?}: {said}");
        assert!(said.contains(reason) && !said.contains("secret"), "{way:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn without_a_webhook_notices_are_only_written_out() {
    let output = rollgate(&["notify", PLAN, "--phase", "fifty_percent"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = lines(&output);
    assert_eq!(lines.len(), 27, "every notice for every channel");
    let passed = lines.iter().find(|line| line["when"] == "phase_passed").unwrap();
    assert_eq!(
        passed["message"],
        "[test] Phase 2: 50% Rollout successful. Proceeding to Phase 3: 100% Rollout."
    );
    assert!(
        lines.iter().all(|line| line["message"].as_str().is_some_and(|text| text.starts_with("[test] ")))
    );
    assert!(lines.iter().all(|line| line.get("delivered").is_none()));
}

#[test]
fn what_the_plan_does_not_have_is_named() {
    let refused = |asked: &[&str], reason: &str| {
        let output = rollgate(asked);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(reason), "{error}");
    };
    refused(&["notify", PLAN, "--when", "rolledback"], "it has those for awaiting_decision, before_start");
    refused(&["notify", PLAN, "--phase", "two"], "it has pre_deployment, ten_percent");
    refused(&["notify", PLAN, "--when", "weekly", "--channel", "email"], "they go to leadership");
    refused(&["notify", PLAN, "--webhook", "hooks.example.org"], "https://hooks.example.org/");
}
