"""FastAPI: the same for ``async def``, with the engine opened and closed by the application's lifespan.

Run it: ``uvicorn --factory fastapi_app:create_app``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException

import rollgate

PLAN = Path(__file__).with_name("plan.yaml")


def create_app(clock: Any = None) -> FastAPI:
    """The application. A test passes its own clock."""
    engine = rollgate.Engine.open(PLAN, clock=clock)
    new_search = engine.flag("NEW_SEARCH")
    latency, errors = engine.metric("search_latency"), engine.metric("search_errors")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if clock is None:
            engine.start()  # Ticks in a thread; the event loop waits for nothing.
        yield
        engine.close()

    app = FastAPI(lifespan=lifespan)
    app.state.rollgate = engine

    @app.get("/search")
    async def search(q: str, x_user: Annotated[str, Header()]) -> dict[str, object]:
        # Neither the flag nor the metric waits for anything: both are fine in a coroutine.
        with latency.time_for(x_user):
            try:
                answer = await (new_one(q) if new_search.is_on(x_user) else old_one(q))
            except Exception:
                errors.record_outcome_for(x_user, True)
                raise
        errors.record_outcome_for(x_user, False)
        return answer

    @app.get("/rollout")
    def rollout() -> dict[str, Any]:
        return engine.status()

    @app.post("/rollout/{command}")
    def decide(command: str, body: dict[str, Any], x_user: Annotated[str, Header()]) -> dict[str, Any]:
        """Behind your own sign-in, which knows who asks. Not ``async``: a command may wait for a lock."""
        try:
            engine.command({**body, "command": command, "by": x_user})
        except rollgate.InvalidArgument as error:
            raise HTTPException(400, str(error)) from error
        except rollgate.Refused as error:
            raise HTTPException(409, str(error)) from error
        return engine.status()

    return app


async def old_one(q: str) -> dict[str, object]:
    return {"found": [q], "by": "old"}


async def new_one(q: str) -> dict[str, object]:
    if q == "boom":
        raise RuntimeError("the new search is broken")
    return {"found": [q], "by": "new"}
