"""State in a file: through restarts, many processes, kills and forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import PLAN

import rollgate
from rollgate import Engine

PATIENCE = 30.0


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def role(engine: Engine) -> Any:
    return engine.status()["store"]["role"]


def test_what_was_decided_is_there_again(tmp_path: Path) -> None:
    store = tmp_path / "rollgate.db"
    with Engine.from_text(PLAN, store=store) as engine:
        engine.start_rollout(by="ann")
        engine.check("backup", by="ann")
        engine.tick()
        assert engine.shares() == {"NEW": 0.5, "OTHER": 0.0}
        journal = engine.journal()
    with Engine.from_text(PLAN, store=str(store)) as again:
        assert again.shares() == {"NEW": 0.5, "OTHER": 0.0}
        assert again.journal()[: len(journal)] == journal
        assert again.journal()[-1]["kind"] == "restarted"


def test_a_store_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(rollgate.StoreAway, match="missing"):
        Engine.from_text(PLAN, store=tmp_path / "missing" / "rollgate.db")
    with pytest.raises(rollgate.StoreAway, match="directory"):
        Engine.from_text(PLAN, store=tmp_path)
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database, whatever its name says " * 50)
    with pytest.raises(rollgate.StoreDamaged, match="other.db"):
        Engine.from_text(PLAN, store=other)
    with pytest.raises(TypeError):
        Engine.from_text(PLAN, store=7)  # type: ignore[arg-type]


def test_two_engines_on_one_file_are_one_rollout(tmp_path: Path) -> None:
    store = tmp_path / "rollgate.db"
    first, second = Engine.from_text(PLAN, store=store), Engine.from_text(PLAN, store=store)
    assert (role(first), role(second)) == ("leader", "follower")
    first.start()
    second.start()
    second.start_rollout(by="ann")
    second.check("backup", by="ann")
    wait_for(lambda: first.shares()["NEW"] == 0.5 and second.shares()["NEW"] == 0.5)
    second.stop_rollout(by="bob", reason="enough")
    wait_for(lambda: first.shares()["NEW"] == 0.0)
    first.close()
    wait_for(lambda: role(second) == "leader")
    second.close()


WORKER = """
import sys, time
from rollgate import Engine
engine = Engine.from_text(sys.argv[1], store=sys.argv[2])
engine.start()
print(engine.status()["store"]["role"], flush=True)
while True:
    time.sleep(1)
"""


def test_another_process_goes_on_where_one_was_killed(tmp_path: Path) -> None:
    store = tmp_path / "rollgate.db"
    command = [sys.executable, "-c", WORKER, PLAN, str(store)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "leader"
    engine = Engine.from_text(PLAN, store=store)
    assert role(engine) == "follower"
    engine.start_rollout(by="ann")
    engine.start()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    # On one host nobody waits for the lease of a process that is gone.
    wait_for(lambda: role(engine) == "leader")
    engine.close()


def test_children_of_a_fork_share_their_parents_file(tmp_path: Path) -> None:
    store = tmp_path / "rollgate.db"
    engine = Engine.from_text(PLAN, store=store)
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()
    engine.start()
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                assert engine.is_on("NEW", "user-1") in (True, False)
                assert engine.shares()["NEW"] == 0.5
                found = engine.status()["store"]
                # Where a thread of the parent was inside SQLite at the fork, the child says so and goes on without it.
                if found.get("why") is None:
                    assert found["role"] == "follower"
                    engine.annotate(f"child {number}", by="ann")
                    code = 0
                else:
                    assert "fork" in found["why"]
                    code = 77
            finally:
                os._exit(code)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert set(codes) <= {0, 77} and codes.count(0) >= 1, codes
    wait_for(lambda: sum(r["kind"] == "annotated" for r in engine.journal()) == codes.count(0))
    assert role(engine) == "leader"
    engine.close()
