"""The list of what every language can do (``tests/spec/api.toml``): what it names is here, and what is here is in it."""

from __future__ import annotations

import inspect

import rollgate
from rollgate import _rollgate
from test_spec import book

CLASSES = ["Engine", "Flag", "Metric", "Alerts", "ManualClock"]


def named() -> set[str]:
    names = (row["python"] for row in book("api.toml")["call"])
    return {name.lstrip("=") for name in names if not name.startswith("-")}


def test_what_the_book_names_is_here() -> None:
    names = named()
    assert len(names) > 50
    for name in names:
        of, call = name.split(".")
        assert hasattr(getattr(rollgate, of), call), name


def test_what_is_here_is_in_the_book() -> None:
    listed = named() | set(book("api.toml")["only"]["python"])
    for of in CLASSES:
        kind = getattr(_rollgate, of)
        for name, _ in inspect.getmembers(kind):
            if not name.startswith("_"):
                assert f"{of}.{name}" in listed, f"{of}.{name}"
