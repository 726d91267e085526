"""Two or more runs or cross-validations beside each other (``?compare=ID,ID``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.catalogue.rows import row_of
from labcore.comparison.candidates import Candidate
from labcore.comparison.compare import Against, Comparison, Side
from labcore.crossval.job import CrossValidation
from labcore.jobs.folder import JobFolder
from labcore.runs import Run
from labcore.texts import shown
from ui.app import services
from ui.app.shell import errors_in_place, heading
from ui.app.text import duration, label_names, percent, plain, sentence
from ui.charts import comparing
from ui.forms import url
from ui.runs import compared_clips, one, report
from ui.runs.evaluation import file_stamp

if TYPE_CHECKING:
    import pandas as pd

    from labcore.comparison.costs import RunCost


MOST_BARS = 30
"""Classes that are drawn."""


def show(jobs: Sequence[JobFolder]) -> None:
    """The comparison of runs and cross-validations."""
    one.back()
    found = comparison(jobs)
    with st.container(horizontal=True, gap="small"):
        report.buttons([job.id for job in jobs])
    _sentences(found)
    st.dataframe(_sides(found), hide_index=True, height="content", alt="What is compared", placeholder="–")
    _links(found)
    _differences(found)
    if found.against:
        _clip_by_clip(found)
    _curves(found)
    _costs(found)


def comparison(jobs: Sequence[JobFolder]) -> Comparison:
    """Worked out once for files that do not change.

    Raises:
        LabError: fewer than two are named, or one is gone or cannot be read.
    """
    runs = [run for job in jobs for run in (job.children() if isinstance(job, CrossValidation) else [job])]
    return _comparison(tuple(job.id for job in jobs), tuple(file_stamp(run.path / "events.jsonl") for run in runs))


@st.cache_resource(max_entries=8, ttl=300, show_spinner="Comparing …")
def _comparison(ids: tuple[str, ...], changed: tuple[int, ...]) -> Comparison:
    from labcore.comparison.compare import compare

    return compare(services.workspace(), ids)


def _sentences(found: Comparison) -> None:
    for each in found.against:
        if each.difference is None:
            st.warning(plain(sentence(each.sentence)), icon=":material/link_off:")
            continue
        icon = ":material/check_circle:" if each.difference.certain else ":material/help:"
        told = f"**{plain(sentence(each.sentence))}**"
        (st.success if each.difference.certain else st.info)(told, icon=icon)
        for note in each.notes:
            st.caption(plain(sentence(note)))
    for note in found.notes:
        st.caption(plain(sentence(note)))


def _sides(found: Comparison) -> pd.DataFrame:
    import pandas as pd

    figures = found.figures
    rows: list[dict[str, Any]] = []
    for side in found.sides:
        for each in side.members:
            told = figures.get(each.id)
            rows.append(
                {
                    "Side": side.letter,
                    "Run": shown(title(each)),
                    "Folds": ", ".join(each.folds),
                    "Seed": str(each.seed),
                    "Accuracy": percent(each.accuracy) if each.accuracy is not None or each.mean_ap is None else None,
                    "mAP": f"{each.mean_ap:.3f}" if each.mean_ap is not None else None,
                    "95 % interval": f"{percent(told.accuracy.low)} – {percent(told.accuracy.high)}" if told else None,
                    "Balanced": percent(told.balanced_accuracy.value) if told else None,
                    "Macro F1": percent(told.macro_f1.value) if told else None,
                    "Calibration error": percent(told.calibration.error) if told else None,
                    "Time": duration(each.seconds) if each.seconds else None,
                    "Weights": f"{each.bytes / 1e6:.1f} MB" if each.bytes else None,
                    "Energy": f"{each.joules / 3600:.3g} Wh" if each.joules is not None else None,
                }
            )
        if side.deviation is not None:
            mean = f"{percent(side.mean)} ± {100 * side.deviation:.1f}"
            whose = f"mean ± standard deviation of {side.counted_seeds}"
            rows.append({"Side": side.letter, "Run": whose, "Accuracy": mean})
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _links(found: Comparison) -> None:
    with st.container(horizontal=True, gap="small"):
        for side in found.sides:
            for each in side.members:
                word = "run" if each.kind == "run" else "crossval"
                label = f"{side.letter}: {plain(title(each))}"
                st.page_link("pages/runs.py", label=label, query_params={word: each.id}, width="content")


def title(each: Candidate) -> str:
    """A candidate as people read it."""
    kind = Run if each.kind == "run" else CrossValidation
    job = kind(services.workspace().home / kind.kind.room / each.id)
    name = row_of(job).name
    return name if isinstance(job, Run) else f"cross-validation {name}"


def _differences(found: Comparison) -> None:
    import pandas as pd

    letters = [side.letter for side in found.sides]
    rows = [[setting.title, *values] for setting, values in found.settings]
    rows += [[name, *values] for name, values in found.facts]
    heading("What differs", level=2)
    if rows:
        frame = pd.DataFrame(rows, columns=["Setting", *letters]).map(shown)
        st.dataframe(frame, hide_index=True, height="content", width="content", alt="Settings that differ")
    else:
        st.caption("No setting differs.")


def _clip_by_clip(found: Comparison) -> None:
    there = [each for each in found.against if each.difference is not None]
    if not there:
        return
    chosen = there[0]
    if len(there) > 1:
        by_letter = {each.other.letter: each for each in there}
        letter = st.segmented_control(
            f"{found.sides[0].letter} against", list(by_letter), default=next(iter(by_letter)), required=True,
            key=f"compare-against-{len(there)}", bind=url.BOUND,
        )  # fmt: skip
        chosen = by_letter[letter]
    left, right = st.columns([4, 5], gap="medium")
    with left:
        heading("Change per class", f"from {chosen.one.letter} to {chosen.other.letter}", level=2)
        _classes(chosen)
    with right, errors_in_place():
        compared_clips.panel(chosen)


def _classes(chosen: Against) -> None:
    from labcore.evaluation.paired import per_class

    assert chosen.pairs is not None
    table = per_class(chosen.pairs)
    names = label_names(table["label"])
    largest = table.head(MOST_BARS)
    changes = {names[row.label]: (float(row.change), int(row.clips)) for row in largest.itertuples()}
    comparing.class_changes(changes, better=chosen.other.letter, key=f"changes-{chosen.other.letter}")
    if len(table) > len(largest):
        st.caption(f"The {MOST_BARS} largest changes; the table has all {len(table)} classes.")
    with st.expander("Table", icon=":material/table:"):
        frame = table.assign(label=[names[label] for label in table["label"]]).rename(
            columns={
                "label": "Class",
                "clips": "Clips",
                "one": f"Recall {chosen.one.letter}",
                "other": f"Recall {chosen.other.letter}",
                "change": "Change",
                "won": "Won",
                "lost": "Lost",
            }
        )
        shares = [name for name in frame if name.startswith("Recall") or name == "Change"]
        number = st.column_config.NumberColumn(format="percent")
        st.dataframe(frame, hide_index=True, column_config=dict.fromkeys(shares, number), alt="Change per class")


def _curves(found: Comparison) -> None:
    names = _names(found.sides)
    curves = {names[each.id]: each.curve for side in found.sides for each in side.members if each.curve}
    if not curves:
        return
    heading("Curves", "of the clips that each watched while it trained", level=2)
    for place, (label, column) in zip(st.columns(2, gap="large"), ((found.figure_name, 2), ("Loss", 1)), strict=True):
        with place:
            st.markdown(f":gray[{label} by epoch]")
            lines = {name: [(row[0], row[column]) for row in curve] for name, curve in curves.items()}
            comparing.overlaid(lines, title=label, share=column == 2, key=f"compare-{label}")


def _names(sides: tuple[Side, ...]) -> dict[str, str]:
    """Id → letter, with the seed where a side has several."""
    return {
        each.id: side.letter if len(side.members) == 1 else f"{side.letter}, seed {each.seed}"
        for side in sides
        for each in side.members
    }


def _costs(found: Comparison) -> None:
    with st.expander("Accuracy over time, size and energy of all runs", icon=":material/scatter_plot:", on_change="rerun",
                     key="compare-costs") as fold:  # fmt: skip
        if not fold.open:
            return
        import pandas as pd

        first = found.sides[0].first
        letters = {run: side.letter for side in found.sides for each in side.members for run in each.runs}
        table = pd.DataFrame(
            [
                {
                    "name": f"{each.id} (fold {each.fold})",
                    "side": letters.get(each.id, comparing.OTHERS),
                    "accuracy": each.accuracy,
                    "seconds": each.seconds,
                    "megabytes": each.bytes / 1e6,
                    "watt_hours": each.joules / 3600 if each.joules is not None else None,
                }
                for each in _all_costs(str(first.place), first.config.data.exclude_classes)
            ]
        )
        st.caption(
            f"Finished runs of {plain(first.config.data.dataset)}. Folds are not equally hard: compare like with like."
        )
        for place, (field, words) in zip(
            st.columns(3, gap="medium"),
            (("seconds", "Training time in s"), ("megabytes", "Weights in MB"), ("watt_hours", "Energy in Wh")),
            strict=True,
        ):
            with place:
                st.markdown(f":gray[{words}]")
                if len(table) and table[field].notna().any():
                    comparing.costs(table.astype({field: float}), field, words, key=f"costs-{field}", form="~g")
                else:
                    st.caption("Not measured: GPUs of NVIDIA count their energy, from this version of the lab on.")


@st.cache_data(ttl=60, max_entries=4, show_spinner="Reading the runs …")
def _all_costs(place: str, excluded: tuple[str, ...]) -> list[RunCost]:
    from labcore.comparison.costs import costs

    return costs(services.workspace(), Path(place), excluded)
