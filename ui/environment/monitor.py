"""The live panel: GPUs, processor and memory over the last two minutes, and which run uses what."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import groupby, pairwise
from typing import NamedTuple
from urllib.parse import quote

import streamlit as st

from labcore.doctor.monitor import SPAN, MachineSample, Monitor, RunUse, series
from labcore.nvml import GpuSample
from labcore.runs import Run
from ui.app import live, services
from ui.app.shell import errors_in_place, heading
from ui.app.text import count, percent, plain
from ui.app.ticking import ticking
from ui.charts.colours import accents
from ui.forms import url

TILE = 148
"""Width of a reading in pixels: five side by side on a desk, two on a telephone."""
TALL = 48
"""Height of its curve."""
SAFE = " '=:/,.;()-"
"""Characters that an address of data may hold as they are."""
IDLE = 3.0
"""Seconds between two looks where no run is running."""
SHOWN = 2
"""So many GPUs are drawn unless more are chosen."""

Value = Callable[[MachineSample], "float | None"]


class Tile(NamedTuple):
    """A reading: its name, what it is now, of how much at most, how it is read off a look, and the value at the upper edge."""

    label: str
    value: str
    ceiling: str
    of: Value
    top: float | None


@st.cache_resource(show_spinner=False)
def monitor() -> Monitor:
    """The monitor of this server, shared by all who look."""
    return Monitor(services.workspace())


def panel(stale: Callable[[], bool]) -> None:
    """The machine, live. It ticks in the browser that shows it, so nothing is looked at when nobody looks.

    Args:
        stale: whether the page around it is out of date and should be drawn again.
    """
    from labcore.doctor.monitor import EVERY

    at_work = bool(monitor().look().runs)

    @ticking(EVERY if at_work else IDLE)
    def tick() -> None:
        with errors_in_place():
            watched = monitor()
            look = watched.look()
            if stale() or bool(look.runs) != at_work:
                st.rerun()
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
        key="gpus-shown", wrap=True, bind=url.BOUND,
    )  # fmt: skip
    return [gpu for gpu in gpus if gpu.index in wanted]


def _processor(look: MachineSample, history: list[MachineSample], cores: float) -> None:
    used, total = gib(look.memory_used), look.memory_total
    tiles = [
        Tile("Processor", percent(look.cpu, 0), f"of {cores:.3g} cores", lambda one: one.cpu, 1.0),
        Tile("Memory", used, f"of {gib(total)}", lambda one: one.memory_used, total),
    ]
    with st.container(border=True), st.container(horizontal=True, gap="small"):
        st.html(tiles_html(tiles, history), width="content")
        with st.container(width="stretch", gap="xxsmall"):
            if not look.runs:
                st.markdown(":small[:gray[Running now]]  \n:gray[none]")
                return
            st.markdown(":small[:gray[Running now]]")
            for use in look.runs:
                live.job_link(Run(services.workspace().runs / use.run_id), plain(run_use(use)))


def run_use(use: RunUse) -> str:
    """What a run uses as a line: ``cuda:0 · GPU 0: 3.1 GiB · 1.0 cores · 1.2 GiB``; what is not known is left out."""
    parts = [use.device] if use.device else []
    parts += [f"GPU {index}" + ("" if held is None else f": {gib(held)}") for index, held in use.gpus]
    if use.pid is None:
        return " · ".join([*parts, "its process is not visible from here"])
    if use.cores is not None:
        parts.append(f"{use.cores:.1f} cores")
    if use.memory is not None:
        parts.append(f"{gib(use.memory)} of memory")
    return " · ".join(parts)


def _gpu(gpu: GpuSample, look: MachineSample, history: list[MachineSample]) -> None:
    def of(field: str) -> Value:
        return lambda one: getattr(one.gpu(gpu.index), field, None)

    tiles = [Tile("Utilisation", percent(gpu.utilisation, 0), "", of("utilisation"), 1.0)]
    if gpu.memory_total:
        total = gpu.memory_total
        tiles.append(Tile("Memory", gib(gpu.memory_used), f"of {gib(total)}", of("memory_used"), total))
    for label, field, unit, limit in (
        ("Temperature", "temperature_c", "°C", 110.0),
        ("Power", "power_w", "W", gpu.power_limit_w),
        ("Clock", "sm_clock_mhz", "MHz", gpu.max_sm_clock_mhz),
    ):
        value = getattr(gpu, field)
        if value is not None:
            ceiling = f"of {count(limit)}" if limit and field != "temperature_c" else ""
            tiles.append(Tile(label, f"{count(round(value))} {unit}", ceiling, of(field), limit))
    with st.container(border=True, gap="small"):
        heading(plain(gpu.name), f":gray[GPU {gpu.index}]")
        st.html(tiles_html(tiles, history))
        notes = [f":orange[:material/speed: Slowed down: {plain(', '.join(gpu.throttle_reasons))}]"] * bool(
            gpu.throttle_reasons
        )
        processes, held = look.others(gpu)
        if processes:
            what = f"{processes} {'process' if processes == 1 else 'processes'} of no known run"
            notes.append(f":gray[{what}{f', {plain(gib(held))}' if held else ''}]")
        if notes:
            st.markdown("  \n".join(notes))


def tiles_html(tiles: list[Tile], history: list[MachineSample]) -> str:
    """Readings side by side as one text, since each part of a page that ticks is sent with a head of its own."""
    now = history[-1].time if history else 0.0
    colour, _ = accents()
    told = []
    for tile in tiles:
        shown = curve(series(history, tile.of, now), SPAN, tile.top, colour=colour, title=tile.label)
        words = (
            f"<small>{escape(tile.label)}</small><br><b>{escape(tile.value)}</b> <small>{escape(tile.ceiling)}</small>"
        )
        told.append(f'<div style="width:{TILE}px">{words}{shown}</div>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:1rem;line-height:1.5">{"".join(told)}</div>'


def curve(points: list[tuple[float, float | None]], span: float, top: float | None, *, colour: str, title: str) -> str:
    """A reading over the last seconds as an image, of SVG.

    It is sent anew at every tick, so it is short: whole numbers, each point told from the one before. From tick to tick the text
    is the same but for its ends, which the compression of the connection makes next to nothing of.

    Args:
        points: age in seconds (0 is now, the past is negative) and value; the line breaks at None.
        span: seconds from the left edge to now.
        top: the value at the upper edge; None fits the data.
    """
    limit = top or max((value for _, value in points if value is not None), default=0.0) or 1.0
    lines, areas = [], []
    for known, stretch in groupby(points, lambda point: point[1] is not None):
        if not known:
            continue
        places = [
            (round(span + max(-span, age)), round(TALL - (TALL - 2) * min(1.0, max(0.0, (value or 0.0) / limit))))
            for age, value in stretch
        ]
        steps = "".join(f"l{x - left} {y - above}" for (left, above), (x, y) in pairwise(places))
        left, above = places[0]
        lines.append(f"M{left} {above}{steps or 'h1'}")
        areas.append(f"M{left} {TALL}V{above}{steps or 'h1'}V{TALL}H{left}")
    told = f"{title} over the last {span:.0f} seconds"
    shown = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {span:g} {TALL}' preserveAspectRatio='none'>"
        f"<path d='{''.join(areas)}' fill='{colour}' fill-opacity='.16'/>"
        f"<path d='{''.join(lines)}' fill='none' stroke='{colour}' stroke-width='1.6' vector-effect='non-scaling-stroke'/></svg>"
    )
    # As a picture: of SVG that stands in a text itself Streamlit lets nothing through.
    looks = f"display:block;width:100%;height:{TALL}px;border-radius:4px;background:rgba(128,128,128,.09)"
    return f'<img alt="{escape(told)}" style="{looks}" src="data:image/svg+xml,{quote(shown, safe=SAFE)}">'


def gib(size: float) -> str:
    """Bytes as people count memory: 812 MiB, 3.4 GiB, 139 GiB."""
    if size < 1 << 30:
        return f"{size / (1 << 20):.0f} MiB"
    number = size / (1 << 30)
    return f"{number:.1f} GiB" if number < 100 else f"{number:.0f} GiB"
