"""What ``labcore datasets annotations`` prints: how many labels are corrected, who decided what, and where people differ."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labcore.cli.output import Content, emit_csv, table, tell
from labcore.owners import shell_user
from labcore.sheets import csv_of
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.datasets.agreement import Agreement
    from labcore.datasets.annotations import Annotation, Annotations, Mending
    from labcore.datasets.corrections import Corrections

LATEST = 10
"""So many decisions are listed, the newest last."""
COLUMNS = ("id", "time", "who", "clip", "start_s", "end_s", "old", "verdict", "new", "blind", "why")
NOBODY = "(no name)"


def show(workspace: Workspace, wanted: str, as_json: bool) -> int:
    """Print the annotations of a data set at a glance."""
    from labcore.datasets.agreement import agreements, disputed, verdicts
    from labcore.datasets.annotations import file_of, read_annotations
    from labcore.datasets.corrections import Corrections
    from labcore.datasets.registry import find_dataset, name_of

    name = name_of(workspace, wanted)
    known = read_annotations(file_of(workspace, name))
    found = (find_dataset(workspace, name).corrections if known.revision else None) or Corrections()
    by_person, pairs, differing = verdicts(known), agreements(known), disputed(known)
    facts = {
        "name": name,
        "revision": known.revision,
        "digest": known.digest,
        "damaged": known.damaged,
        "annotations": len(known.decisions),
        "corrected": found.corrected,
        "left_out": found.left_out,
        "unused": found.unused,
        "annotators": {person: dict(verdicts) for person, verdicts in by_person.items()},
        "agreement": [asdict(pair) for pair in pairs],
        "mended": [each.model_dump() for each in known.mendings],
        "disputed": [[each.model_dump() for each in decisions] for decisions in differing],
    }
    return tell(facts, *_report(known, found, by_person, pairs, differing), as_json=as_json)


def export(workspace: Workspace, wanted: str, place: str) -> int:
    """Write every decision that counts as CSV, to stdout for ``-``."""
    from labcore.datasets.annotations import file_of, read_annotations
    from labcore.datasets.registry import name_of

    known = read_annotations(file_of(workspace, name_of(workspace, wanted)))
    rows = (each.model_dump() | {"time": _moment(each)} for each in known.decisions)
    return emit_csv(csv_of(COLUMNS, rows), place, counted(len(known.decisions), "annotation"))


def undo(workspace: Workspace, wanted: str, number: str, anyone: bool, as_json: bool) -> int:
    """Take a decision back."""
    from labcore.datasets.annotations import take_back
    from labcore.datasets.registry import name_of

    name = name_of(workspace, wanted)
    undone = take_back(workspace, name, number, shell_user(), anyone=anyone)
    return tell({"name": name, "undone": undone.model_dump()}, f"taken back: {_line(undone)}", as_json=as_json)


def _report(
    known: Annotations,
    found: Corrections,
    by_person: dict[str, Any],
    pairs: list[Agreement],
    differing: list[list[Annotation]],
) -> list[Content]:
    if not known.revision:
        return ["no label was annotated yet; the Correct tab of a run does"]
    lines: list[Content] = [f"{found.sentence}; {counted(len(known.decisions), 'annotation')}"]
    if known.damaged:
        lines.append(f"{counted(known.damaged, 'line')} cannot be read, and counts for nothing")
    if found.unused:
        lines.append(f"{counted(found.unused, 'annotation')} of clips or labels that are not there any more")
    kinds = ("right", "wrong", "other", "unsure")
    rows = [[person or NOBODY, *(verdicts[kind] for kind in kinds)] for person, verdicts in by_person.items()]
    if rows:
        lines += ["", table(["who", "right", "wrong", "other class", "unsure"], rows)]
    for pair in pairs:
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        names = " and ".join(name or NOBODY for name in pair.names)
        lines.append(f"{names}: agree on {pair.agreed} of {counted(pair.clips, 'clip')}, Cohen's kappa {kappa}")
    if differing:
        lines += ["", f"{counted(len(differing), 'clip')} on which people differ:"]
        lines += [
            f"  {decisions[0].clip}: " + "; ".join(f"{each.who or NOBODY}: {each.sentence}" for each in decisions)
            for decisions in differing[:LATEST]
        ]
    if known.mendings:
        lines += ["", table(["id", "when", "who", "mended"], [_mended(each) for each in known.mendings])]
    if not known.decisions:
        return lines
    latest = known.decisions[-LATEST:]
    lines += ["", table(["id", "when", "who", "clip", "decision"], [_cells(each) for each in latest])]
    return lines


def _cells(each: Annotation) -> list[str]:
    clip = f"{each.clip} from {each.start_s:g} s" if each.start_s else each.clip
    return [each.id, _moment(each), each.who or NOBODY, clip, each.sentence]


def _mended(each: Mending) -> list[str]:
    return [each.id, _moment(each), each.who or NOBODY, each.sentence]


def _line(each: Annotation | Mending) -> str:
    from labcore.datasets.annotations import Mending

    return " · ".join(_mended(each) if isinstance(each, Mending) else _cells(each))


def _moment(each: Annotation | Mending) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.time))
