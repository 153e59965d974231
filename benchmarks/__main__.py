"""Run benchmarks by name, each in a process of its own: ``python -m benchmarks [NAME ...]``.

A benchmark is a module of this folder with a function ``main()`` that prints its figures. See README.md.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
SKIPPED = 75  # exit code of a benchmark that cannot run here, such as without the real images


def benchmarks() -> dict[str, str]:
    """Find the benchmarks.

    Returns
    -------
    dict
        First line of each module's docstring, by name.
    """
    found = {}
    for path in sorted(FOLDER.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def run(name: str, *options: str) -> int:
    """Run one benchmark.

    Parameters
    ----------
    name : str
        Name of its module.
    *options : str
        What it finds in ``sys.argv``.

    Returns
    -------
    int
        Its exit code.
    """
    command = [
        sys.executable,
        "-c",
        f"from benchmarks.{name} import main; raise SystemExit(main())",
        *options,
    ]
    return subprocess.run(command, cwd=FOLDER.parent, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that were asked for, or all of them.

    Parameters
    ----------
    arguments : list of str, optional
        Names, or ``--list``; by default those of the command line.

    Returns
    -------
    int
        0 when all of them ran or were skipped, 1 when one failed, 2 when there is no such benchmark.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="Which to run. Default: all of them.")
    parser.add_argument("--list", action="store_true", help="List them and stop.")
    parser.add_argument(
        "--write", action="store_true", help="Also renew the pages of docs/ that tell of them."
    )
    options = parser.parse_args(arguments)
    known = benchmarks()
    if options.list:
        print("\n".join(f"{name:<20} {title}" for name, title in known.items()))
        return 0
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    outcomes = {}
    for name in options.names or known:
        print(f"\n== {name}: {known[name]}", flush=True)
        start = time.perf_counter()
        code = run(name, *(["--write"] if options.write else []))
        outcome = "done" if code == 0 else "skipped" if code == SKIPPED else f"FAILED (exit code {code})"
        outcomes[name] = code
        print(f"== {name}: {outcome} after {time.perf_counter() - start:.1f} s", flush=True)
    failed = [name for name, code in outcomes.items() if code not in (0, SKIPPED)]
    print(f"\n{len(outcomes)} benchmarks, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
