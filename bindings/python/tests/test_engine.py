"""The rest of the surface: rollouts, metrics, callbacks, clocks, status."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from conftest import PLAN, ROOT, flags

import rollgate
from rollgate import Engine

MEMORY_SYSTEM = ROOT / "examples" / "plans" / "memory-system.yaml"


def kinds(engine: Engine, after: int = 0) -> list[str]:
    return [record["kind"] for record in engine.journal(after)]


# ---- opening


def test_a_plan_opens_from_file_text_and_dict(tmp_path: Path) -> None:
    assert Engine.open(str(MEMORY_SYSTEM)).status()["status"] == Engine.open(MEMORY_SYSTEM).status()["status"]
    config = flags(A="10%")
    for engine in (
        Engine.from_config(config),
        Engine.from_text(json.dumps(config), "json"),
        Engine.from_text('version = 1\nname = "flags"\n[flags.A]\nshare = "10%"\n', "toml"),
    ):
        assert engine.shares() == {"A": 0.1}


def test_a_wrong_plan_says_everything_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(rollgate.InvalidConfig, match="(?s)flags.A.share.*metrics.m.kind") as caught:
        Engine.from_config(
            {"version": 1, "name": "n", "flags": {"A": {"share": "200%"}}, "metrics": {"m": {"kind": "x"}}}
        )
    assert (caught.value.number, caught.value.kind) == (200, "InvalidConfig")
    with pytest.raises(rollgate.IoError):
        Engine.open(tmp_path / "none.yaml")
    with pytest.raises(TypeError):
        Engine.open(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="found set"):
        Engine.from_config({"version": {1}})
    nested: dict[str, Any] = {}
    nested["in"] = nested
    with pytest.raises(ValueError, match="in itself"):
        Engine.from_config(nested)



# ---- rollouts


def test_a_rollout_is_decided_from_python(engine: Engine) -> None:
    with pytest.raises(rollgate.Refused):
        engine.decide("go", by="ann", role="lead", rationale="too early")
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()
    assert engine.shares()["NEW"] == 0.5 and engine.status()["status"] == "running"
    engine.pause("lunch", by="ann")
    assert engine.status()["status"] == "paused"
    engine.resume(by="ann")
    engine.annotate("quiet", "latency", by="ann")
    engine.advance(2 * 3600)
    assert engine.status()["status"] == "awaiting_decision"
    engine.decide("go", by="ann", role="lead", rationale="all green")
    engine.tick()
    assert engine.status()["status"] == "completed"
    records = engine.journal()
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert engine.journal(after=3) == records[3:]
    assert [json.loads(line) for line in engine.journal_lines()] == records
    decided = next(record for record in records if record["kind"] == "decided")
    assert decided["by"] == "ann" and decided["rationale"] == "all green"


BACKUP = """
version: 1
name: careful
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 100% }, actions: { backup: { run: make backup, expect: ok } } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
"""


def test_a_program_runs_the_action_before_a_step_and_reports_what_it_gave() -> None:
    engine = Engine.from_text(BACKUP, clock="manual")
    ran: list[str] = []

    def run_due(has_room: bool) -> None:
        # As in the README: after a tick, in the program's own loop.
        due = engine.status()["action"]
        if due is not None:
            ran.append(due["run"])
            output = "ok" if has_room else "the disk is full"
            engine.report_action(due["action"], has_room, output, run=due["number"])

    engine.start_rollout(by="ann")
    engine.tick()
    assert engine.shares() == {"NEW": 0.0}, "the step waits"
    run_due(has_room=False)
    assert engine.status()["status"] == "paused" and engine.shares() == {"NEW": 0.0}
    # A result that comes too late, or of an action that nobody runs, changes nothing.
    for action in ("backup", "other"):
        with pytest.raises(rollgate.Refused):
            engine.report_action(action, True, "ok", run=1)
    engine.resume(by="ann")
    engine.advance(20)
    run_due(has_room=True)
    engine.advance(20)
    assert engine.shares() == {"NEW": 1.0}
    assert ran == ["make backup", "make backup"]
    finished = [record for record in engine.journal() if record["kind"] == "action_finished"]
    assert [record["ok"] for record in finished] == [False, True]


def test_an_action_is_run_from_a_callback() -> None:
    engine = Engine.from_text(BACKUP, clock="manual")

    def run(record: dict[str, Any]) -> None:
        engine.report_action(record["action"], True, "ok", run=record["run"])

    engine.on("action_started", run)
    engine.start_rollout(by="ann")
    engine.advance(20)
    assert engine.shares() == {"NEW": 1.0}


def test_a_trigger_fires_inside_the_recording_call(started: Engine) -> None:
    heard: list[dict[str, Any]] = []
    started.on("rolled_back", heard.append)
    everything: list[str] = []

    @started.on_record
    def hear(record: dict[str, Any]) -> None:
        everything.append(record["kind"])

    started.metric("complaints").count(4)
    assert started.shares()["NEW"] == 0 and not started.flag("NEW").is_on("user-1")
    started.tick()
    assert [record["kind"] for record in heard] == ["rolled_back"]
    assert {"trigger_fired", "rolled_back"} <= set(everything)
    before = len(everything)
    started.retry(by="ann")
    assert "retried" in everything[before:]


def test_a_callback_that_raises_holds_up_nothing(
    started: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: raised.append(told.exc_value))

    def fail(_record: object) -> None:
        raise RuntimeError("not mine")

    heard: list[object] = []
    started.on("paused", fail)
    started.on("paused", heard.append)
    started.pause(by="ann")
    assert len(heard) == 1 and [str(error) for error in raised] == ["not mine"]
    with pytest.raises(TypeError, match="callable"):
        started.on_record(7)  # type: ignore[arg-type]


def test_a_callback_may_call_the_engine(started: Engine) -> None:
    seen: list[str] = []
    started.on("paused", lambda _record: seen.append(started.status()["status"]))
    started.pause(by="ann")
    assert seen == ["paused"]


def test_commands_are_those_of_a_trace(started: Engine) -> None:
    started.command({"command": "set", "shares": {"OTHER": 0.3}, "by": "ann", "reason": "a try"})
    assert started.shares()["OTHER"] == 0.3
    started.set_shares({"OTHER": 0.2}, by="ann", reason="less")
    assert started.shares()["OTHER"] == 0.2
    started.release("OTHER", by="ann")
    before = started.shares(), len(started.journal())
    for wrong in (
        {"command": "dance", "by": "ann"},
        {"command": "set", "shares": {"OTHER": 2}, "by": "ann"},
        {"by": "ann"},
    ):
        with pytest.raises(rollgate.InvalidArgument):
            started.command(wrong)
    with pytest.raises(rollgate.Error):
        started.set_shares({"NONE": 0.2}, by="ann", reason="no such flag")
    assert started.shares() == before[0]


def test_unknown_metrics_and_wrong_arguments(engine: Engine) -> None:
    with pytest.raises(rollgate.UnknownName, match="latency") as caught:
        engine.metric("latncy")
    assert caught.value.number == 101 and isinstance(caught.value, LookupError)
    with pytest.raises(rollgate.InvalidArgument):
        engine.scorecard("pdf")
    with pytest.raises(rollgate.InvalidArgument):
        engine.scorecard(form="yearly")
    with pytest.raises(rollgate.InvalidArgument, match="severity"):
        engine.alerts().open("loud", "a1")
    with pytest.raises(TypeError, match="attribute"):
        engine.evaluate("NEW", "u", {"x": object()})


# ---- metrics


def test_every_kind_of_metric_records(started: Engine) -> None:
    latency = started.metric("latency")
    latency.record(12.5)
    latency.record_for("user-1", 12.5)
    latency.record_many(3.0, 10)
    errors = started.metric("errors")
    errors.record_outcome(True)
    errors.record_outcomes(1, 10)
    errors.record_outcome_for("user-1", False)
    errors.record_outcomes_for("user-1", 1, 2)
    started.metric("heap").record(100.0)
    started.metric("complaints").count()
    started.metric("nps").record_points(34)
    started.metric("nps").record(9)
    text = started.prometheus()
    for line in (
        'rollgate_latency_samples_total{metric="latency"} 12',
        'rollgate_errors_samples_total{metric="errors"} 14',
        'rollgate_complaints_total{metric="complaints"} 1',
    ):
        assert line in text, text
    assert (latency.key, latency.kind) == ("latency", "distribution")
    alerts = started.alerts()
    alerts.open("warning", "disk")
    alerts.close("disk")
    assert kinds(started)[-2:] == ["alert_opened", "alert_closed"]


def counted(engine: Engine) -> int:
    line = next(line for line in engine.prometheus().splitlines() if line.startswith("rollgate_latency_samples_total"))
    return int(line.split()[-1])


def test_blocks_and_functions_are_timed(started: Engine) -> None:
    latency = started.metric("latency")
    with latency.time():
        pass
    with latency.time_for("user-1"):
        pass
    with pytest.raises(ZeroDivisionError), latency.time():
        1 / 0

    @latency.time()
    def double(x: int, *, times: int = 2) -> int:
        """Doubles."""
        return 1 if x == 0 else double(x - 1) * times

    assert double(3) == 8 and double.__name__ == "double" and double.__doc__ == "Doubles."
    assert counted(started) == 3 + 4

    class Service:
        @latency.time_for("user-1")
        def call(self) -> str:
            raise KeyError("failing bodies are timed")

    with pytest.raises(KeyError):
        Service().call()
    assert counted(started) == 8
    with pytest.raises(TypeError, match="generator"):

        @latency.time()
        def items() -> Any:
            yield 1


def test_async_functions_are_timed_to_their_end(started: Engine) -> None:
    latency = started.metric("latency")

    @latency.time()
    async def answer(fails: bool) -> int:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("no")
        return 42

    async def run() -> list[Any]:
        return await asyncio.gather(answer(False), answer(True), answer(False), return_exceptions=True)

    coroutine = answer(False)
    assert counted(started) == 0, "nothing is timed before it is awaited"
    assert asyncio.run(coroutine) == 42
    assert counted(started) == 1
    results = asyncio.run(run())
    assert results[0] == results[2] == 42 and isinstance(results[1], ValueError)
    assert counted(started) == 4


# ---- answers


def test_an_answer_says_all_of_itself() -> None:
    plan = {
        "version": 1,
        "name": "sizes",
        "flags": {
            "BATCH": {"share": "100%", "variants": {"small": {"value": 10, "share": "100%"}, "large": {"value": 20}}},
            "HALF": {"share": "50%"},
        },
    }
    engine = Engine.from_config(plan)
    answer = engine.evaluate("BATCH", "user-42")
    assert (answer.on, answer.variant, answer.value, answer.reason, answer.error) == (True, "small", 10, "STATIC", None)
    assert answer.share == 1.0 and answer.version >= 1 and answer.value_or(7) == 10 and bool(answer)
    assert str(answer) == "BATCH: on, small = 10 (STATIC)"
    assert "variant='small'" in repr(answer) and repr(answer).startswith("Evaluation(flag='BATCH', on=True")
    assert engine.evaluate("NONE", "u").value_or("x") == "x"
    half = engine.evaluate("HALF", "user-42")
    assert half.reason == "SPLIT" and str(half.bucket) in str(half)
    assert list(half.to_dict()) == ["flag", "on", "variant", "value", "reason", "error", "bucket", "share", "version"]
    assert set(engine.all_on("user-42")) == {"BATCH"} | ({"HALF"} if half else set())
    with pytest.raises(AttributeError):
        answer.on = False  # type: ignore[misc]


def test_exposures_are_counted_where_it_is_asked_for() -> None:
    engine = Engine.from_config(flags(A="100%", B="0%"))
    for _ in range(3):
        engine.is_on("A", "u")
        engine.is_on_counted("A", "u")
        engine.flag("B").is_on_counted("u")
    assert engine.exposures() == {"A": (3, 0), "B": (0, 3)} and engine.flag("A").exposures() == (3, 0)


# ---- time


def test_time_passes_by_hand() -> None:
    clock = rollgate.ManualClock(at=1_768_816_800)
    engine = Engine.from_text(PLAN, clock=clock)
    assert clock.now == 1_768_816_800.0
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.advance(3600)
    assert clock.now == 1_768_820_400.0
    assert engine.status()["status"] == "awaiting_decision", "every evaluation on the way was made"
    assert engine.next_wakeup() > clock.now and engine.until_wakeup() > 0
    other = Engine.from_text(PLAN)
    with pytest.raises(rollgate.InvalidArgument, match="manual"):
        other.advance(1)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            engine.advance(wrong)
    with pytest.raises(ValueError):
        Engine.from_text(PLAN, clock="sundial")


def test_the_ticker_ticks_and_stops() -> None:
    engine = Engine.from_text(PLAN)
    told = threading.Event()

    def hear(_record: object) -> None:
        told.set()
        engine.stop()  # From the ticker's own thread.

    engine.on_record(hear)
    engine.start()
    # Nothing here tells callbacks but the ticker.
    engine.alerts().open("warning", "disk")
    assert told.wait(60)
    engine.start()
    engine.start()
    assert engine.is_ticking
    engine.stop()
    engine.stop()
    assert not engine.is_ticking
    engine.start()
    engine.close()
    assert not engine.is_ticking


def test_a_closed_engine_answers_and_does_nothing_else() -> None:
    with Engine.from_config(flags(A="100%")) as engine:
        engine.start()
        flag = engine.flag("A")
    assert flag.is_on("u") and engine.is_on("A", "u") and engine.evaluate("A", "u").on
    for call in (engine.tick, engine.status, engine.start, engine.journal, lambda: engine.pause()):
        with pytest.raises(ValueError, match="closed"):
            call()
    engine.close()


def test_an_engine_and_its_callbacks_are_collected() -> None:
    engine = Engine.from_config(flags(A="100%"))
    engine.on_record(lambda _record, engine=engine: None)
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_an_interpreter_ends_while_a_ticker_calls_back() -> None:
    code = (
        "import rollgate\n"
        f"e = rollgate.Engine.from_text({PLAN!r})\n"
        "e.on_record(lambda r: None)\n"
        "e.start()\n"
        "e.start_rollout(by='ann')\n"
    )
    for _ in range(5):
        ended = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)
        assert (ended.returncode, ended.stderr) == (0, b"")


# ---- reports: the same text as Rust's


def test_status_and_scorecard_are_those_of_every_language(started: Engine) -> None:
    status = json.loads(started.status_json())
    assert started.status() == status
    assert {"plan", "status", "phase", "step", "shares", "due_in", "calendar", "action"} <= set(status)
    card = json.loads(started.scorecard("json"))
    assert isinstance(card, dict)
    assert "Metric" in started.scorecard("markdown") and started.scorecard() == started.scorecard("text", "phase")
    assert started.summary()
