"""Processes: forks while others work, forks of C, subprocesses, multiprocessing."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import Any, Callable

import pytest
from conftest import PLAN, flags

import rollgate
from rollgate import Engine

# ROLLGATE_FORKS=1000 asks for more.
FORKS = int(os.environ.get("ROLLGATE_FORKS", "100"))
# Far more than a child takes, and far less than a deadlock.
PATIENCE = 60.0


def child(fork: Callable[[], int], work: Callable[[], None]) -> None:
    """Runs ``work`` in a child; fails where it fails, and where it does not end."""
    pid = fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pytest.fail("a child never ended: a deadlock")


FORK_OF_C = """
#include <unistd.h>
void PyOS_AfterFork_Child(void);
int fork_of_c(void) {
    int pid = fork();
    if (pid == 0) PyOS_AfterFork_Child();
    return pid;
}
"""


@pytest.fixture(scope="module")
def fork_of_c(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], int]:
    """A fork that runs none of Python's hooks before it, as uWSGI forks its workers.

    In C, because no bytecode may run between the two calls: the interpreter would hand its lock to a thread that is not in
    the child, and wait for that thread for ever.
    """
    folder = tmp_path_factory.mktemp("fork")
    (folder / "fork.c").write_text(FORK_OF_C)
    command = ["cc", "-shared", "-fPIC", "-o", str(folder / "fork.so"), str(folder / "fork.c")]
    subprocess.run(command, check=True)
    fork: Callable[[], int] = ctypes.PyDLL(str(folder / "fork.so")).fork_of_c
    return fork


def busy(engine: Engine, count: int) -> Callable[[], None]:
    """Threads that evaluate, record, command and report without pause, until the function that is given back is called."""
    ended = threading.Event()
    flag, latency = engine.flag("NEW"), engine.metric("latency")
    heap, complaints = engine.metric("heap"), engine.metric("complaints")

    def work(number: int) -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            key = f"user-{number}-{turn}"
            flag.is_on_counted(key)
            latency.record_for(key, 5.0)
            heap.record(100.0)
            if turn % 50 == 0:
                complaints.count(0)
                engine.tick()
            # Seldom: a journal of a hundred thousand remarks is what every child would begin with.
            if turn % 5_000 == 0:
                engine.annotate("turn", by="ann")
            if turn % 200 == 0:
                engine.status()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()

    def end() -> None:
        ended.set()
        for thread in threads:
            thread.join()

    return end


@pytest.mark.parametrize("how", ["os.fork", "fork of C"])
def test_children_work_while_their_parents_threads_hold_locks(
    how: str, fork_of_c: Callable[[], int]
) -> None:
    fork = os.fork if how == "os.fork" else fork_of_c
    engine = Engine.from_text(PLAN)
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()
    engine.start()
    flag, latency, keys = engine.flag("NEW"), engine.metric("latency"), [f"user-{n}" for n in range(200)]
    wanted = flag.is_on_many(keys)

    def work() -> None:
        assert flag.is_on_many(keys) == wanted
        assert [engine.is_on("NEW", key) for key in keys] == wanted
        latency.record_for("user-1", 5.0)
        engine.metric("heap").record(100.0)
        flag.is_on_counted("user-1")
        engine.tick()
        assert engine.shares()["NEW"] == 0.5 and engine.status()["status"] == "running"
        assert sum(flag.exposures()) == 1
        assert engine.is_ticking
        records = engine.journal()
        assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
        assert records[-1]["kind"] == "restarted" or "restarted" in [r["kind"] for r in records[-5:]]
        engine.stop_rollout("in the child", by="ann")
        assert not any(flag.is_on_many(keys))
        engine.close()

    end = busy(engine, 8)
    try:
        for _ in range(FORKS if fork is os.fork else max(FORKS // 4, 25)):
            child(fork, work)
    finally:
        end()
    assert flag.is_on_many(keys) == wanted, "what a child decides is the child's"
    engine.close()


def test_children_of_children_work_too() -> None:
    engine = Engine.from_text(PLAN, clock="manual")
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()

    def deeper(left: int) -> None:
        engine.advance(1)
        assert engine.shares()["NEW"] == 0.5
        latency = engine.metric("latency")
        latency.record(1.0)
        assert 'rollgate_latency_samples_total{metric="latency"} 1\n' in engine.prometheus()
        if left:
            child(os.fork, lambda: deeper(left - 1))

    child(os.fork, lambda: deeper(12))
    assert "restarted" not in [record["kind"] for record in engine.journal()]


def test_a_trigger_fires_in_a_child_by_a_handle_of_its_parent() -> None:
    engine = Engine.from_text(PLAN, clock="manual")
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()
    complaints, flag = engine.metric("complaints"), engine.flag("NEW")

    def work() -> None:
        complaints.count(4)
        assert engine.status()["status"] == "rolled_back"
        assert not any(flag.is_on(f"user-{n}") for n in range(100))

    child(os.fork, work)
    assert engine.status()["status"] == "running"


def test_a_ticker_ticks_again_in_a_child() -> None:
    engine = Engine.from_text(PLAN)
    engine.start()

    def work() -> None:
        told = threading.Event()
        engine.on_record(lambda _record: told.set())
        # Nothing here tells callbacks but the ticker.
        engine.alerts().open("warning", "disk")
        assert told.wait(30)
        engine.stop()

    child(os.fork, work)
    engine.close()


def in_process(engine: Any, answers: Any) -> None:
    answers.put((engine.is_on("HALF", "user-1"), engine.shares()["HALF"]))


def in_new_process(answers: Any) -> None:
    in_process(Engine.from_config(flags(HALF="50%")), answers)


def test_multiprocessing_forks_and_spawns() -> None:
    engine = Engine.from_config(flags(HALF="50%"))
    wanted = (engine.is_on("HALF", "user-1"), 0.5)
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        answers = context.Queue()
        forks = method == "fork"
        process = context.Process(
            target=in_process if forks else in_new_process, args=(engine, answers) if forks else (answers,)
        )
        process.start()
        assert answers.get(timeout=PATIENCE) == wanted
        process.join(PATIENCE)
        assert process.exitcode == 0


def test_subprocesses_run_beside_a_ticker() -> None:
    with Engine.from_text(PLAN) as engine:
        engine.start()
        end = busy(engine, 2)
        try:
            for _ in range(5):
                assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\n"
                subprocess.run(["true"], preexec_fn=lambda: engine.is_on("NEW", "u") and None, check=True)
        finally:
            end()
