"""The OpenFeature provider."""

from __future__ import annotations

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from rollgate import Engine
from rollgate.openfeature import RollgateProvider

PLAN = """
version: 1
name: open
flags:
  ON: { share: 100% }
  HALF: { share: 50% }
  OFF: { enabled: false }
  DE: { rules: [ { when: { attribute: country, equals: DE }, serve: true } ] }
  TEXT: { share: 100%, variants: { a: { value: hello, share: 100% } } }
  SIZE: { share: 100%, variants: { a: { value: 10, share: 100% } } }
  RATE: { share: 100%, variants: { a: { value: 0.5, share: 100% } } }
  TREE: { share: 100%, type: json, variants: { a: { value: { b: [1] }, share: 100% } } }
"""


@pytest.fixture
def client():  # type: ignore[no-untyped-def]
    api.set_provider(RollgateProvider(Engine.from_text(PLAN)))
    yield api.get_client()
    api.clear_providers()


def test_every_type_is_resolved(client) -> None:  # type: ignore[no-untyped-def]
    user = EvaluationContext("user-42")
    assert client.get_boolean_value("ON", False, user) is True
    assert client.get_string_value("TEXT", "x", user) == "hello"
    assert client.get_integer_value("SIZE", 0, user) == 10
    assert client.get_float_value("RATE", 0.0, user) == 0.5
    assert client.get_float_value("SIZE", 0.0, user) == 10.0
    assert client.get_object_value("TREE", {}, user) == {"b": [1]}
    assert client.get_boolean_value("DE", False, EvaluationContext("u", {"country": "DE"})) is True
    assert client.get_boolean_value("DE", True, EvaluationContext("u", {"country": "US"})) is False


def test_what_has_no_answer_gives_the_default_and_says_why(client) -> None:  # type: ignore[no-untyped-def]
    user = EvaluationContext("user-42")
    for details, code in (
        (client.get_boolean_details("NONE", True, user), ErrorCode.FLAG_NOT_FOUND),
        (client.get_boolean_details("TEXT", True, user), ErrorCode.TYPE_MISMATCH),
        (client.get_boolean_details("HALF", True, EvaluationContext()), ErrorCode.TARGETING_KEY_MISSING),
        (client.get_boolean_details("ON", True, EvaluationContext("\ud800")), ErrorCode.INVALID_CONTEXT),
    ):
        assert details.value is True and details.error_code is code and details.reason == "ERROR"
    details = client.get_boolean_details("OFF", True, user)
    assert details.value is True and details.error_code is None and details.reason == "DISABLED"
    half = client.get_boolean_details("HALF", False, user)
    assert half.reason == "SPLIT" and half.variant in ("on", "off")
