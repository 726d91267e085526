"""The oldest driver that a CUDA runtime works with.

Source: NVIDIA, "CUDA Toolkit Release Notes", table "CUDA Toolkit and Minimum Required Driver Version for CUDA Minor Version
Compatibility", https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ and "CUDA Compatibility", "Minor Version Compatibility",
https://docs.nvidia.com/deploy/cuda-compatibility/. Since CUDA 11 any minor version runs on the first driver of its major version;
a driver that is newer than that always does.
"""

from __future__ import annotations

SOURCE = "NVIDIA CUDA Toolkit Release Notes, minor version compatibility"

MINIMUM = {
    13: ("580.65.06", "580.65"),
    12: ("525.60.13", "528.33"),
    11: ("450.80.02", "452.39"),
    10: ("440.33", "441.22"),
}
"""CUDA major version → the oldest driver on Linux and on Windows (whose driver WSL uses). 10 stands for its last release, 10.2."""

WHEELS = (("cu130", 13), ("cu128", 12), ("cu126", 12), ("cu118", 11))
"""PyTorch's wheel indexes with the CUDA major version they hold, newest first: https://pytorch.org/get-started/."""


def numbers(version: str) -> tuple[int, ...]:
    """``"580.65.06"`` → (580, 65, 6). Empty for what is no version."""
    parts = version.strip().split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def minimum_driver(cuda: str, windows: bool = False) -> str:
    """The oldest driver for a CUDA version such as ``"12.8"``; "" where the table does not know it."""
    found = numbers(cuda)
    return MINIMUM[found[0]][1 if windows else 0] if found and found[0] in MINIMUM else ""


def too_old(driver: str, cuda: str, windows: bool = False) -> bool:
    """Whether a driver is older than a CUDA version needs. False where one of the two is not known."""
    needed, there = numbers(minimum_driver(cuda, windows)), numbers(driver)
    return bool(needed and there) and there < needed


def wheel_for(driver: str, windows: bool = False) -> str:
    """The newest of PyTorch's wheel indexes that a driver is new enough for; "" where none is."""
    there = numbers(driver)
    for name, major in WHEELS:
        if there and there >= numbers(MINIMUM[major][1 if windows else 0]):
            return name
    return ""
