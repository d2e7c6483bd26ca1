"""What `import resayil` costs, beside what imports of others cost, in milliseconds.

By `-X importtime`, cumulative, warm: each in an interpreter of its own whose bytecode is there, the
least of several. `cargo xtask bench` runs it; `--short` only tries it out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

MODULES = ("resayil", "tenacity", "stamina", "backoff", "google.api_core.retry", "openai")


def cost(module: str, environment: dict[str, str]) -> float:
    """One import, in milliseconds."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    # The outermost modules' lines stand less deep; that of the site is not ours.
    top = module.partition(".")[0]
    lines = [line.split("|") for line in ran.stderr.splitlines() if line.count("|") == 2][1:]
    rows = {name: float(total) for _, total, name in lines if not name.startswith("   ")}
    return sum(total for name, total in rows.items() if name.strip().partition(".")[0] == top) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="benchmark of the import")
    parser.add_argument("--short", action="store_true", help="one round, only to see that it works")
    rounds = 1 if parser.parse_args().short else 10
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'':>22} {'import':>10}")
        for module in MODULES:
            cost(module, environment)  # The bytecode is made.
            least = min(cost(module, environment) for _ in range(rounds))
            print(f"{module:>22} {least:>7.1f} ms")


if __name__ == "__main__":
    main()
