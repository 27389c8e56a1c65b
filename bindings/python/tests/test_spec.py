"""The books that every language runs: bucketing, evaluation, error numbers."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import pytest
from conftest import SPEC
from vectors import hold

import rollgate
from rollgate import _errors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def book(name: str) -> dict[str, Any]:
    return tomllib.loads((SPEC / name).read_text(encoding="utf-8"))


def test_bucketing_vectors_hold() -> None:
    vectors = json.loads((SPEC / "bucketing.json").read_text(encoding="utf-8"))["vectors"]
    assert hold(vectors) == len(vectors) > 200


def test_a_wrong_vector_does_not_hold() -> None:
    vectors = json.loads((SPEC / "bucketing.json").read_text(encoding="utf-8"))["vectors"]
    for vector in vectors:
        vector["on"] = not vector["on"]
    assert hold(vectors) == 0


def test_evaluation_cases_hold() -> None:
    count = 0
    for plan in book("evaluation.toml")["plan"]:
        engine = rollgate.Engine.from_text(plan["text"])
        for case in plan["case"]:
            count += 1
            name, key, attributes = case["flag"], case.get("key"), case.get("attributes")
            for answer in (
                engine.evaluate(name, key, attributes),
                engine.flag(name).evaluate(key, attributes),
            ):
                why = f"{plan['text']}\n{case}\n{answer!r}"
                wanted = case["on"]
                assert answer.on is (wanted is True), why
                if wanted == "default":
                    assert [answer.on_or(side) for side in (False, True)] == [False, True], why
                else:
                    assert answer.on_or(not wanted) is wanted, why
                assert case["reason"] in (answer.reason, answer.error), why
                if "variant" in case:
                    assert answer.variant == case["variant"], why
                if "value" in case:
                    value = json.loads(case["value"])
                    assert answer.value == value and type(answer.value) is type(value), why
            if not attributes and key is not None:
                for default in (False, True):
                    assert engine.is_on(name, key, default) is answer.on_or(default), case
                assert engine.flag(name).is_on(key) is answer.on, case
    assert count > 50


def test_error_numbers_are_those_of_the_book() -> None:
    errors = book("errors.toml")["error"]
    assert {error["number"] for error in errors} == set(_errors.BY_NUMBER)
    for error in errors:
        cls = _errors.BY_NUMBER[error["number"]]
        assert (cls.number, cls.kind) == (error["number"], error["name"])
        assert issubclass(cls, rollgate.Error) and getattr(rollgate, cls.__name__) is cls
        group = next(c for c in reversed(cls.__mro__) if issubclass(c, rollgate.Error) and c is not rollgate.Error)
        others = [c for n, c in _errors.BY_NUMBER.items() if n // 100 == cls.number // 100]
        assert all(issubclass(other, group) for other in others), "one group a hundred"
    assert _errors.BY_NUMBER[999] is rollgate.Error


@pytest.mark.parametrize(
    ("cls", "natural"),
    [
        (rollgate.UnknownName, LookupError),
        (rollgate.InvalidArgument, ValueError),
        (rollgate.InvalidConfig, ValueError),
        (rollgate.IoError, OSError),
    ],
)
def test_errors_are_what_python_calls_them_too(cls: type[Exception], natural: type[Exception]) -> None:
    assert issubclass(cls, natural)


def test_status_and_scorecard_are_those_of_the_book() -> None:
    folder = SPEC / "doors"
    engine = rollgate.Engine.from_text((folder / "plan.yaml").read_text(), clock=rollgate.ManualClock(1_772_442_000))
    for line in (folder / "script.txt").read_text().splitlines():
        match line.split("\t"):
            case ["command", command]:
                # What is refused is part of the story.
                with contextlib.suppress(rollgate.Refused):
                    engine.command(json.loads(command))
            case ["advance", ms, times]:
                for _ in range(int(times)):
                    engine.advance(int(ms) / 1000)
            case ["record", metric, key, value]:
                engine.metric(metric).record_for(key, float(value))
            case ["outcomes", metric, trues, total]:
                engine.metric(metric).record_outcomes(int(trues), int(total))
            case ["count", metric, events]:
                engine.metric(metric).count(int(events))
            case other:
                raise AssertionError(other)
    assert engine.status_json() == (folder / "status.json").read_text().rstrip("\n")
    assert engine.scorecard("json") == (folder / "scorecard.json").read_text().rstrip("\n")
