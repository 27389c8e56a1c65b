"""The recipes of ``examples/python`` run."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import rollgate

RECIPES = ROOT / "examples" / "python"
sys.path.insert(0, str(RECIPES))

USERS = [f"user-{number}" for number in range(400)]


def drive(engine: rollgate.Engine, get: Any, post: Any) -> None:
    """What an application of any framework does."""
    assert get("/rollout", "ann")["status"] == "pending"
    assert {get("/search?q=x", user)["by"] for user in USERS[:50]} == {"old"}
    assert post("/rollout/start", "ann", {})["status"] == "running"
    engine.tick()
    new = [user for user in USERS if get("/search?q=x", user)["by"] == "new"]
    assert 15 < len(new) < 80, "a tenth"
    assert new == [user for user in USERS if engine.flag("NEW_SEARCH").is_on(user)]
    assert post("/rollout/dance", "ann", {}) == 400
    assert post("/rollout/decide", "ann", {"choice": "go", "rationale": "x"}) == 409
    # The new one fails for its users; the trigger takes it back.
    for _ in range(30):
        for user in new:
            if get("/search?q=boom", user) != 500:
                break
    engine.advance(60)
    assert get("/rollout", "ann")["status"] == "rolled_back"
    assert {get("/search?q=x", user)["by"] for user in new} == {"old"}


def test_flask() -> None:
    from flask_app import create_app

    app = create_app(clock="manual")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()

    def answer(response: Any) -> Any:
        return response.get_json() if response.status_code == 200 else response.status_code

    drive(
        app.extensions["rollgate"],
        lambda path, user: answer(client.get(path, headers={"X-User": user})),
        lambda path, user, body: answer(client.post(path, headers={"X-User": user}, json=body)),
    )


def test_fastapi() -> None:
    from fastapi.testclient import TestClient
    from fastapi_app import create_app

    app = create_app(clock="manual")

    def answer(response: Any) -> Any:
        return response.json() if response.status_code == 200 else response.status_code

    with TestClient(app, raise_server_exceptions=False) as client:
        drive(
            app.state.rollgate,
            lambda path, user: answer(client.get(path, headers={"X-User": user})),
            lambda path, user, body: answer(client.post(path, headers={"X-User": user}, json=body)),
        )
    with pytest.raises(ValueError, match="closed"):
        app.state.rollgate.status()


def test_gunicorn_with_preload(tmp_path: Path) -> None:
    gunicorn = shutil.which("gunicorn", path=str(Path(sys.executable).parent))
    assert gunicorn
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # In a session of its own, so that its workers end with it. One worker: a command reaches all of them then.
    server = subprocess.Popen(
        [gunicorn, "-c", "gunicorn_conf.py", "--workers", "1", "--bind", f"127.0.0.1:{port}"],
        cwd=RECIPES,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )

    def ask(path: str, method: str = "GET", user: str = "ann", body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"X-User": user, "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return json.load(connection.getresponse())

    try:
        for _ in range(600):
            try:
                ask("/rollout")
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        assert ask("/search?q=x")["by"] == "old"
        assert ask("/rollout/start", "POST", body={})["status"] == "running"
        # Nothing but the worker's own ticker applies the step.
        for _ in range(600):
            if ask("/rollout")["shares"][0][1] not in (0, 0.0, "0%"):
                break
            time.sleep(0.1)
        found = {ask("/search?q=x", user=user)["by"] for user in USERS[:100]}
        assert found == {"old", "new"}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            pytest.fail("gunicorn did not end")
