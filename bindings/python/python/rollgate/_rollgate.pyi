"""The native module. Import its names from ``rollgate``."""

from collections.abc import Callable, Iterable
from os import PathLike
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, final

__all__ = ["Alerts", "Engine", "Evaluation", "Flag", "ManualClock", "Metric", "Timer", "_Noop"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")
_Callback = TypeVar("_Callback", bound=Callable[[dict[str, Any]], object])

_Key: TypeAlias = str | bytes
_Scalar: TypeAlias = str | int | float | bool
_Attributes: TypeAlias = dict[str, Any]
_Clock: TypeAlias = Literal["system", "manual"] | ManualClock

@final
class Engine:
    """Flags, metrics and one rollout, in this process.

    Safe to use from any thread, and after ``fork`` without anything that has to be done before it: flags answer in the
    child at once, at the shares of the fork. From its first call that records, reports or decides, the child has a rollout
    of its own that goes on from the parent's, as after a restart; a ticker that ran in the parent runs there again from
    that call on. Engines cannot be pickled: with ``spawn`` each process opens its own.

    Every command takes ``by``, the person or program that stands behind it, and may take ``role``.
    Errors are of :class:`rollgate.Error`.
    """

    @staticmethod
    def open(plan: str | PathLike[str], store: str | PathLike[str] | None = None, *, clock: _Clock | None = None) -> Engine:
        """Opens an engine on a plan file: YAML, TOML or JSON, by its extension.

        ``store``: the SQLite file that keeps state, journal and windows; made where there is none, and shared by all
        processes of a host that open it. ``None``: in memory. Raises :class:`rollgate.StoreError` where it cannot be used.
        ``clock``: ``"manual"`` is a clock at the Unix epoch that :meth:`advance` moves, for tests; or a
        :class:`ManualClock` of your own. Raises :class:`rollgate.InvalidConfig` with every problem of the plan and
        :class:`rollgate.IoError` where the file cannot be read.
        """

    @staticmethod
    def from_text(
        text: str,
        format: Literal["yaml", "toml", "json"] = "yaml",
        store: str | PathLike[str] | None = None,
        *,
        clock: _Clock | None = None,
    ) -> Engine:
        """Opens an engine on the text of a plan. Otherwise as :meth:`open`."""

    @staticmethod
    def from_config(config: dict[str, Any], store: str | PathLike[str] | None = None, *, clock: _Clock | None = None) -> Engine:
        """Opens an engine on a plan that is a dict, with the keys of a plan file. Otherwise as :meth:`open`."""

    def close(self) -> None:
        """Stops the ticker and forgets the callbacks.

        Flags go on answering; everything else but recording raises :class:`rollgate.InvalidArgument` from here on.
        """

    def __enter__(self) -> Engine: ...
    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def is_on(self, flag: str, key: _Key, default: bool = False, /) -> bool:
        """Whether the flag is on for a subject; ``default`` where it is unknown, disabled, malformed or lacks a key.

        Never raises for a flag. A key that is no str or bytes is a ``TypeError``, a lone surrogate in it a
        ``UnicodeEncodeError``. A flag that is asked often is asked by its handle: :meth:`flag`.
        """

    def is_on_counted(self, flag: str, key: str, /) -> bool:
        """As :meth:`is_on`, and counts the answer as an exposure."""

    def flag(self, name: str, /) -> Flag:
        """A flag's handle: the fast path. An unknown flag gives one that is always off."""

    def evaluate(self, flag: str, key: _Key | None = None, attributes: _Attributes | None = None) -> Evaluation:
        """The answer for one flag and one subject, and why.

        An attribute is a str, int, float or bool, or a list of them; ``None`` is no attribute. Never raises for a flag.
        """

    def all_on(self, key: str, /) -> list[str]:
        """The flags that are on for a subject, in the plan's order, all of one version."""

    def shares(self) -> dict[str, float]:
        """The shares that apply now, as fractions, in the plan's order."""

    def exposures(self) -> dict[str, tuple[int, int]]:
        """How often counting calls answered on and off in this process, by flag."""

    def metric(self, name: str, /) -> Metric:
        """A metric's handle. That of an event metric makes it live: no events are evidence from here on.

        Raises :class:`rollgate.UnknownName` where the plan has no such metric.
        """

    def alerts(self) -> Alerts:
        """The alerts' handle. It makes them live: no alerts are evidence from here on."""

    def tick(self) -> None:
        """Does what is due: at most one evaluation. Calls the callbacks."""

    def next_wakeup(self) -> float:
        """When something may next change by itself, in seconds since the Unix epoch."""

    def until_wakeup(self) -> float:
        """How many seconds until :meth:`next_wakeup`; zero where it is due."""

    def start(self) -> None:
        """Starts a thread that ticks, until :meth:`stop`, :meth:`close` or the end of the interpreter.

        One that runs already is left alone. For the rollout itself see :meth:`start_rollout`.
        """

    def stop(self) -> None:
        """Ends the thread that ticks, and waits for the evaluation under way (but not from within a callback)."""

    @property
    def is_ticking(self) -> bool:
        """Whether a thread ticks; in the child of a fork, whether one will from the next call on."""

    def advance(self, seconds: float, /) -> None:
        """On a manual clock: lets time pass, and ticks whenever something is due on the way.

        Raises :class:`rollgate.InvalidArgument` on any other clock.
        """

    def status(self) -> dict[str, Any]:
        """Where the rollout stands: ``status``, ``phase``, ``shares`` and more."""

    def status_json(self) -> str:
        """As :meth:`status`, as the JSON text that every language gives."""

    def scorecard(
        self,
        format: Literal["text", "markdown", "json"] = "text",
        form: Literal["daily", "weekly", "phase", "final"] = "phase",
    ) -> str:
        """The scorecard of the current phase, judged now."""

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """The journal's records after a sequence number, oldest first."""

    def journal_lines(self, after: int = 0) -> list[str]:
        """As :meth:`journal`, as the lines that the hashes are of."""

    def summary(self) -> str:
        """A few lines for the morning."""

    def prometheus(self) -> str:
        """Metrics, shares, statuses and verdicts in Prometheus' text format."""

    def on_record(self, callback: _Callback, /) -> _Callback:
        """Calls ``callback`` with every new journal record; gives it back, so that it decorates.

        It is called from ticks and commands, in their thread, never from a recording call. What it raises goes to
        ``sys.unraisablehook`` and changes nothing.
        """

    def on(self, kind: str, callback: _Callback, /) -> _Callback:
        """As :meth:`on_record`, for the records of one kind, such as ``"rolled_back"``."""

    def command(self, command: dict[str, Any], /) -> None:
        """Carries out a command as a trace writes it: ``{"command": "pause", "by": "ann"}``.

        Raises :class:`rollgate.Refused` with the reason, which is journalled too, and :class:`rollgate.InvalidArgument`
        with the path of what cannot be read. So do the methods below.
        """

    def start_rollout(self, *, by: str = "host", role: str | None = None) -> None:
        """Begins the first phase."""

    def stop_rollout(self, reason: str = "", *, by: str = "host", role: str | None = None) -> None:
        """Turns everything off at once, until a retry."""

    def pause(self, reason: str = "", *, by: str = "host", role: str | None = None) -> None:
        """Holds the clocks of duration, hold and soak; triggers stay live."""

    def resume(self, reason: str = "", *, by: str = "host", role: str | None = None) -> None:
        """Lets the clocks run again."""

    def retry(self, reason: str = "", *, by: str = "host", role: str | None = None) -> None:
        """Enters again after a rollback or a stop."""

    def capture_baseline(self, *, by: str = "host", role: str | None = None) -> None:
        """Measures the baselines that are to be captured."""

    def check(self, item: str, /, *, by: str = "host", role: str | None = None) -> None:
        """Checks an item of the phase's checklist."""

    def acknowledge(self, item: str, /, *, by: str = "host", role: str | None = None) -> None:
        """Says that what a reminder of the schedule asked for has been done."""

    def attest(
        self,
        item: str,
        value: bool | None = None,
        /,
        *,
        by: str = "host",
        role: str | None = None,
        passed: int | None = None,
        of: int | None = None,
    ) -> None:
        """Signs a statement: true or not, or how many of how many passed. Without any of them it is true."""

    def decide(
        self,
        choice: Literal["go", "no_go", "rollback"],
        /,
        *,
        by: str = "host",
        role: str | None = None,
        rationale: str = "",
        override: str | None = None,
        to: str | None = None,
    ) -> None:
        """Decides on the phase. ``override``: why to go on without the gates; ``to``: where a rollback goes."""

    def approve(self, proposal: str, /, *, by: str = "host", role: str | None = None, rationale: str = "") -> None:
        """Approves the rollback that a manual trigger proposes."""

    def dismiss(self, proposal: str, /, *, by: str = "host", role: str | None = None, reason: str = "") -> None:
        """Turns down what a manual trigger proposes."""

    def set_shares(
        self, shares: dict[str, float], /, *, by: str = "host", role: str | None = None, reason: str = ""
    ) -> None:
        """Sets shares by hand, as fractions, all or nothing. A raise above the plan's step needs a reason."""

    def release(self, *flags: str, by: str = "host", role: str | None = None) -> None:
        """Gives flags back to the plan; no flags are all of them."""

    def annotate(
        self, text: str, metric: str | None = None, *, by: str = "host", role: str | None = None
    ) -> None:
        """Writes a remark beside the numbers, of one metric or of all."""

    def follow_up(
        self, item: str, *, owner: str, due: str, title: str = "", by: str = "host", role: str | None = None
    ) -> None:
        """Adds a thing to do, with its owner and a date, or a length of time from now."""

    def report_action(
        self,
        action: str,
        is_ok: bool,
        output: str = "",
        *,
        run: int | None = None,
        by: str = "host",
        role: str | None = None,
    ) -> None:
        """Reports the result of the action under way: what it wrote, or why it failed."""

@final
class Flag:
    """One flag. A handle stays good for as long as its engine, in the children of forks too."""

    @property
    def key(self) -> str:
        """Its key."""

    def is_on(self, key: _Key, /) -> bool:
        """Whether it is on for a subject. Takes no lock, in the engine or of the interpreter."""

    def is_on_counted(self, key: str, /) -> bool:
        """As :meth:`is_on`, and counts the answer as an exposure."""

    def is_on_many(self, keys: Iterable[_Key], /) -> Any:
        """Whether it is on, for many subjects.

        A NumPy array gives a NumPy array of bools; a ``pyarrow.Array`` of strings or binaries a
        ``pyarrow.BooleanArray``, where a null is off; everything else a list of bools: lists, other iterables, chunked or
        dictionary arrays, and arrays of other libraries by Arrow's C data interface. Fixed-width NumPy arrays and Arrow
        arrays are read where they lie. Trailing NULs of fixed-width NumPy arrays are padding, as NumPy has it.
        """

    def evaluate(self, key: _Key | None = None, attributes: _Attributes | None = None) -> Evaluation:
        """The answer for a subject, and why."""

    def exposures(self) -> tuple[int, int]:
        """How often :meth:`is_on_counted` answered on and off in this process."""

@final
class Evaluation:
    """The answer for one flag and one subject, and why it is that. True where the flag is on."""

    @property
    def flag(self) -> str:
        """The flag's key."""

    @property
    def on(self) -> bool:
        """Whether the flag is on; false where the answer is the caller's default."""

    @property
    def variant(self) -> str | None:
        """The variant, or ``on`` or ``off`` where there are none; ``None``: the caller's default."""

    @property
    def value(self) -> Any:
        """What is served: bool, str, int, float, dict or list; ``None``: the caller's default."""

    @property
    def reason(self) -> str:
        """OpenFeature's reason: ``STATIC``, ``SPLIT``, ``TARGETING_MATCH``, ``DISABLED`` or ``ERROR``."""

    @property
    def error(self) -> str | None:
        """OpenFeature's error code, where the reason is ``ERROR``."""

    @property
    def bucket(self) -> int | None:
        """The bucket of the subject, where one was computed."""

    @property
    def share(self) -> float:
        """The flag's own share, as a fraction."""

    @property
    def version(self) -> int:
        """The version of the shares that this answer is of."""

    def value_or(self, default: _T, /) -> Any | _T:
        """The value, or ``default`` where there is none."""

    def on_or(self, default: bool, /) -> bool:
        """Whether the flag is on, or ``default`` where the answer is the caller's default."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as a dict."""

    def __bool__(self) -> bool: ...

@final
class Metric:
    """One metric of the plan. What cannot be measured is counted as invalid, and never raises."""

    @property
    def key(self) -> str:
        """Its key."""

    @property
    def kind(self) -> Literal["distribution", "ratio", "gauge", "event", "score"]:
        """Its kind."""

    def record(self, value: float, /) -> None:
        """Records one value, in the metric's unit: a sample, a gauge's new level, a rating."""

    def record_many(self, value: float, count: int, /) -> None:
        """Records ``count`` samples of one value."""

    def record_for(self, key: str, value: float, /) -> None:
        """Records one value of a subject: it counts in the arms that the flags give the subject now."""

    def record_outcome(self, is_true: bool, /) -> None:
        """Records one outcome of a ratio."""

    def record_outcomes(self, true_count: int, total: int, /) -> None:
        """Records outcomes of a ratio: how many were true, of how many."""

    def record_outcome_for(self, key: str, is_true: bool, /) -> None:
        """Records one outcome of a subject."""

    def record_outcomes_for(self, key: str, true_count: int, total: int, /) -> None:
        """Records outcomes of a subject."""

    def count(self, events: int = 1, /) -> None:
        """Counts events. Triggers on them are judged before the call returns."""

    def record_points(self, points: float, /) -> None:
        """Records measured points of a score."""

    def time(self) -> Timer:
        """Times a ``with`` block, or every call of a function that it decorates.

        An ``async def`` is timed from where it is first run to its end, with all that it waits for. A body that raises is
        timed too. The time is real time, also on a manual clock.
        """

    def time_for(self, key: str, /) -> Timer:
        """As :meth:`time`, for a subject."""

@final
class Timer:
    """Times blocks and calls; see :meth:`Metric.time`."""

    def __enter__(self) -> Timer: ...
    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]: ...

@final
class Alerts:
    """The alerts of the program."""

    def open(self, severity: Literal["critical", "warning", "info"], id: str, /) -> None:
        """Opens an alert; an id that is open counts once. Triggers on alerts are judged before the call returns."""

    def close(self, id: str, /) -> None:
        """Closes an alert; one that is not open is left alone."""

@final
class ManualClock:
    """A clock that stands still until it is moved, for tests of programs that use rollgate."""

    def __new__(cls, at: float = 0.0) -> ManualClock:
        """A clock whose calendar says ``at``, in seconds since the Unix epoch."""

    def advance(self, seconds: float) -> None:
        """Time passes. :meth:`Engine.advance` ticks on the way, this does not."""

    def set(self, at: float) -> None:
        """Time passes until the calendar says ``at``; an earlier time changes nothing."""

    @property
    def now(self) -> float:
        """What the calendar says, in seconds since the Unix epoch."""

@final
class _Noop:
    """A call that does nothing, for measuring what a call costs. Not part of the surface."""

    def __new__(cls) -> _Noop: ...
    def call(self, key: str, /) -> bool: ...
