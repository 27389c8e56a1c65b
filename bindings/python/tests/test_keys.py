"""Keys of every kind: the same bucket as Rust, or a clear error."""

from __future__ import annotations

import random
import string
import sys
import threading
from typing import Any, Callable

import numpy as np
import pyarrow as pa
import pytest

import rollgate

Make = Callable[..., rollgate.Engine]


def many(count: int) -> list[str]:
    random.seed(7)
    letters = string.ascii_letters + "äß€😀 \x00x"
    return ["".join(random.choices(letters, k=random.randrange(0, 40))) + "." for _ in range(count)]


def test_keys_of_every_length_are_hashed_whole(make: Make) -> None:
    engine = make(HALF="50%")
    flag = engine.flag("HALF")
    for length in range(10_001):
        key = "ä" * (length // 2) + "x" * (length % 2)
        on = flag.is_on(key)
        assert on is flag.is_on(key.encode()) is engine.is_on("HALF", key)
        if length % 97 == 0 and length:
            bucket = engine.evaluate("HALF", key).bucket
            assert bucket is not None and on is (bucket < 1 << 31)
            assert bucket != engine.evaluate("HALF", key + "y").bucket, "the end counts"


def test_nul_is_part_of_a_key(make: Make) -> None:
    engine = make(HALF="50%")
    keys = ["a", "a\0", "a\0b", "\0", "a\0\0"]
    buckets = [engine.evaluate("HALF", key).bucket for key in keys]
    assert len(set(buckets)) == len(keys)
    assert buckets == [engine.evaluate("HALF", key.encode()).bucket for key in keys]


def test_large_keys_work(make: Make) -> None:
    engine = make(HALF="50%")
    for key in ("k" * 10_000_000, "€" * 4_000_000):
        bucket = engine.evaluate("HALF", key).bucket
        assert bucket is not None and engine.is_on("HALF", key) is (bucket < 1 << 31)
        assert engine.flag("HALF").is_on_many([key]) == [bucket < 1 << 31]


@pytest.mark.parametrize("key", ["\ud800", "a\udfff", "\ude00\ud83d"])
def test_lone_surrogates_are_a_clear_error(make: Make, key: str) -> None:
    engine = make(HALF="50%")
    flag = engine.flag("HALF")
    for ask in (
        lambda: flag.is_on(key),
        lambda: engine.is_on("HALF", key),
        lambda: engine.is_on("HALF", key, True),
        lambda: engine.is_on(key, "user"),
        lambda: engine.evaluate("HALF", key),
        lambda: flag.is_on_many(["fine", key]),
        lambda: flag.is_on_counted(key),
        lambda: engine.evaluate("HALF", "u", {"name": key}),
    ):
        with pytest.raises(UnicodeEncodeError, match="surrogates"):
            ask()
    with pytest.raises(UnicodeError, match="key 1: U\\+D"):
        flag.is_on_many(np.array(["fine", key], dtype="U4"))


@pytest.mark.parametrize("key", [7, 1.5, True, object(), ["a"], bytearray(b"a")])
def test_what_is_no_key_is_a_type_error(make: Make, key: Any) -> None:
    engine = make(HALF="50%")
    flag = engine.flag("HALF")
    for ask in (
        lambda: flag.is_on(key),
        lambda: engine.is_on("HALF", key),
        lambda: engine.evaluate("HALF", key),
        lambda: flag.is_on_many([key]),
    ):
        with pytest.raises(TypeError, match="a key is a str or bytes, found"):
            ask()
    for ask in (lambda: flag.is_on(None), lambda: engine.is_on("HALF", None)):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            ask()


def test_an_unknown_flag_never_raises(make: Make) -> None:
    engine = make(HALF="50%")
    assert engine.is_on("NONE", "u") is False and engine.is_on("NONE", "u", True) is True
    assert engine.flag("NONE").is_on("u") is False
    answer = engine.evaluate("NONE", "u")
    assert (answer.on, answer.reason, answer.error, answer.value) == (False, "ERROR", "FLAG_NOT_FOUND", None)


def test_batches_of_every_kind_give_the_answers_of_single_calls(make: Make) -> None:
    flag = make(HALF="50%").flag("HALF")
    keys = many(10_000)
    wanted = [flag.is_on(key) for key in keys]
    assert 4_000 < sum(wanted) < 6_000
    assert flag.is_on_many(keys) == wanted
    assert flag.is_on_many(tuple(keys)) == flag.is_on_many(key for key in keys) == wanted
    assert flag.is_on_many([key.encode() for key in keys]) == wanted
    encoded = [key.encode() for key in keys]
    arrays = [np.array(keys), np.array(encoded), np.array(keys, dtype=object), np.array(keys).astype(">U50")]
    arrays.append(np.array(keys, dtype=np.dtypes.StringDType()))
    for array in arrays:
        answers = flag.is_on_many(array)
        assert answers.dtype == np.bool_ and answers.tolist() == wanted, array.dtype
        assert flag.is_on_many(array[5::3]).tolist() == wanted[5::3]
        assert flag.is_on_many(array[::-1]).tolist() == wanted[::-1]
        answers[0] = True  # It is the caller's own.
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()):
        column = pa.array(encoded if "binary" in str(kind) else keys, type=kind)
        answers = flag.is_on_many(column)
        assert answers.type == pa.bool_() and answers.to_pylist() == wanted, kind
        assert flag.is_on_many(column[7:4_242]).to_pylist() == wanted[7:4_242]
    for column in (pa.chunked_array([keys[:6_000], keys[6_000:]]), pa.array(keys).dictionary_encode()):
        assert flag.is_on_many(column) == wanted


