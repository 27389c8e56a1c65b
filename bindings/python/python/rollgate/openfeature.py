"""A provider for OpenFeature: ``pip install 'rollgate[openfeature]'``.

>>> from openfeature import api
>>> from rollgate.openfeature import RollgateProvider
>>> api.set_provider(RollgateProvider(engine))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.provider import AbstractProvider, Metadata

from . import Engine, Evaluation

__all__ = ["RollgateProvider"]

_T = TypeVar("_T")


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, (dict, list))


class RollgateProvider(AbstractProvider):
    """Resolves OpenFeature's flags in an engine. No value is turned into one of another type."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def get_metadata(self) -> Metadata:
        return Metadata(name="rollgate")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context, _is_boolean)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context, _is_string)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._resolve(flag_key, default_value, evaluation_context, _is_integer)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        found = self._resolve(flag_key, default_value, evaluation_context, _is_number)
        found.value = float(found.value)
        return found

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        return self._resolve(flag_key, default_value, evaluation_context, _is_object)

    def _resolve(
        self,
        flag_key: str,
        default_value: _T,
        context: EvaluationContext | None,
        is_of_type: Callable[[object], bool],
    ) -> FlagResolutionDetails[_T]:
        key = context.targeting_key if context else None
        attributes: dict[str, Any] = {}
        for name, value in (context.attributes if context else {}).items():
            # A time is a text here; of other things no condition can ask.
            if hasattr(value, "isoformat"):
                attributes[name] = value.isoformat()
            elif isinstance(value, (str, int, float, list, tuple)):
                attributes[name] = value
        try:
            answer = self._engine.evaluate(flag_key, key, attributes)
        except (TypeError, ValueError) as error:
            return FlagResolutionDetails(
                value=default_value,
                reason="ERROR",
                error_code=ErrorCode.INVALID_CONTEXT,
                error_message=str(error),
            )
        return _details(answer, default_value, is_of_type)


def _details(
    answer: Evaluation, default_value: _T, is_of_type: Callable[[object], bool]
) -> FlagResolutionDetails[_T]:
    if answer.error is not None:
        code = ErrorCode[answer.error]
        return FlagResolutionDetails(
            value=default_value, reason="ERROR", error_code=code, error_message=str(answer)
        )
    value: Any = answer.value
    if value is None:
        # Disabled, or a side that serves no value: the caller's default.
        reason = answer.reason if answer.variant is None else "DEFAULT"
        return FlagResolutionDetails(value=default_value, reason=reason, variant=answer.variant)
    if not is_of_type(value):
        return FlagResolutionDetails(
            value=default_value,
            reason="ERROR",
            error_code=ErrorCode.TYPE_MISMATCH,
            error_message=f"{answer.flag} serves {value!r}",
        )
    return FlagResolutionDetails(value=value, reason=answer.reason, variant=answer.variant)
