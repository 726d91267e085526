"""Limits of control groups, in trees laid out as the kernel lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.cgroup import Cgroup


@pytest.fixture
def tree(tmp_path):
    """``tree(own, {path: content})``: the control groups of a process whose /proc/self/cgroup reads ``own``."""

    def made(own: str, files: dict[str, str]) -> Cgroup:
        (tmp_path / "own").write_text(own)
        root = tmp_path / "fs"
        root.mkdir()
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        return Cgroup(root, tmp_path / "own")

    return made


def test_version_2_in_a_container(tree):
    group = tree(
        "0::/\n",
        {
            "cpu.max": "150000 100000\n",
            "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
            "memory.max": "4000\n",
            "memory.current": "3000\n",
            "memory.stat": "anon 1\ninactive_file 1200\n",
        },
    )
    assert group.cores() == 1.5
    assert group.cpu_seconds() == 2.5
    assert group.memory() == (1800, 4000)


def test_the_tightest_limit_above_counts(tree):
    group = tree(
        "0::/slice/service\n",
        {
            "slice/service/memory.max": "max\n",
            "slice/service/memory.current": "10\n",
            "slice/service/cpu.max": "max 100000\n",
            "slice/memory.max": "5000\n",
            "slice/memory.current": "2000\n",
            "slice/cpu.max": "50000 100000\n",
            "slice/cpu.stat": "usage_usec 4000000\n",
        },
    )
    assert group.memory() == (2000, 5000)
    assert group.cores() == 0.5
    assert group.cpu_seconds() == 4.0


def test_a_path_of_the_host_is_read_at_the_root(tree):
    group = tree("0::/docker/abc\n", {"memory.max": "5000\n", "memory.current": "0\n"})
    assert group.memory() == (0, 5000)


def test_version_1(tree):
    group = tree(
        "5:memory:/docker/abc\n4:cpu,cpuacct:/\n",
        {
            "memory/docker/abc/memory.limit_in_bytes": "6000",
            "memory/docker/abc/memory.usage_in_bytes": "2500",
            "memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
            "cpu/cpu.cfs_quota_us": "300000",
            "cpu/cpu.cfs_period_us": "100000",
            "cpuacct/cpuacct.usage": "7000000000",
        },
    )
    assert group.memory() == (2000, 6000)
    assert group.cores() == 3.0
    assert group.cpu_seconds() == 7.0


def test_version_1_without_limits(tree):
    group = tree(
        "5:memory:/\n4:cpu:/\n",
        {
            "memory/memory.limit_in_bytes": "9223372036854771712",
            "memory/memory.usage_in_bytes": "5",
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert group.memory() is None
    assert group.cores() is None
    assert group.cpu_seconds() is None


def test_a_system_without_control_groups(tmp_path):
    group = Cgroup(Path(tmp_path / "none"), Path(tmp_path / "none"))
    assert group.memory() is None
    assert group.cores() is None
    assert group.cpu_seconds() is None
