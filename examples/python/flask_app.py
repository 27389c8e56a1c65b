"""Flask: a flag in a request, its latency and its errors recorded, the rollout behind a route.

Run it: ``flask --app flask_app run``. Under gunicorn with ``--preload`` the engine is opened once and every worker goes on
from there by itself; see ``gunicorn_conf.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

import rollgate

PLAN = Path(__file__).with_name("plan.yaml")


def create_app(clock: Any = None) -> Flask:
    """The application. A test passes its own clock."""
    app = Flask(__name__)
    engine = rollgate.Engine.open(PLAN, clock=clock)
    new_search = engine.flag("NEW_SEARCH")
    latency, errors = engine.metric("search_latency"), engine.metric("search_errors")
    if clock is None:
        engine.start()  # Ticks in a thread: in every worker, from its first request on.
    app.extensions["rollgate"] = engine

    @app.get("/search")
    def search() -> ResponseReturnValue:
        user = request.headers.get("X-User", "")
        fails = True
        try:
            with latency.time_for(user):
                answer = new_one(request.args) if new_search.is_on(user) else old_one(request.args)
            fails = False
        finally:
            errors.record_outcome_for(user, fails)
        return jsonify(answer)

    @app.get("/rollout")
    def rollout() -> ResponseReturnValue:
        return jsonify(engine.status())

    @app.post("/rollout/<command>")
    def decide(command: str) -> ResponseReturnValue:
        """Behind your own sign-in, which knows who asks."""
        body = request.get_json()
        try:
            engine.command({**body, "command": command, "by": request.headers["X-User"]})
        except rollgate.InvalidArgument as error:
            abort(400, str(error))
        except rollgate.Refused as error:
            abort(409, str(error))
        return jsonify(engine.status())

    return app


def old_one(query: Any) -> dict[str, object]:
    return {"found": [query.get("q", "")], "by": "old"}


def new_one(query: Any) -> dict[str, object]:
    if query.get("q") == "boom":
        raise RuntimeError("the new search is broken")
    return {"found": [query.get("q", "")], "by": "new"}
