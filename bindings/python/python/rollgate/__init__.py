"""Progressive delivery inside the process that uses it.

>>> import rollgate
>>> plan = {"version": 1, "name": "quick", "flags": {"NEW_SEARCH": {"share": "100%"}}}
>>> engine = rollgate.Engine.from_config(plan)
>>> engine.is_on("NEW_SEARCH", "user-42")
True
"""

from ._errors import (
    BrokenJournal,
    BufferTooSmall,
    CallerError,
    ConfigError,
    Error,
    EvaluationError,
    FlagNotFound,
    General,
    InvalidArgument,
    InvalidConfig,
    InvalidContext,
    InvalidHandle,
    InvalidTrace,
    IoError,
    MetricError,
    NoPlan,
    Panic,
    ParseError,
    ProviderNotReady,
    Refused,
    RolloutError,
    StoreAway,
    StoreError,
    TargetingKeyMissing,
    TypeMismatch,
    UnknownName,
    WrongMetricKind,
)
from ._rollgate import Alerts, Engine, Evaluation, Flag, ManualClock, Metric, Timer

__all__ = [
    "Alerts",
    "BrokenJournal",
    "BufferTooSmall",
    "CallerError",
    "ConfigError",
    "Engine",
    "Error",
    "Evaluation",
    "EvaluationError",
    "Flag",
    "FlagNotFound",
    "General",
    "InvalidArgument",
    "InvalidConfig",
    "InvalidContext",
    "InvalidHandle",
    "InvalidTrace",
    "IoError",
    "ManualClock",
    "Metric",
    "MetricError",
    "NoPlan",
    "Panic",
    "ParseError",
    "ProviderNotReady",
    "Refused",
    "RolloutError",
    "StoreAway",
    "StoreError",
    "TargetingKeyMissing",
    "Timer",
    "TypeMismatch",
    "UnknownName",
    "WrongMetricKind",
]
