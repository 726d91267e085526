"""What a table in the shell costs: as the lab pads it, and as rich draws it, of the same cells, in turn.

python benchmarks/tables.py [--rows 1000]
"""

from __future__ import annotations

import argparse
import io
import time
from statistics import median

from rich.console import Console
from rich.table import Table as RichTable

from labcore.cli.output import table

ROUNDS = 9
HEAD = ["run", "name", "state", "test accuracy", "time", "who", "tags", "device"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rows", type=int, default=1000)
    options = arguments.parse_args()
    rows = [
        [
            f"20261128-{n:06d}-esc10-compact-ab12",
            f"esc10 · quick · fold {n % 5}",
            "finished",
            "93.8 %",
            "0:12",
            "me",
            "",
            "cpu",
        ]
        for n in range(options.rows)
    ]
    ways = {"padded by the lab": padded, "drawn by rich": drawn}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, function in ways.items():
            start = time.process_time()
            written = function(rows)
            seconds[way].append(time.process_time() - start)
            assert written.count("\n") == options.rows + 1
    for way, taken in seconds.items():
        print(f"{way:20} {1000 * median(taken):7.1f} ms of the processor for {options.rows} rows of {len(HEAD)} cells")


def padded(rows: list[list[str]]) -> str:
    return "\n".join(table(HEAD, rows).lines(lambda text, style: text)) + "\n"


def drawn(rows: list[list[str]]) -> str:
    console = Console(file=io.StringIO(), width=200, markup=False, highlight=False, emoji=False)
    made = RichTable(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for title in HEAD:
        made.add_column(title, no_wrap=True)
    for row in rows:
        made.add_row(*row)
    with console.capture() as capture:
        console.print(made)
    return capture.get()


if __name__ == "__main__":
    main()
