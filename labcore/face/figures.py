"""Figures for notebooks, in plotly, and their pages for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.events import Epoch, Evaluated, EvaluatedLabels
from labcore.outputs import write_output
from labcore.texts import mean_ap_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

SIDES = {"train": ("training", "#0B7A75"), "val": ("validation", "#D2573A")}
"""Side of an epoch event → the name of its clips, and the colour of its lines: those of the pages."""


def curves(title: str, epochs: Sequence[Epoch], result: Evaluated | EvaluatedLabels | None = None) -> go.Figure:
    """Loss and accuracy over the epochs, training and validation clips as two lines each. Of several labels a clip the mean average
    precision of the validation clips takes the place of the accuracy.

    Args:
        result: of the held-out clips, told beside the title.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    several = any(epoch.val_accuracy is None for epoch in epochs)
    second = "Mean average precision" if several else "Accuracy"
    figure = make_subplots(cols=2, subplot_titles=("Loss", second), horizontal_spacing=0.1)
    of_side = {"train": epochs, "val": [epoch for epoch in epochs if epoch.evaluated]}
    for column, field in enumerate(("loss", "mean_ap" if several else "accuracy"), 1):
        for side, (name, colour) in SIDES.items():
            if field == "mean_ap" and side == "train":
                continue
            numbers = [epoch.epoch for epoch in of_side[side]]
            values = [getattr(epoch, f"{side}_{field}") for epoch in of_side[side]]
            line = go.Scatter(
                x=numbers, y=values, name=name, legendgroup=name, showlegend=column == 1, line={"color": colour},
                mode="lines+markers" if len(numbers) < 3 else "lines",
            )  # fmt: skip
            figure.add_trace(line, row=1, col=column)
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02], col=2)
    if isinstance(result, EvaluatedLabels):
        title += f" · {mean_ap_text(result.mean_ap)} on fold {result.fold}"
    elif result is not None:
        title += (
            f" · accuracy {result.accuracy:.1%} on fold {result.fold} "
            f"(95 % interval {result.accuracy_low:.1%} to {result.accuracy_high:.1%})"
        )
    figure.update_layout(title=title, template="plotly_white", height=380, legend={"orientation": "h", "y": -0.25})
    return figure


def write_page(figure: go.Figure, path: Path) -> Path:
    """Write a figure as a page that needs no network; returns its whole path.

    Raises:
        WorkspaceError: it cannot be written.
    """
    path = path.expanduser().absolute()
    write_output(path, figure.to_html(include_plotlyjs=True))
    return path
