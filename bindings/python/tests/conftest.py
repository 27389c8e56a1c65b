"""What the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

import rollgate

ROOT = Path(__file__).resolve().parents[3]
SPEC = ROOT / "tests" / "spec"

PLAN = """
version: 1
name: house
flags: { NEW: {}, OTHER: {} }
metrics:
  latency: { kind: distribution, unit: ms, arms: [NEW] }
  errors: { kind: ratio, good: down }
  heap: { kind: gauge, unit: MB, good: down }
  complaints: { kind: event }
  nps: { kind: score }
roles: { lead: {} }
phases:
  - id: half
    duration: 1h
    checklist: { backup: { title: Back it up, owner: lead } }
    steps: [ { set: { NEW: 50% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { loud: { when: { metric: complaints, stat: count, over: 1h, above: 3 }, rollback: { to: zero } } }
    decision: { roles: [lead] }
"""


def flags(**shares: str) -> dict[str, Any]:
    return {"version": 1, "name": "flags", "flags": {name: {"share": share} for name, share in shares.items()}}


@pytest.fixture
def engine() -> rollgate.Engine:
    return rollgate.Engine.from_text(PLAN, clock="manual")


@pytest.fixture
def started(engine: rollgate.Engine) -> rollgate.Engine:
    engine.start_rollout(by="ann")
    engine.check("backup", by="ann")
    engine.tick()
    return engine


@pytest.fixture
def make() -> Callable[..., rollgate.Engine]:
    return lambda **shares: rollgate.Engine.from_config(flags(**shares))
