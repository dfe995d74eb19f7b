"""Run benchmarks by name: ``python -m benchmarks cli-startup --json``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path


def names() -> list[str]:
    """Names of the benchmarks in this folder."""
    here = Path(__file__).parent
    return sorted(p.stem.removeprefix("bench_").replace("_", "-") for p in here.glob("bench_*.py"))


def main() -> int:
    """Run what was asked for; exit 1 when a target does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help="benchmark names; none lists them")
    parser.add_argument("--all", action="store_true", help="run every benchmark")
    parser.add_argument("--small", action="store_true", help="small input, to see that it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    chosen = names() if options.all else options.name
    if not chosen:
        print("\n".join(names()))
        return 0
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    failed = False
    for name in chosen:
        module = importlib.import_module(f"benchmarks.bench_{name.replace('-', '_')}")
        for figure in module.run(small=options.small):
            # A small run only shows that the benchmark works; its figures promise nothing.
            failed |= figure.holds is False and not options.small
            if options.json:
                print(json.dumps({"benchmark": name, **figure.as_dict()}), flush=True)
            else:
                mark = {True: "ok", False: "MISSED", None: ""}[figure.holds]
                value = "-" if figure.value is None else f"{figure.value:.6g}"
                line = f"{name:<22} {figure.figure:<32} {value:>12} {figure.unit:<8}"
                print(f"{line} {figure.target:<10} {mark:<7} {figure.note}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
