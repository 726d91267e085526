"""Sounds of machines in folders of their condition: ``id_00/normal/00000000.wav``, as MIMII has them. Purohit et al., DCASE 2019.

A classifier shall tell conditions apart, on machines that it never heard: the condition is the class, the machine is the group.
"""

from __future__ import annotations

import itertools
import math

from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files
from labcore.datasets.parts import parts_among
from labcore.datasets.published.glimpse import Glimpse, Layout, Parts, Reader
from labcore.datasets.table import DataProblem, Dataset, Finding, natural_order, some

CONDITIONS = frozenset({"normal", "abnormal", "anomaly", "anomalous"})
"""Names of the folders of conditions, in whatever case."""


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where two machines or more have folders of conditions, and there are two of these."""
    if not glimpse.all_named(_fits):
        return None
    files = [parts for parts in glimpse.found.files if _fits(parts)]
    conditions, above = {_condition(parts) for parts in files}, {parts[:-2] for parts in files}
    if len(conditions) < 2 or len(above) < 2 or parts_among({parts[-1] for parts in above}):
        return None  # parts of a split are no machines
    return lambda name: _read(glimpse, name)


def _fits(parts: Parts) -> bool:
    return len(parts) > 2 and _condition(parts) in CONDITIONS


def _condition(parts: Parts) -> str:
    return parts[-2].strip().casefold()


def _read(glimpse: Glimpse, name: str) -> Dataset:
    reading = DatasetDraft(name, glimpse.folder, LAYOUT.name, group="machine")
    reading.problems, reading.passed_over = list(glimpse.found.problems), glimpse.found.passed_over
    above = _shared([parts[:-3] for parts in glimpse.found.files if _fits(parts)])
    machines: set[str] = set()
    for parts in glimpse.found.files:
        path = str(glimpse.folder.joinpath(*parts))
        if not _fits(parts):
            reading.problems.append(DataProblem(path, "lies in no folder of a condition"))
            continue
        machine = "/".join(parts[above:-2])
        machines.add(machine)
        reading.rows.append((path, _condition(parts), "", machine, 0.0, math.nan))
    reading.rows = join_equal_files(reading.rows)
    what = (
        f"read as machines: the condition is the class, the machine is the group, so that none is on both sides of a split "
        f"({some(natural_order(machines), 8)})"
    )
    reading.findings.append(Finding("machines", what, level="note"))
    return assembled(reading)


def _shared(places: list[Parts]) -> int:
    """So many folders from the top on are the same for all."""
    first, last = min(places), max(places)
    alike = (one == other for one, other in zip(first, last, strict=False))
    return sum(itertools.takewhile(bool, alike))


LAYOUT = Layout("machines", "machines by condition (MIMII)", "id_00/normal/00000000.wav", recognise)
