"""The wheel works where the repository is not: the lines of the README, in an empty environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import ROOT

WHEEL = os.environ.get("ROLLGATE_WHEEL")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(WHEEL is None, reason="ROLLGATE_WHEEL names no wheel; `cargo xtask test` builds one")
def test_the_readme_runs_on_an_installed_wheel(tmp_path: Path) -> None:
    assert WHEEL
    # Without a pip of its own, which takes long to install.
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", WHEEL], check=True, cwd=tmp_path)
    lines = blocks((ROOT / "bindings/python/README.md").read_text(encoding="utf-8"))
    assert len(lines) == 2
    (tmp_path / "readme.py").write_text("\n".join(lines), encoding="utf-8")
    # -I: neither the folder nor the environment's variables reach it.
    ran = subprocess.run([python, "-I", "readme.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "NEW_CHECKOUT: on (STATIC)"
    assert "rolled back to zero" in ran.stdout and "500 " in ran.stdout
    where = subprocess.run(
        [python, "-I", "-c", "import rollgate, os; print(rollgate.__file__); print(sorted(os.listdir(os.path.dirname(rollgate.__file__))))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.startswith(str(tmp_path)) and "py.typed" in where and "_rollgate.pyi" in where


def test_nothing_takes_long_to_import() -> None:
    best: dict[str, int] = {}
    for _ in range(5):
        told = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import rollgate"], capture_output=True, text=True, check=True
        ).stderr
        for line in told.splitlines():
            found = re.match(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(rollgate\S*)", line)
            if found:
                name, total = found[3], int(found[2])
                best[name] = min(best.get(name, total), total)
    assert {"rollgate", "rollgate._rollgate"} <= set(best)
    assert max(best.values()) < 10_000, best
