"""What a benchmark is to measure: quick, full, or chosen piece by piece, with the time that it will take."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from labcore.benchmark.cases import ARTICLE, BEST, FORMATS, MODELS, MODES, PRECISIONS, SCOPES
from labcore.benchmark.job import Benchmark, busy_reason
from labcore.benchmark.plan import BATCH_SIZES, BenchmarkPlan, full_plan, make_plan, quick_plan
from labcore.device import usable_cores
from labcore.errors import LabError
from ui.app import services, tasks
from ui.app.shell import errors_in_place, one_of, show_error, start_button
from ui.app.text import counted, duration, plain
from ui.app.ticking import ticking
from ui.benchmark.data import MODE_NAMES, MODEL_NAMES, SCOPE_NAMES, device_word
from ui.components.queue_line import START_KEYS
from ui.forms import url

KINDS = {"quick": "Quick", "full": "Full", "own": "Custom"}
START: dict[str, Any] = {
    "key": "speed-start", "type": "primary", "icon": ":material/play_arrow:", "shortcut": START_KEYS
}  # fmt: skip
"""Key and looks of the button."""
ABOUT = {
    "quick": "A small CNN (4 × 1 × 64 × 64), the compact network from file to prediction, ResNet-18, a training step. Under 20 s.",
    "full": "Every network, batch size, precision and memory format, inference and training. Keep the machine idle.",
    "own": "Choose what to compare.",
}


def look_for_devices() -> tasks.Task:
    """Find the devices in the background, once a server: torch has to be imported for that."""
    return tasks.held().get("devices") or tasks.begin("devices", lambda _: find_devices())


def find_devices() -> dict[str, str]:
    """The CPU, and every GPU that runs a kernel, with what each calls itself. Imports torch."""
    from labcore.benchmark.machine import describe, usable_devices

    return {entry["device"]: entry["name"] for entry in describe(usable_devices())["devices"]}


def show(started: Callable[[str], None]) -> None:
    """The form, in a fragment of its own. ``started`` is told the id of the report that a press of the button makes."""
    task = look_for_devices()
    looking = task.running

    @ticking(0.4 if looking else None)
    def form() -> None:
        if looking and not task.running:
            st.rerun()  # the page around the form is out of date
        with errors_in_place():
            if task.running:
                st.markdown(":gray-badge[:material/memory: Machine] :gray[finding devices …]")
            elif task.error is not None:
                raise task.error
            else:
                _form(task.result, started)

    form()


def _form(devices: dict[str, str], started: Callable[[str], None]) -> None:
    kind = _held("kind", "quick", _kind, one_of, "Measurements", KINDS, label_visibility="collapsed")
    st.caption(ABOUT[kind])
    try:
        plan = MADE[kind](list(devices))
    except LabError as error:
        show_error(error)
        start_button("Start", lambda: None, **START, disabled=True)
    else:
        _start(plan, devices, started)


def _start(plan: BenchmarkPlan, devices: dict[str, str], started: Callable[[str], None]) -> None:
    on = " and ".join(plain(devices.get(device, device)) for device in plan.devices)
    st.markdown(f"{counted(len(plan.cases), 'measurement')} on {on}, :primary[**about {duration(plan.seconds)}**]")
    trouble = busy_reason(services.workspace())
    if not trouble:
        start_button("Start", partial(_begin, plan, started), **START)
        return
    st.warning(
        f"{plain(trouble[:1].upper() + trouble[1:])}. A benchmark now would measure both.",
        icon=":material/hourglass_top:",
    )
    with st.container(horizontal=True, gap="small"):
        start_button(
            "Queue",
            partial(_begin, plan, started),
            key="speed-wait",
            type="primary",
            icon=":material/schedule:",
            shortcut=START_KEYS,
            help="Starts when the machine is free. You can close this page.",
        )
        start_button(
            "Start anyway",
            partial(_begin, plan, started, beside=True),
            key="speed-beside",
            type="tertiary",
            help="They slow each other down; the report notes it.",
        )


def _begin(plan: BenchmarkPlan, started: Callable[[str], None], *, beside: bool = False) -> None:
    started(services.ask_for(Benchmark, plan, beside=beside).id)


def _own(devices: list[str]) -> BenchmarkPlan:
    """Raises ConfigError where the choices leave nothing to measure."""
    gpus = [device for device in devices if device != "cpu"]
    left, right = st.columns(2, gap="large")
    with left:
        on = _pills("Devices", devices, devices, "devices", device_word)
        models = _held(
            "models",
            ["compact"],
            list,
            _models,
            "Networks",
            format_func=lambda model: MODEL_NAMES.get(model, model),
            help="`timm:NAME` adds a network of timm, if timm is installed.",
        )
        modes = _pills("Work", list(MODES), ["inference"], "modes", MODE_NAMES.__getitem__)
        scopes = _pills(
            "Included",
            list(SCOPES),
            ["network", "transfer", "waveform", "file"] if gpus else ["network", "waveform", "file"],
            "scopes",
            SCOPE_NAMES.__getitem__,
            help=" · ".join(f"{SCOPE_NAMES[name]}: {what}" for name, what in SCOPES.items()),
        )
    with right:
        batches = _pills("Batch sizes", list(BATCH_SIZES), [1, 4, 16, 64], "batches", str)
        precisions = _pills(
            "Precision",
            [BEST, *PRECISIONS],
            [BEST],
            "precisions",
            lambda name: "best" if name == BEST else name,
            help="Best: the fastest precision, memory format and thread count on the CPU, or ONNX Runtime where it is installed; "
            "each precision on a GPU.",
        )
        formats = _pills("Memory format", list(FORMATS), list(FORMATS), "formats", lambda name: name.replace("_", " "))
        counts = sorted({2**power for power in range(10) if 2**power < usable_cores()} | {usable_cores()})
        threads = _pills(
            "CPU threads", counts, [], "threads", str, help="In addition to the fastest number of threads."
        )
        about = "Slow. Compile time is reported separately."
        compiled = _held("compiled", False, bool, st.toggle, "Also with torch.compile", help=about)
    return make_plan(
        on, models, modes, scopes, batches, precisions, formats, threads=threads, compiled=compiled, name="own"
    )


MADE: dict[str, Callable[[list[str]], BenchmarkPlan]] = {"quick": quick_plan, "full": full_plan, "own": _own}
"""Kind → its plan for some devices."""


# --- widgets whose values outlive a visit to another page, and a reload


def _held(
    name: str,
    default: Any,
    read: Callable[[list[str]], Any],
    render: Callable[..., Any],
    label: str,
    *what: Any,
    **looks: Any,
) -> Any:
    """The value of a widget; one that is drawn anew has the value that it had. ``read`` has it from the texts of an address."""
    kept, key = st.session_state.setdefault("speed-form", {}), f"speed-{name}"
    if (texts := url.all_asked(key)) is not None:
        st.session_state[key] = read(texts) if texts else default
    st.session_state.setdefault(key, kept.get(name, default))
    kept[name] = value = render(label, *what, key=key, **looks)
    if isinstance(value, list):
        url.tell_all(key, value, default)
    else:
        url.tell(key, "" if value == default else str(value))
    return value


def _kind(texts: list[str]) -> str:
    return texts[-1] if texts[-1] in KINDS else "quick"


def _pills(
    label: str, options: list[Any], default: list[Any], name: str, words: Callable[[Any], str], **more: Any
) -> list[Any]:
    looks = {"selection_mode": "multi", "format_func": words, "wrap": True} | more

    def read(texts: list[str]) -> list[Any]:
        return [option for option in options if str(option) in texts]

    chosen: list[Any] = _held(name, default, read, st.pills, label, options, **looks)
    return chosen


def _models(label: str, **looks: Any) -> list[str]:
    """Those of the lab, and others that were typed."""
    options = [*MODELS, ARTICLE, *st.session_state["speed-models"]]
    return st.multiselect(label, list(dict.fromkeys(options)), accept_new_options=True, **looks)
