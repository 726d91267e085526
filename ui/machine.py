"""The live panel: GPUs, processor and memory over the last two minutes, and which run uses what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from labcore.runs import Run
from labcore.workspace import Workspace
from ui import live, services
from ui.shell import errors_in_place
from ui.text import count, plain

if TYPE_CHECKING:
    from labcore.doctor.monitor import Look, Monitor, RunUse
    from labcore.nvml import GpuSample

TILE = 148
"""Width of a reading in pixels: five side by side on a desk, two on a telephone."""
SHOWN = 2
"""So many GPUs are drawn unless more are chosen."""

Value = Callable[["Look"], "float | None"]


def monitor() -> Monitor:
    """The monitor of this server, shared by all who look."""
    return _monitor(str(services.workspace().home))


@st.cache_resource(show_spinner=False)
def _monitor(home: str) -> Monitor:
    from labcore.doctor.monitor import Monitor

    return Monitor(Workspace(Path(home)))


def panel(stale: Callable[[], bool]) -> None:
    """The machine, live. It ticks in the browser that shows it, so nothing is looked at when nobody looks.

    Args:
        stale: whether the page around it is out of date and should be drawn again.
    """
    from labcore.doctor.monitor import EVERY

    @st.fragment(run_every=EVERY)
    def tick() -> None:
        if stale():
            st.rerun()
        with errors_in_place():
            watched = monitor()
            look = watched.look()
            history = watched.history
            _processor(look, history, watched.cores)
            for gpu in _chosen(look.gpus):
                _gpu(gpu, look, history)
            services.settle_memory_once("monitor")

    tick()


def _chosen(gpus: tuple[GpuSample, ...]) -> list[GpuSample]:
    """All GPUs where they are few, else those that the visitor wants to see."""
    if len(gpus) <= SHOWN:
        return list(gpus)
    numbers = [gpu.index for gpu in gpus]
    wanted = st.pills(
        "GPUs shown", numbers, selection_mode="multi", default=numbers[:SHOWN], format_func=lambda n: f"GPU {n}",
        key="gpus-shown", wrap=True,
    )  # fmt: skip
    return [gpu for gpu in gpus if gpu.index in wanted]


def _processor(look: Look, history: list[Look], cores: float) -> None:
    with st.container(border=True), st.container(horizontal=True, gap="small"):
        _tile("Processor", share(look.cpu), f"of {cores:.3g} cores", history, lambda one: one.cpu, 1.0, "machine-cpu")
        _tile(
            "Memory", gib(look.memory_used), f"of {gib(look.memory_total)}", history, lambda one: one.memory_used,
            look.memory_total, "machine-memory",
        )  # fmt: skip
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(":small[:gray[Running now]]")
            for use in look.runs:
                _run(use)
            if not look.runs:
                st.markdown(":gray[none]")


def _run(use: RunUse) -> None:
    """What a run uses, in a line."""
    live.run_link(Run(services.workspace().runs / use.run_id), plain(run_use(use)))


def run_use(use: RunUse) -> str:
    """What a run uses as a line: ``cuda:0 · GPU 0: 3.1 GiB · 1.0 cores · 1.2 GiB``; what is not known is left out."""
    parts = [use.device] if use.device else []
    parts += [f"GPU {index}" + ("" if held is None else f": {gib(held)}") for index, held in use.gpus]
    if use.pid is None:
        return " · ".join([*parts, "its process cannot be seen from here"])
    if use.cores is not None:
        parts.append(f"{use.cores:.1f} cores")
    if use.memory is not None:
        parts.append(f"{gib(use.memory)} of memory")
    return " · ".join(parts)


def _gpu(gpu: GpuSample, look: Look, history: list[Look]) -> None:
    def of(field: str) -> Value:
        def value(one: Look) -> float | None:
            sample = one.gpu(gpu.index)
            return None if sample is None else getattr(sample, field)

        return value

    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(gpu.name)}** :gray[GPU {gpu.index}]")
        with st.container(horizontal=True, gap="small"):
            key = f"gpu-{gpu.index}"
            _tile("Utilisation", share(gpu.utilisation), "", history, of("utilisation"), 1.0, f"{key}-utilisation")
            if gpu.memory_total:
                total = gpu.memory_total
                _tile(
                    "Memory",
                    gib(gpu.memory_used),
                    f"of {gib(total)}",
                    history,
                    of("memory_used"),
                    total,
                    f"{key}-memory",
                )
            for label, field, unit, limit in (
                ("Temperature", "temperature_c", "°C", 110.0),
                ("Power", "power_w", "W", gpu.power_limit_w),
                ("Clock", "sm_clock_mhz", "MHz", gpu.max_sm_clock_mhz),
            ):
                value = getattr(gpu, field)
                if value is not None:
                    ceiling = f"of {count(limit)}" if limit and field != "temperature_c" else ""
                    _tile(label, f"{count(round(value))} {unit}", ceiling, history, of(field), limit, f"{key}-{field}")
        notes = [f":orange[:material/speed: Slowed down: {plain(', '.join(gpu.throttle_reasons))}]"] * bool(
            gpu.throttle_reasons
        )
        processes, held = look.others(gpu)
        if processes:
            what = f"{processes} {'process' if processes == 1 else 'processes'} of no run known here"
            notes.append(f":gray[{what}{f', {plain(gib(held))}' if held else ''}]")
        if notes:
            st.markdown("  \n".join(notes))


def _tile(label: str, value: str, ceiling: str, history: list[Look], of: Value, top: float | None, key: str) -> None:
    """A reading: its name, what it is now, and its history from 0 to ``top``."""
    from labcore.doctor.monitor import SPAN, series

    with st.container(width=TILE, gap="xxsmall"):
        st.markdown(f":small[:gray[{label}]]  \n**{plain(value)}** :small[:gray[{plain(ceiling)}]]")
        now = history[-1].time if history else 0.0
        _curve(series(history, of, now), SPAN, top, key=key, title=label)


def _curve(points: list[tuple[float, float | None]], span: float, top: float | None, *, key: str, title: str) -> None:
    """A reading over the last seconds, small and without axes. Vega-Lite, which keeps its place when the data change.

    Args:
        points: age in seconds (0 is now, the past is negative) and value; the line breaks at None.
        span: seconds from the left edge to now.
        top: the value at the upper edge; None fits the data.
    """
    import pandas as pd

    frame = pd.DataFrame(points, columns=["age", "value"]).astype(float)
    spec = {
        "padding": {"top": 2, "bottom": 0, "left": 0, "right": 0},
        "mark": {
            "type": "area",
            "line": {"strokeWidth": 1.6},
            "fillOpacity": 0.16,
            "invalid": "break-paths-show-domains",
        },
        "encoding": {
            "x": {
                "field": "age",
                "type": "quantitative",
                "axis": None,
                "scale": {"domain": [-span, 0], "nice": False, "clamp": True},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": None,
                "scale": {"domain": [0, top], "clamp": True} if top else {"zero": True},
            },
        },
        "config": {"view": {"stroke": None, "fill": "#808080", "fillOpacity": 0.09, "cornerRadius": 4}},
    }
    st.vega_lite_chart(
        frame, spec, key=key, height=48, width="stretch", alt=f"{title} over the last {span:.0f} seconds"
    )


def share(value: float | None) -> str:
    """A share of 1 as whole percent."""
    return "–" if value is None else f"{100 * value:.0f} %"


def gib(size: float) -> str:
    """Bytes as people count memory: 812 MiB, 3.4 GiB, 139 GiB."""
    if size < 1 << 30:
        return f"{size / (1 << 20):.0f} MiB"
    number = size / (1 << 30)
    return f"{number:.1f} GiB" if number < 100 else f"{number:.0f} GiB"
