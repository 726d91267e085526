"""The figures of several labels a clip: mean average precision with its interval, F1, and a row a label."""

from __future__ import annotations

import streamlit as st

from labcore.evaluation.label_metrics import label_rows
from labcore.events import EvaluatedLabels
from ui.app.shell import heading
from ui.app.text import label_names, plain, sentence

BY_RECORDING = "95 % interval by drawing recordings anew (bootstrap)."

POOLED = (
    "Each fold was predicted by its own network, and scores of different networks are not on one scale. So the mAP of all clips together "
    "usually lies below the mean of the folds."
)
"""What is told where the figures of several networks' predictions stand."""


def metrics(result: EvaluatedLabels) -> None:
    """The figures of all labels together, in a row of metrics that a container is open for."""
    told = "–" if result.mean_ap is None else f"{result.mean_ap:.3f}"
    interval = "no interval"
    if result.mean_ap_low is not None and result.mean_ap_high is not None:
        interval = f"{result.mean_ap_low:.3f} – {result.mean_ap_high:.3f}"
    about = f"Mean average precision over the labels: how well the clips of a label are ranked above the others. {BY_RECORDING}"
    st.metric("mAP", told, interval, delta_color="off", delta_arrow="off", width=170, help=about)
    st.metric("Macro F1", f"{result.macro_f1:.3f}", width=130, help="Mean F1 of the labels, at their thresholds.")
    about = "F1 over all decisions together, so that frequent labels count more."
    st.metric("Micro F1", f"{result.micro_f1:.3f}", width=130, help=about)


def table(result: EvaluatedLabels) -> None:
    """A row a label, the lowest average precision first."""
    import pandas as pd

    names = label_names(result.per_class)
    rows = [
        {
            "Label": names[label],
            "AP": each["average_precision"],
            "95 % interval": _interval(each["average_precision_low"], each["average_precision_high"]),
            "F1": each["f1"],
            "Recall": each["recall"],
            "Precision": each["precision"],
            "Threshold": each["threshold"],
            "Clips": each["clips"],
        }
        for label, each in label_rows(result)
    ]
    number = st.column_config.NumberColumn
    heading("Per-label metrics")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) <= 20 else 560,
        column_config={
            "AP": st.column_config.ProgressColumn(
                format="%.3f", min_value=0, max_value=1, width="small",
                help="Average precision: the area under precision over recall. It needs no threshold.",
            ),
            "F1": number(format="%.2f"),
            "Recall": number(format="%.2f", help="Share of the clips with this label that were said to have it."),
            "Precision": number(format="%.2f", help="Share of the clips said to have this label that have it."),
            "Threshold": number(format="%.2f", help="From this probability on a clip is said to have the label."),
            "Clips": number(help="Clips that have the label."),
        },
        alt="Metrics per label",
        placeholder="–",
    )  # fmt: skip
    st.caption(f"{plain(sentence(result.thresholds))} A clip may have several labels, so there is no confusion matrix.")


def _interval(low: float | int | None, high: float | int | None) -> str | None:
    return None if low is None or high is None else f"{low:.3f} – {high:.3f}"