def test_an_arrow_array_of_another_library_gives_a_list(make: Make) -> None:
    class Column:
        def __arrow_c_array__(self, requested_schema: object = None) -> Any:
            return pa.array(["a", "b", None, ""]).__arrow_c_array__()

    flag = make(HALF="50%").flag("HALF")
    assert flag.is_on_many(Column()) == [flag.is_on("a"), flag.is_on("b"), False, False]


def test_batches_without_keys_or_with_wrong_ones(make: Make) -> None:
    flag = make(ALL="100%").flag("ALL")
    assert flag.is_on_many([]) == [] and flag.is_on_many(np.array([], dtype="U3")).tolist() == []
    assert flag.is_on_many(pa.array([], type=pa.string())).to_pylist() == []
    assert flag.is_on_many(np.array(["", "a"])).tolist() == [flag.is_on(""), flag.is_on("a")]
    for wrong in (np.array([1, 2]), np.array([["a", "b"]]), pa.array([1, 2]), 7, [None]):
        with pytest.raises((TypeError, ValueError)):
            flag.is_on_many(wrong)


def test_sixteen_threads_get_one_answer(make: Make) -> None:
    engine = make(HALF="50%")
    flag, keys = engine.flag("HALF"), many(2_000)
    wanted = flag.is_on_many(keys)
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(5):
            if [flag.is_on_counted(key) for key in keys] != wanted or flag.is_on_many(keys) != wanted:
                wrong.append(number)
            engine.set_shares({"HALF": 0.5}, reason="the same")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    on, off = flag.exposures()
    assert (on, off) == (16 * 5 * sum(wanted), 16 * 5 * (len(keys) - sum(wanted)))


def test_no_module_of_arrays_is_imported_by_us() -> None:
    import subprocess

    code = (
        "import sys, rollgate\n"
        "e = rollgate.Engine.from_config({'version': 1, 'name': 'n', 'flags': {'F': {'share': '100%'}}})\n"
        "assert e.flag('F').is_on_many(['a']) == [True]\n"
        "assert not {'numpy', 'pyarrow', 'inspect', 'asyncio', 'openfeature'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
