"""The exceptions: one class for each number of ``tests/spec/errors.toml``, in groups by hundreds."""

from __future__ import annotations

# `typing` takes longer to import than all of rollgate.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Error(Exception):
    """Anything that rollgate refuses; ``number`` never changes its meaning, ``kind`` is its name."""

    number: ClassVar[int] = 0
    kind: ClassVar[str] = "Error"


class CallerError(Error):
    """1xx: what was passed is not what was asked for."""


class InvalidArgument(CallerError, ValueError):
    """An argument is out of its range or not of its form."""

    number = 100
    kind = "InvalidArgument"


class UnknownName(CallerError, LookupError):
    """A name that the plan does not have: a flag, a metric, a role, a phase."""

    number = 101
    kind = "UnknownName"


class IoError(CallerError, OSError):
    """A file could not be read or written."""

    number = 102
    kind = "Io"


class InvalidHandle(CallerError):
    """A handle is of no open engine. C's; Python's objects keep what they need."""

    number = 103
    kind = "InvalidHandle"


class BufferTooSmall(CallerError):
    """A buffer does not hold what is to be written. C's; Python has none."""

    number = 104
    kind = "BufferTooSmall"


class ConfigError(Error, ValueError):
    """2xx: a file is not what its format asks for."""


class InvalidConfig(ConfigError):
    """A plan file is not what the format asks for; the message has every problem with its place."""

    number = 200
    kind = "InvalidConfig"


class InvalidTrace(ConfigError):
    """A line of a trace is not what the format asks for."""

    number = 201
    kind = "InvalidTrace"


class EvaluationError(Error):
    """3xx: OpenFeature's codes. ``evaluate`` and ``is_on`` give them as answers and never raise them."""


class FlagNotFound(EvaluationError, LookupError):
    """The flag does not exist."""

    number = 300
    kind = "FlagNotFound"


class ParseError(EvaluationError):
    """The flag cannot be read."""

    number = 301
    kind = "ParseError"


class TypeMismatch(EvaluationError, TypeError):
    """The flag is of another type."""

    number = 302
    kind = "TypeMismatch"


class TargetingKeyMissing(EvaluationError):
    """A split needs a targeting key and there is none."""

    number = 303
    kind = "TargetingKeyMissing"


class InvalidContext(EvaluationError, ValueError):
    """The evaluation context is not what it should be."""

    number = 304
    kind = "InvalidContext"


class ProviderNotReady(EvaluationError):
    """No snapshot yet."""

    number = 305
    kind = "ProviderNotReady"


class General(EvaluationError):
    """Anything else."""

    number = 306
    kind = "General"


class MetricError(Error):
    """4xx: metrics."""


class WrongMetricKind(MetricError, TypeError):
    """The metric is of another kind than the call."""

    number = 400
    kind = "WrongMetricKind"


class RolloutError(Error):
    """5xx: the rollout says no."""


class Refused(RolloutError):
    """A command was refused; the rollout is as it was, and the journal says why."""

    number = 500
    kind = "Refused"


class NoPlan(RolloutError):
    """The operation needs a plan, and this setup has flags only."""

    number = 501
    kind = "NoPlan"


class StoreError(Error):
    """7xx: the store."""


class BrokenJournal(StoreError):
    """The journal does not fit its own hashes or this plan."""

    number = 700
    kind = "BrokenJournal"


class StoreAway(StoreError):
    """The store cannot be reached."""

    number = 701
    kind = "StoreAway"


class StoreConflict(StoreError):
    """Another writer was faster; read again."""

    number = 702
    kind = "StoreConflict"


class LeaseLost(StoreError):
    """Another node holds the lease now; nothing was written."""

    number = 703
    kind = "LeaseLost"


class StoreDamaged(StoreError):
    """What is stored does not fit its own sums."""

    number = 704
    kind = "StoreDamaged"


class StoreTooNew(StoreError):
    """The store was written by a later version of rollgate."""

    number = 705
    kind = "StoreTooNew"


class Panic(Error):
    """A mistake of rollgate's own, caught at its door."""

    number = 900
    kind = "Panic"


def _by_number(base: type[Error]) -> dict[int, type[Error]]:
    found = {} if base.number == 0 else {base.number: base}
    for below in base.__subclasses__():
        found.update(_by_number(below))
    return found


class _Classes(dict[int, type[Error]]):
    """A number that this package does not know yet is an ``Error`` all the same."""

    def __missing__(self, number: int) -> type[Error]:
        return Error


BY_NUMBER: dict[int, type[Error]] = _Classes(_by_number(Error))

# A traceback names them as a program imports them.
for _class in (*BY_NUMBER.values(), CallerError, ConfigError, EvaluationError, MetricError, RolloutError, StoreError, Error):
    _class.__module__ = "rollgate"
