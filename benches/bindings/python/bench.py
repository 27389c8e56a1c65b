"""What a call costs from Python: rollgate beside a call that does nothing, and beside its peers.

Every one answers one boolean flag at 10 % for keys of 16 bytes, without a network. All take turns in one process, chunk by
chunk, so that the ratios are of one run. A line of JSON each: ``{"name", "ns_min", "ns_median", "allocs"}``; nanoseconds are
of one call (of one key in the batch) of this thread's CPU time, the loop around it among them. A peer that cannot be measured is named on stderr.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import rollgate
from rollgate import _rollgate

FLAGS = 1_000
KEYS = [f"user-{number:011d}" for number in range(1_000)]
CHUNKS = int(os.environ.get("ROLLGATE_CHUNKS", "200"))
# Peers take microseconds, some of them many.
PEER_CHUNKS = max(CHUNKS // 5, 5)

Run = Callable[[], None]


def each(call: Callable[[str], object]) -> Run:
    def run() -> None:
        for key in KEYS:
            call(key)

    return run


def ours() -> dict[str, Run]:
    shares = {f"FLAG_{number}": {"share": "10%"} for number in range(FLAGS)}
    engine = rollgate.Engine.from_config({"version": 1, "name": "bench", "flags": shares})
    flag, is_on, name = engine.flag("FLAG_500"), engine.is_on, "FLAG_500"
    assert 60 < sum(flag.is_on_many(KEYS)) < 140

    def by_name() -> None:
        for key in KEYS:
            is_on(name, key)

    runs: dict[str, Run] = {
        "python/noop": each(_rollgate._Noop().call),
        "python/handle": each(flag.is_on),
        "python/by_name": by_name,
        "python/batch": lambda: flag.is_on_many(KEYS),
    }
    for module, make in (("numpy", lambda m: m.array(KEYS)), ("pyarrow", lambda m: m.array(KEYS))):
        try:
            keys = make(__import__(module))
        except ImportError:
            continue
        runs[f"python/batch_{module}"] = lambda keys=keys: flag.is_on_many(keys)
    return runs


def eppo() -> Callable[[str], object]:
    import eppo_client
    from eppo_client import AssignmentLogger, ClientConfig, Configuration

    variations = {name: {"key": name, "value": name == "on"} for name in ("on", "off")}
    splits = [
        {"variationKey": "on", "shards": [{"salt": "s", "ranges": [{"start": 0, "end": 1_000}]}]},
        {"variationKey": "off", "shards": []},
    ]
    flag = {
        "key": "FLAG",
        "enabled": True,
        "variationType": "BOOLEAN",
        "variations": variations,
        "allocations": [{"key": "all", "rules": [], "splits": splits, "doLog": False}],
        "totalShards": 10_000,
    }
    flags = {
        "createdAt": "2026-01-01T00:00:00.000Z",
        "format": "SERVER",
        "environment": {"name": "bench"},
        "flags": {"FLAG": flag},
    }
    client = eppo_client.init(
        ClientConfig(
            api_key="bench",
            base_url="http://127.0.0.1:9",
            assignment_logger=AssignmentLogger(),
            initial_configuration=Configuration(flags_configuration=json.dumps(flags).encode()),
            poll_interval_seconds=None,
        )
    )
    none: dict[str, Any] = {}
    return lambda key: client.get_boolean_assignment("FLAG", key, none, False)


def growthbook() -> Callable[[str], object]:
    from growthbook import GrowthBook

    rule = {"coverage": 0.1, "force": True, "hashAttribute": "id"}
    book = GrowthBook(features={"FLAG": {"defaultValue": False, "rules": [rule]}})

    def call(key: str) -> object:
        book.set_attributes({"id": key})
        return book.is_on("FLAG")

    return call


def launchdarkly() -> Callable[[str], object]:
    from ldclient import Context, LDClient
    from ldclient.config import Config
    from ldclient.integrations import Files

    weights = [{"variation": 0, "weight": 10_000}, {"variation": 1, "weight": 90_000}]
    flag = {
        "key": "FLAG",
        "version": 1,
        "on": True,
        "salt": "s",
        "variations": [True, False],
        "fallthrough": {"rollout": {"variations": weights}},
    }
    path = os.path.join(tempfile.mkdtemp(), "flags.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"flags": {"FLAG": flag}}, file)
    source = Files.new_data_source(paths=[path])
    client = LDClient(Config("bench", update_processor_class=source, send_events=False))
    return lambda key: client.variation("FLAG", Context.create(key), False)


def statsig() -> Callable[[str], object]:
    from statsig_python_core import DataStore, DataStoreResponse, Statsig, StatsigOptions, StatsigUser

    rule = {
        "name": "tenth",
        "passPercentage": 10,
        "conditions": [
            {"type": "public", "targetValue": None, "operator": None, "field": None, "additionalValues": {},
             "isDeviceBased": False, "idType": "userID"}
        ],
        "returnValue": True,
        "id": "tenth",
        "salt": "tenth",
        "isDeviceBased": False,
        "idType": "userID",
    }
    condition = {**rule["conditions"][0]}  # type: ignore[index,dict-item]
    gate = {
        "name": "FLAG",
        "type": "feature_gate",
        "salt": "s",
        "enabled": True,
        "defaultValue": False,
        "rules": [{**rule, "conditions": ["everybody"]}],
        "isDeviceBased": False,
        "idType": "userID",
        "entity": "feature_gate",
        "version": 1,
    }
    specs = {
        "feature_gates": {"FLAG": gate},
        "dynamic_configs": {},
        "layer_configs": {},
        "layers": {},
        "condition_map": {"everybody": condition},
        "experiment_to_layer": {},
        "has_updates": True,
        "time": 1_767_225_600_000,
    }

    class Store(DataStore):  # type: ignore[misc,valid-type]
        def initialize(self) -> None: ...
        def shutdown(self) -> None: ...
        def set(self, key: str, value: str, time: int | None = None) -> None: ...
        def support_polling_updates_for(self, key: str) -> bool:
            return False

        def get(self, key: str) -> Any:
            return DataStoreResponse(result=json.dumps(specs), time=specs["time"])

    options = StatsigOptions(
        disable_network=True, disable_all_logging=True, output_log_level="none", data_store=Store()
    )
    client = Statsig("secret-bench", options)
    client.initialize().wait()
    return lambda key: client.check_gate(StatsigUser(user_id=key), "FLAG")


def unleash() -> Callable[[str], object]:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": "10", "stickiness": "userId", "groupId": "FLAG"},
        "constraints": [],
    }
    cache = FileCache("rollgate-bench", directory=tempfile.mkdtemp())
    feature = {"name": "FLAG", "type": "release", "enabled": True, "strategies": [strategy]}
    cache.bootstrap_from_dict({"version": 2, "features": [feature]})
    client = UnleashClient(
        "http://127.0.0.1:9", "bench", disable_metrics=True, disable_registration=True, cache=cache
    )
    client.initialize_client(fetch_toggles=False)
    return lambda key: client.is_enabled("FLAG", {"userId": key})


PEERS = {
    "eppo-server-sdk": eppo,
    "growthbook": growthbook,
    "launchdarkly-server-sdk": launchdarkly,
    "statsig-python-core": statsig,
    "UnleashClient": unleash,
}


def peers() -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for name, make in PEERS.items():
        try:
            call = make()
            on = sum(bool(call(key)) for key in KEYS)
        except Exception as error:
            print(f"peer/{name}: not measured: {error!r}", file=sys.stderr)
            continue
        # A peer that did not find its flag is fast, and wrong.
        if not 50 < on < 150:
            print(f"peer/{name}: not measured: {on} of {len(KEYS)} keys are on, not a tenth", file=sys.stderr)
            continue
        runs[f"peer/{name}"] = each(call)
    return runs


def main() -> None:
    logging.disable(logging.CRITICAL)
    runs = {**ours(), **peers()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    gc.collect()
    gc.disable()
    for chunk in range(CHUNKS):
        for name, run in runs.items():
            if name.startswith("peer/") and chunk >= PEER_CHUNKS:
                continue
            began = time.thread_time_ns()
            run()
            times[name].append((time.thread_time_ns() - began) / len(KEYS))
    for name, taken in times.items():
        line = {"name": name, "ns_min": min(taken), "ns_median": statistics.median(taken), "allocs": None}
        print(json.dumps(line), flush=True)
    # Threads of peers would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
