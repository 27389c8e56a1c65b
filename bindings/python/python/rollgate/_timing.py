"""Functions that are timed: what ``metric.time()`` makes of a function that it decorates."""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# As the interpreter marks code; the module ``inspect``, which has names for these, takes longer to import than rollgate.
_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200


def timed(timer: Any, function: Any) -> Any:
    """The function, with each call timed from its beginning to its end, also where it raises."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    flags = getattr(code, "co_flags", 0)
    if flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise TypeError("the body of a generator runs between its items; time a part of it by `with metric.time():`")
    if flags & _COROUTINE:

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with timer._again():
                return await function(*args, **kwargs)

        return awaited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with timer._again():
            return function(*args, **kwargs)

    return called
