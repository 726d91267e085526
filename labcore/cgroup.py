"""What a container, or a slice of systemd, leaves to this process: cores and memory, and how much of them is used.

Read from the control groups of Linux, version 2 (one tree) and 1 (a tree a controller). A limit may lie on the group of this
process or on any above it, and the tightest counts. Elsewhere there are no limits to tell.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as a number near 2⁶³."""


@dataclass(frozen=True)
class Cgroup:
    """The control groups of this process. The two paths are arguments for the tests' sake."""

    root: Path = Path("/sys/fs/cgroup")
    own: Path = Path("/proc/self/cgroup")

    def memory(self) -> tuple[int, int] | None:
        """Bytes used and allowed by the tightest limit; None where there is none.

        Files kept in memory that can be let go of at any moment count as free.
        """
        found = []
        for folder in self._folders("memory"):
            limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
            used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
            if limit is not None and used is not None and limit < UNLIMITED:
                statistics = _table(folder / "memory.stat")
                let_go = statistics.get("total_inactive_file", statistics.get("inactive_file", 0))
                found.append((max(0, used - let_go), limit))
        return min(found, key=lambda pair: pair[1], default=None)

    def cores(self) -> float | None:
        """Cores' worth of time that the tightest quota leaves; None where there is none."""
        limited = self._cpu()
        return None if limited is None else limited[0]

    def cpu_seconds(self) -> float | None:
        """Seconds of CPU used so far by the group that has the tightest quota; None where there is no quota."""
        limited = self._cpu()
        if limited is None:
            return None
        folder = limited[1]
        if (usage := _table(folder / "cpu.stat").get("usage_usec")) is not None:
            return usage / 1e6
        # Version 1 counts in a tree of its own, mostly mounted together with the quota's.
        tree = self.root / "cpu"
        beside = self.root / "cpuacct" / folder.relative_to(tree) if folder.is_relative_to(tree) else folder
        nanoseconds = _number(folder / "cpuacct.usage", beside / "cpuacct.usage")
        return None if nanoseconds is None else nanoseconds / 1e9

    def _cpu(self) -> tuple[float, Path] | None:
        found = []
        for folder in self._folders("cpu"):
            try:
                quota, period = (folder / "cpu.max").read_text().split()[:2]
            except (OSError, ValueError):
                quota, period = (str(_number(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
            if quota.isdecimal() and period.isdecimal() and int(period) > 0:
                found.append((int(quota) / int(period), folder))
        return min(found, key=lambda pair: pair[0], default=None)

    def _folders(self, controller: str) -> list[Path]:
        """The folder of this process's group and those above it, as far as they can be seen from here."""
        paths = {"": "/"}
        try:
            lines = self.own.read_text().splitlines()
        except OSError:
            return []
        for line in lines:
            _, names, path = line.split(":", 2)
            paths.update(dict.fromkeys(names.split(","), path))
        first = self.root / controller
        tree, path = (first, paths[controller]) if controller in paths and first.is_dir() else (self.root, paths[""])
        group = tree / path.strip("/")
        groups = [group, *group.parents]
        # In a container the path may be the host's, of which nothing is seen but the group's own folder, at the root.
        return [folder for folder in groups if folder.is_relative_to(tree) and folder.is_dir()]


def _number(*paths: Path) -> int | None:
    """The number in the first of the files that holds one."""
    for path in paths:
        with suppress(OSError, ValueError):  # not there, or "max"
            return int(path.read_text())
    return None


def _table(path: Path) -> dict[str, int]:
    try:
        pairs = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
