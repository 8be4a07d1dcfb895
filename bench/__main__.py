"""All benchmarks, one after another: tables here, JSON in bench/results. `python -m bench turn sweep` runs these two."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main(names: list[str]) -> int:
    """Run the named benchmarks (all when none is named), each in a process of its own; the worst exit code."""
    there = sorted(path.stem for path in HERE.glob("[!_]*.py"))
    unknown = [name for name in names if name not in there]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join(there)}.", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    worst = 0
    for name in names or there:
        print(f"\n{name}\n", flush=True)
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(RESULTS / f"{name}.json")]
        worst = max(worst, subprocess.run(command, cwd=HERE.parent, check=False).returncode)
    return worst


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
