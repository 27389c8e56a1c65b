"""Runs a file in the format of ``tests/spec/bucketing.json`` and prints ``Python: N of M``.

A vector holds where every way to ask gives its answer and its bucket.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import rollgate

# Plans stay far below the number of flags that one may have.
FLAGS = 500


def hold(vectors: list[dict[str, Any]]) -> int:
    """How many vectors hold."""
    return sum(_hold(vectors[at : at + FLAGS]) for at in range(0, len(vectors), FLAGS))


def _hold(vectors: list[dict[str, Any]]) -> int:
    flags: dict[str, Any] = {}
    for place, vector in enumerate(vectors):
        share = vector["share_ppm"]
        flags[f"F{place}"] = {
            "share": f"{share // 10_000}.{share % 10_000:04d}%",
            "bucketing": {"salt": vector["salt"]},
            # Two variants of half each: which one is served tells the other bucket.
            "variants": {"low": {"share": "50%"}, "high": {"share": "50%"}},
        }
    plan = {"version": 1, "name": "vectors", "flags": flags}
    with_variants = rollgate.Engine.from_config(plan)
    for flag in flags.values():
        del flag["variants"]
    engine = rollgate.Engine.from_config(plan)
    return sum(
        _holds(engine, with_variants, f"F{place}", vector) for place, vector in enumerate(vectors)
    )


def _holds(engine: rollgate.Engine, with_variants: rollgate.Engine, name: str, vector: dict[str, Any]) -> bool:
    key, on = vector["key"], vector["on"]
    flag = engine.flag(name)
    answer = engine.evaluate(name, key)
    variant = with_variants.evaluate(name, key)
    side = "low" if vector["variant_bucket"] < 1 << 31 else "high"
    return (
        flag.is_on(key) is on
        and flag.is_on(key.encode()) is on
        and engine.is_on(name, key) is on
        and flag.is_on_many([key]) == [on]
        and answer.on is on
        and answer.bucket in (vector["bucket"], None if vector["share_ppm"] in (0, 1_000_000) else vector["bucket"])
        and (variant.variant == side if on else variant.on is False)
    )


def main(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)["vectors"]
    held = hold(vectors)
    print(f"Python: {held} of {len(vectors)}")
    return 0 if held == len(vectors) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: vectors.py FILE")
    sys.exit(main(sys.argv[1]))
