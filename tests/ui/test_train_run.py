"""A run running on the page: settings are turned, advice is followed, clips are pinned, and the time is told."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.errors import LabError, OutOfMemoryError
from labcore.events import Advice, BatchSplit, Epoch, Estimate, Log, Preparing, RunFinished, SettingsChanged, Unknown
from labcore.training.estimates import EstimateJob
from labcore.training.live_settings import LiveSettings
from tests.made_events import made_epoch
from ui.app import live, services
from ui.charts import curves, time_by_phase
from ui.train import live_settings, tracked_clips
from ui.train import log as run_log

from .conftest import unfold, words

TONE = encode_wav(np.sin(np.arange(4000) / 5).astype(np.float32), 8000)
FORECAST = {
    "seconds_per_epoch": 2.0, "seconds_total": 320.0, "batch_size": 32, "micro_batch": 32, "peak_bytes": 900_000_000,
    "memory_bytes": 8_000_000_000, "largest_batch": 256, "steps_timed": 5,
}  # fmt: skip


def epoch(number: int, **more) -> Epoch:
    return made_epoch(number, val_loss=1.1, seconds_left=3.0, **more)


def wishes(run) -> list[dict]:
    path = run.path / "overrides.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def press(app, label: str):
    buttons = {button.label: button for button in app.button}
    assert label in buttons, words(app)
    buttons[label].click().run()


@pytest.fixture
def at_work(open_page, make_run):
    """Opens the page of a run running whose panel is open: ``run, app = at_work(event, …)``."""
    held = []

    def opened(*events, **changes):
        run = make_run("running", **changes)
        held.append(run.hold())
        held[-1].__enter__()
        for event in events:
            run.append(event)
        app = open_page("pages/train.py", run=run.id)
        for fold in ("turn", "pinned"):
            app.session_state[f"{fold}-open-{run.id}"] = True
        return run, app.run()

    yield opened
    for hold in held:
        hold.__exit__(None, None, None)


def slider(app, run, path: str, turn: int = 0):
    return app.slider(key=f"turn-{run.id}-{path}-{turn}")


def test_every_live_setting_can_be_turned_the_everyday_ones_first(at_work):
    run, app = at_work()
    for setting in live_settings.live_settings():
        assert app.get_by_key(f"turn-{run.id}-{setting.path}-0").value == run.config.value(setting.path)


def test_apply_asks_for_what_was_turned_and_undo_for_the_values_of_the_start(at_work):
    run, app = at_work()
    assert app.button(key="turn-apply").disabled
    assert app.button(key="turn-undo").disabled
    slider(app, run, "model.dropout").set_value(0.5).run()
    slider(app, run, "augment.mixup").set_value(0.25).run()
    app.button(key="turn-apply").click().run()
    assert wishes(run) == [{"model.dropout": 0.5, "augment.mixup": 0.25, "by": "page", "who": "Ada"}]
    assert "from the next epoch: 0.5" in words(app)
    assert app.button(key="turn-apply").disabled
    app.button(key="turn-undo").click().run()
    start = {path: run.config.value(path) for path in ("model.dropout", "augment.mixup")}
    assert {path: wishes(run)[1][path] for path in start} == start


def test_a_run_at_work_is_asked_to_finish_early(at_work):
    run, app = at_work(epoch(3))
    app.session_state["finish-open"] = True
    app.run()
    assert app.number_input(key=f"finish-{run.id}").value == 1  # a tenth of its 8 epochs
    assert "About 1 s. Over them" in words(app)
    app.number_input(key=f"finish-{run.id}").set_value(2)  # pressed at once: of both the page hears in one moment
    run.append(epoch(4))  # while somebody reads
    app.button(key="finish").click().run()
    assert wishes(run) == [{"optim.epochs": 7, "by": "page", "who": "Ada", "reason": "finish early"}]


def test_a_stopped_run_is_resumed_to_finish_early(open_page, make_run, monkeypatch):
    run, resumed = make_run("stopped", epochs=4), []
    run.checkpoint.parent.mkdir(exist_ok=True)
    run.checkpoint.touch()
    monkeypatch.setattr(services.manager(), "resume", lambda run, **_: resumed.append(run.id))
    app = open_page("pages/train.py", run=run.id)
    app.session_state["finish-open"] = True
    app.run()
    app.button(key="finish").click().run()
    assert (wishes(run)[0]["optim.epochs"], resumed) == (5, [run.id])


def test_a_slider_that_was_moved_keeps_its_value_while_the_run_goes_on(at_work):
    run, app = at_work()
    slider(app, run, "model.dropout").set_value(0.5).run()
    run.append(epoch(4))
    run.append(SettingsChanged(epoch=5, number=0, changes={"augment.mixup": 0.3}, by="file"))
    app.run()
    assert slider(app, run, "model.dropout").value == 0.5
    assert slider(app, run, "augment.mixup", 1).value == 0.3


def test_a_wish_that_was_taken_or_refused_is_no_longer_pending(make_run):
    run = make_run("running")
    run.override({"model.dropout": 0.5})
    with (run.path / "overrides.jsonl").open("a") as file:
        file.write('no json\n[1]\n{"optim.budget": 300}\n{"augment.mixup": 0.5}\n{"augment.mixup": ')
    assert LiveSettings(run, run.config).pending() == {"model.dropout": 0.5, "augment.mixup": 0.5}
    run.append(SettingsChanged(epoch=4, number=0, changes={"model.dropout": 0.5}, by="page"))
    run.append(Log(level="warning", message="line 5 of overrides.jsonl is ignored: for a reason"))
    assert LiveSettings(run, run.config).pending() == {}


def test_turns_are_marked_on_the_curves_and_told_in_the_log(make_run, monkeypatch):
    run = make_run("running")
    run.append(SettingsChanged(epoch=3, number=0, changes={"model.dropout": 0.5}, by="page", reason="to see"))
    run.append(SettingsChanged(epoch=3, number=1, changes={"augment.mixup": 0.2}, by="lab"))
    events = run.events()
    assert live_settings.marks(events) == [
        {"epoch": 2.5, "what": "Dropout 0.5 (page); Mixup 0.2 (overfitting advisor)"}
    ]
    log = "\n".join(run_log.log_lines(events))
    assert "From epoch 3: Dropout 0.5, changed by page: to see" in log
    drawn = {}
    monkeypatch.setattr(
        curves.st, "vega_lite_chart", lambda frame, spec, **_: drawn.update({len(drawn): (frame, spec)})
    )
    for marks in ([], live_settings.marks(events)):
        curves.curves(run.epochs(), "loss", 8, key="k", title="Loss", marks=marks)
    (before, spec), (after, same) = drawn[0], drawn[1]
    assert spec == same  # another specification would have the browser draw the chart anew
    assert len(after) == len(before) + 1
    assert after["what"].iloc[-1].startswith("Dropout 0.5")


def test_advice_is_followed_or_put_aside(at_work):
    advice = Advice(epoch=3, message="The gap widens.", changes={"model.dropout": 0.4})
    run, app = at_work(advice)
    assert "The gap widens" in words(app)
    press(app, "Apply suggestion")
    wish = {"model.dropout": 0.4, "by": "page", "who": "Ada", "reason": "advice after epoch 3"}
    assert wishes(run) == [wish]
    assert "Suggested: Dropout 0.4" not in words(app).split("Log")[0] or "Apply suggestion" not in [
        b.label for b in app.button
    ]
    other, app = at_work(advice)
    press(app, "Not now")
    assert "Apply suggestion" not in [button.label for button in app.button]
    assert wishes(other) == []


def test_of_two_runs_whose_name_reads_the_same_each_has_its_page(open_page, make_run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(time, "strftime", lambda *_: "20261124-091340")
        names = {make_run("finished").id for _ in range(2)}
    assert len(names) == 2
    for name in names:
        app = open_page("pages/train.py", run=name).run()
        assert app.selectbox(key="run-choice").value == name
        shown = words(unfold(app, "run-settings"))
        assert name in shown
        other = next(iter(names - {name}))
        assert other not in shown
        app.selectbox(key="run-choice").set_value(other).run()
        assert app.query_params["run"] in (other, [other])


def test_pages_on_a_cpu_look_less_often_the_more_are_open(open_page, make_run):
    run = make_run("running")  # on a CPU
    with run.hold():
        for _ in range(4):
            app = open_page("pages/train.py", run=run.id)
            assert not app.exception
    seen = services.visits(str(run.path))
    assert len(seen) == 4
    assert live.pace(run, run.events(), "running") == live.CPU_PACES[-1]
    seen.clear()
    assert live.pace(run, run.events(), "running") == live.CPU_PACES[0]
    assert live.pace(run, run.events(), "stopping").line == live.TICK  # who has pressed Stop waits for it
    assert live.pace(run, run.events(), "queued").line == live.TICK
    assert live.pace(run, [], "running").line == live.TICK


def test_an_ended_run_offers_nothing_to_turn(open_page, make_run):
    app = open_page("pages/train.py", run=make_run("stopped").id)
    assert "turn-apply" not in [button.key for button in app.button]


# --- where the time goes


def test_the_shares_of_the_time_are_told(at_work):
    seconds = {"network": 8.0, "data": 1.0, "waiting": 0.0, "mel": 1.0}
    _, app = at_work(epoch(4, spent=seconds))
    assert time_by_phase.shares(seconds) == [("network", 0.8), ("mel", 0.1), ("data", 0.1)]
    assert any("network 80 %" in html.proto.body for html in app.get("html"))
    assert time_by_phase.shares({}) == time_by_phase.shares({"data": 0.0}) == []


def test_parts_of_less_than_half_a_percent_have_no_word(monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(time_by_phase.st, "html", drawn.append)
    monkeypatch.setattr(time_by_phase, "dark", lambda: False)
    time_by_phase.bar({"network": 99.8, "waiting": 0.2})
    assert "network 100 %" in drawn[0]
    assert "waiting 0 %" not in drawn[0]


def test_the_line_of_progress_leaves_the_accuracy_to_the_figures(at_work):
    """They come with the curves, which may be an epoch or more behind the line."""
    _, app = at_work(epoch(4))
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("Epoch ")
    assert "accuracy" not in bar.proto.text


def test_foreign_kinds_of_time_are_no_markup(at_work):
    _, app = at_work(epoch(4, spent={"<b>x</b>": 1.0}))
    assert not any("<b>" in html.proto.body for html in app.get("html"))


# --- pinned clips


def test_a_pinned_clip_gets_a_safe_name_and_as_many_as_fit(make_run):
    run = make_run("running")
    assert tracked_clips.pin(run, "../../evil/.name.wav", TONE).parent == run.pinned
    assert tracked_clips.pin(run, "again.wav", TONE) in tracked_clips.files(run)  # the same sound is pinned once
    assert len(tracked_clips.files(run)) == 1
    for number in range(1, tracked_clips.MOST):
        tracked_clips.pin(run, "same.wav", encode_wav(np.full(100 + number, 0.1, np.float32), 8000))
    assert len({file.name for file in tracked_clips.files(run)}) == tracked_clips.MOST
    with pytest.raises(LabError, match="already"):
        tracked_clips.pin(run, "one more.wav", encode_wav(np.full(99, 0.1, np.float32), 8000))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"no sound", "x.wav"),
        (b"", "x.wav"),
        (b"0" * (tracked_clips.MOST_MB * 1024**2 + 1), "larger"),
        (encode_wav(np.zeros(8000 * 31, np.float32), 8000), "30"),
    ],
)
def test_what_cannot_be_pinned_is_told(make_run, content, what):
    run = make_run("running")
    with pytest.raises(LabError, match=what):
        tracked_clips.pin(run, "x.wav", content)
    assert tracked_clips.files(run) == []


def test_a_clip_is_uploaded_played_and_taken_away_while_the_run_is_at_work(at_work, dataset):
    run, app = at_work()
    app.file_uploader(key="pin-upload-0").set_value(("my clip.wav", TONE, "audio/wav")).run()
    assert [file.name for file in tracked_clips.files(run)] == ["my-clip.wav"]
    press(app, "Add a held-out clip")
    assert len(tracked_clips.files(run)) == 2
    assert len(app.get("audio")) == 2
    app.button(key="unpin-my-clip.wav").click().run()
    assert len(tracked_clips.files(run)) == 1
    app.file_uploader(key="pin-upload-1").set_value(("no.wav", b"?", "audio/wav")).run()
    assert "no.wav" in words(app)
    assert not app.exception


def test_clips_of_the_form_are_pinned_when_the_run_starts(open_page, dataset, manager):
    app = open_page("pages/train.py")
    app.file_uploader(key=tracked_clips.WAITING).set_value(
        [("mine.wav", TONE, "audio/wav"), ("no.wav", b"?", "audio/wav")]
    ).run()
    assert "no.wav" in words(app)
    press(app, "Add a held-out clip")
    press(app, "Start")
    (run,) = manager.workspace.runs.iterdir()
    held_out, mine = sorted(file.name for file in (run / "pinned").iterdir())
    assert held_out.startswith(("bark-", "hum-"))
    assert mine == "mine.wav"


def test_the_probabilities_of_a_pinned_clip_are_drawn(at_work):
    shares = {"bark": 0.9, "hum": 0.1}
    _, app = at_work(*(epoch(number, pinned={"mine.wav": shares}) for number in (4, 5)))
    assert "mine.wav now bark, 90.0 %" in words(app).replace("**", "").replace(":gray[", "").replace("]", "")
    assert not app.error
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 3
    many = {label: number / 15 for number, label in enumerate("abcdef")}
    assert tracked_clips.top([epoch(1, pinned={"a": many})], "a") == ["f", "e", "d", "c"]
    assert tracked_clips.top([epoch(1)], "a") == []


# --- estimate, memory


def measuring(monkeypatch, ending):
    """Have estimates measured by hand: what is asked is kept, and ``ending`` tells what comes of it."""
    asked = []

    def measure(config, workspace, should_stop, loading):
        asked.append(config)
        yield Preparing(what="taking a few steps", done=1, total=2, unit="steps")
        return ending()

    monkeypatch.setattr("labcore.training.estimate.measure", measure)
    return asked


def test_an_estimate_is_told_for_the_settings_it_was_made_for(open_page, dataset, monkeypatch, inline):
    asked = measuring(monkeypatch, lambda: Estimate(**FORECAST))
    app = open_page("pages/train.py")
    app.button(key="estimate-start").click().run()
    assert "Estimate: next in the queue" in words(app)
    inline.look()
    for seen in (app.run(), open_page("pages/train.py")):  # and for whoever comes back
        assert "5 min 20 s" in table_of(seen)
        assert "256 clips" in table_of(seen)
    assert asked[0].data.dataset == "small"
    app.selectbox(key="setting-model.name").set_value("resnet18").run()
    assert "256 clips" not in table_of(app)


def table_of(app) -> str:
    return " ".join(str(value) for item in app.table for value in item.value.to_numpy().ravel()).replace("\\", "")


def test_an_estimate_that_fails_says_why(open_page, dataset, monkeypatch, inline):
    def fails():
        raise OutOfMemoryError("a batch of 32 does not fit", "Take 16", 16)

    measuring(monkeypatch, fails)
    app = open_page("pages/train.py")
    app.button(key="estimate-start").click().run()
    inline.look()
    app.run()
    assert "A batch of 32 does not fit" in words(app)
    assert not app.button(key="estimate-start").disabled


def test_an_estimate_at_work_is_followed_and_stopped(open_page, dataset, workspace, inline):
    job = EstimateJob.create(workspace, RunConfig().replace({"data.dataset": "small"}))
    with job.hold():
        job.append(job.started("Ada"))
        job.append(Preparing(what="taking a few steps", done=1, total=2, unit="steps"))
        app = open_page("pages/train.py")
        assert "Estimate: taking a few steps: 1 of 2 steps" in words(app)
        app.button(key="estimate-stop").click().run()
        assert job.stopper == "Ada"


def test_where_memory_ran_out_the_run_goes_on_in_parts(open_page, make_run, manager):
    run = make_run("queued")
    details = {"kind": "OutOfMemoryError", "fits": 8}
    run.append(RunFinished(state="failed", error="a batch of 32 does not fit", remedy="Take 8", details=details))
    app = open_page("pages/train.py", run=run.id)
    app.button(key="in-parts").click().run()
    assert run.config.runtime.micro_batch == 8
    assert manager.asked == [("resume", run.id)]


def test_the_log_tells_estimate_advice_and_parts(make_run):
    run = make_run("queued")
    run.append(Estimate(**FORECAST))
    run.append(BatchSplit(epoch=2, batch_size=32, micro_batch=8))
    run.append(Advice(epoch=3, message="The gap widens.", changes={"model.dropout": 0.4}))
    log = "\n".join(run_log.log_lines([*run.events(), Unknown(type="of another version")]))
    assert "2 s per epoch, 5 min 20 s in total, peak memory 0.9 GB of 8.0 GB" in log
    assert "micro-batches of 8" in log
    assert "Suggested: Dropout 0.4" in log


def test_a_run_gives_the_command_of_tensorboard(open_page, make_run):
    run = make_run("stopped")
    app = open_page("pages/train.py", run=run.id)
    assert any(f"tensorboard --logdir {run.tensorboard}" in code.value for code in unfold(app, "run-settings").code)
