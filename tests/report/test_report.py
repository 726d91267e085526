"""Reports of runs, cross-validations and comparisons: what stands in them, in HTML and in Markdown, whatever the names hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from labcore.config import RunConfig, all_settings
from labcore.crossval.summary import FoldResult, Pool, Summary, pool
from labcore.downloads.origin import origin
from labcore.errors import ConfigError, RunError
from labcore.evaluation.jobs import ClipsChosen
from labcore.evaluation.robustness import RobustnessPlan, RobustnessTest
from labcore.events import Epoch, JobFinished, TrainingStarted
from labcore.inference.unknown import Unknown
from labcore.report import html, markdown, one
from labcore.report.blocks import Chart, Code, Matrix, Paragraph, Report, Section, Series, Table
from labcore.report.make import report_of, save, writer_of
from labcore.runs import Run
from labcore.standard_sets import standard_set
from tests.hiding import hidden_test
from tests.judged import LABELS, drawn, finished_crossval, finished_run, judged, sure
from tests.made_events import made_epoch

EVIL = "<script>alert(1)</script>"
TRUTH = [LABELS[number % 3] for number in range(30)]


class Page(HTMLParser):
    """What a browser would make of a report: its elements, their attributes, and the texts of its cells."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def epoch(number: int, loss: float) -> Epoch:
    return made_epoch(number, epochs=2, train_loss=loss / 2, val_loss=loss, val_accuracy=0.4 + number / 10)


def started(**facts) -> TrainingStarted:
    names = ("device", "device_reason", "precision", "memory_format", "precision_reason")
    return TrainingStarted(labels=list(LABELS), val_clips=90, first_epoch=1, **dict.fromkeys(names, ""), **facts)


def table_of(report: Report, section: str) -> Table:
    (found,) = [part for part in report.sections if part.title == section]
    return next(block for block in found.blocks if isinstance(block, Table))


def said(report: Report) -> str:
    return " ".join(block.text for block in report.lead if isinstance(block, Paragraph))


@pytest.fixture
def run(workspace):
    made = finished_run(workspace, drawn(90), {"optim.lr": 0.02})
    with made.hold():
        for number in (1, 2):
            made.append(epoch(number, 1.5 / number))
    made.save("environment", {"torch": "2.9", "device_name": "a GPU"})
    return made


def test_a_run_tells_figures_settings_and_the_command(workspace, run):
    made = report_of(workspace, [run.id])
    assert "Accuracy 73.3 % on the 90 clips of test fold 1 (95 % interval 63.4 to 81.4 %)." in said(made)
    assert [part.title for part in made.sections] == [
        "Figures", "Classes", "Confusion matrix", "Calibration", "Mistakes", "Curves", "Settings", "Command and environment",
    ]  # fmt: skip
    *_, every = next(part for part in made.sections if part.title == "Settings").blocks
    assert isinstance(every, Table)
    assert every.folded
    assert [row[1] for row in every.rows] == list(all_settings())
    assert ["Learning rate", "optim.lr", "0.02", "automatic"] in table_of(made, "Settings").rows
    wrong = table_of(made, "Mistakes")
    shares = [float(str(row[4]).removesuffix(" %")) for row in wrong.rows]
    assert len(shares) == 24
    assert shares == sorted(shares, reverse=True)
    told = markdown.written(made)
    assert "labcore train --dataset made --fold 1 --lr 0.02" in told
    assert "| torch | 2.9 |" in told
    assert "| 2 | 60.0 % | 50.0 % |" in told
    assert re.search(r"Made by the Audio GPU Lab \d+\.\d+\.\d+ on \d{4}-\d\d-\d\d at \d\d:\d\d\.", told)


def test_methods_have_the_numbers_that_automatic_settings_came_to(workspace, run):
    config = {
        "data.dataset": "got",
        "audio.sample_rate": 8000,
        "audio.clip_seconds": 2.0,
        "features.f_max": 3500,
        "augment.reverb": 0.3,
    }
    run.save_config(run.config.replace({**config, "optim.lr": None, "augment.mixup": 0.0}))
    folder = workspace.datasets / "got"
    folder.mkdir(parents=True)
    about = standard_set("esc50")
    (folder / "source.json").write_text(origin(about, "there", "sum"), encoding="utf-8")
    with run.hold():
        run.append(started(train_clips=320, parameters=345706, epochs=2, fold="1"))
    told = markdown.written(report_of(workspace, [run.id]))
    methods = told.partition("## Methods")[2].partition("##")[0].replace("\\", "")
    assert about.citation in methods
    assert about.licence in methods
    assert "resampled to 8000 Hz and heard in windows of 2 s" in methods
    assert "to 3500 Hz" in methods
    assert "(345,706 parameters) was trained from random weights for 2 epochs on 320 clips" in methods
    assert f"a peak learning rate of {run.config.optim.peak_lr:g}" in methods
    assert "Reverberation 0.3" in methods
    assert "Mixup" not in methods
    assert "Fold 1 was held out; none of the same recordings was trained on." in methods
    assert "PyTorch 2.9 on a GPU" in methods


def test_the_page_loads_nothing_and_can_be_read_aloud(workspace, run):
    content = html.written(report_of(workspace, [run.id]))
    page = Page(content)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "http" not in content.replace("http-equiv", "")
    assert "url(" not in content
    assert "@import" not in content
    policy = next(each["content"] for each in page.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert len(page.of("table")) == len(page.of("caption"))
    assert {each.get("scope") for each in page.of("th")} == {"row", "col"}
    charts = [each for each in page.of("svg") if each.get("role") == "img"]
    assert len(charts) == 3
    assert "on the clips of test fold 1 from 50.0 % to 60.0 %" in str([each["aria-label"] for each in charts])
    assert page.of("html") == [{"lang": "en"}]
    assert len(page.of("h1")) == 1


def test_names_from_outside_stay_texts(workspace):
    labels = (EVIL, "a|b `c` *d*", '"><img src=x onerror=alert(1)>')
    names = [f"{EVIL}/{number}\n| [x](https://evil.example) \u202e.wav" for number in range(30)]
    truth = [labels[number % 3] for number in range(30)]
    wrong = [labels[number % 3 - 1] for number in range(30)]
    changes = {"data.dataset": "'; <b>data</b>`\udc84"}
    one = finished_run(workspace, judged(truth, sure(wrong, labels=labels), labels=labels, names=names), changes)
    one.save("about", {"name": f"named {EVIL}", "note": "1. <i>note</i>", "tags": ["<u>"]})
    other = finished_run(
        workspace, judged(truth, sure(truth, labels=labels), labels=labels, names=names), changes | {"optim.lr": 0.02}
    )
    for ids in ([one.id], [one.id, other.id]):
        made = report_of(workspace, ids)
        page = Page(html.written(made))
        assert not {"script", "img", "b", "u"} & {tag for tag, _ in page.tags}
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        assert set(labels) <= set(page.texts)
        told = markdown.written(made)
        outside = re.sub(r"^(```+)sh\n.*?^\1$", "", told, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"(?<!\\)[<`]|(?<!\\)\[|https://|\u202e|\udc84", outside)
        for rows in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows.splitlines()}) == 1
        told.encode()
    assert report_of(workspace, [one.id]).title == f"Run named {EVIL}"


def test_a_command_that_holds_a_fence_does_not_leave_its_own():
    made = Report("x", "x", [], [Section("s", [Code("echo ```` \n# no heading")])], "Made.")
    assert "`````sh\necho ```` \n# no heading\n`````" in markdown.written(made)


def test_a_run_that_has_not_ended_says_so(workspace):
    queued = Run.create(workspace, RunConfig().replace({"data.dataset": "made"}), queued=True)
    made = report_of(workspace, [queued.id])
    assert f"Run {queued.id} has no predictions: it is queued." in said(made)
    assert [part.title for part in made.sections] == ["Settings", "Command and environment"]
    html.written(made)


def test_a_run_of_a_former_version_has_the_figures_that_it_kept(workspace, run):
    run.predictions.unlink()
    made = report_of(workspace, [run.id])
    assert "Accuracy 73.3 % on test fold 1 (95 % interval 63.4 to 81.4 %)." in said(made)
    assert [part.title for part in made.sections[:3]] == ["Figures", "Classes", "Confusion matrix"]
    assert {row[0] for row in table_of(made, "Classes").rows} == set(LABELS)


def test_changed_settings_and_leaks_are_warned_of(workspace, run, monkeypatch):
    from labcore.report import one as reports

    monkeypatch.setattr(reports, "of_run", lambda *_, real=reports.of_run: _altered(real(*_)))
    told = said(report_of(workspace, [run.id]))
    assert "Clips of the same recordings were trained on" in told
    assert "Settings were changed twice" in told


def test_a_trial_of_a_search_says_what_its_clips_are_for(workspace, run, monkeypatch):
    from labcore.report import one as reports

    chosen = {"leaks": False, "adjusted": 0, "chosen_by": True}
    monkeypatch.setattr(reports, "of_run", lambda *_, real=reports.of_run: _altered(real(*_), **chosen))
    told = said(report_of(workspace, [run.id]))
    assert "on the 90 clips of validation fold 1" in told
    assert "Recipes are chosen by these clips" in told
    assert "Nothing was chosen" not in told


def _altered(each, **changes):
    import dataclasses

    return dataclasses.replace(each, **({"leaks": True, "adjusted": 2} | changes))


def test_all_right_and_one_recording(workspace):
    made = report_of(workspace, [finished_run(workspace, judged(TRUTH, sure(TRUTH), groups=["one"] * 30)).id])
    (part,) = [part for part in made.sections if part.title == "Mistakes"]
    assert part.blocks == [Paragraph("All 30 clips are right.")]
    html.written(made)


def test_a_cross_validation_pools_its_folds(workspace):
    experiment = finished_crossval(workspace)
    runs = experiment.children()
    for number, each in enumerate(runs, 1):
        with each.hold():
            each.append(epoch(1, float(number)))
    made = report_of(workspace, [experiment.id])
    assert "on the 80 clips of test folds 1, 2" in said(made)
    assert [row[0] for row in table_of(made, "Folds").rows] == ["1", "2"]
    told = markdown.written(made)
    assert "labcore crossval --folds 1 2 --dataset made" in told
    assert "| Epoch | mean | fold 1 | fold 2 |" in told
    assert "| 1 | 1.5 | 1 | 2 |" in told
    of_one = report_of(workspace, [runs[0].id])
    assert f"| Part of | {experiment.id} (fold 1) |" in markdown.written(of_one)
    runs[1].predictions.unlink()
    assert "on the 40 clips of test fold 1" in said(report_of(workspace, [experiment.id]))
    runs[0].predictions.unlink()
    former = report_of(workspace, [experiment.id])
    assert "Classes" in [part.title for part in former.sections]


def test_a_comparison_tells_the_sentence_and_the_clips(workspace):
    worse = [label if number % 2 else LABELS[number % 3 - 1] for number, label in enumerate(TRUTH)]
    one = finished_run(workspace, judged(TRUTH, sure(worse)))
    other = finished_run(workspace, judged(TRUTH, sure(TRUTH)), {"optim.lr": 0.02})
    made = report_of(workspace, [one.id, other.id])
    assert made.title == "Comparison of A and B"
    assert "B is better by 50.0 points (33.3 to 70.0): this is hardly chance with 30 clips of 30 recordings" in said(
        made
    )
    assert list(table_of(made, "What differs").rows) == [["Learning rate", "optim.lr", "automatic", "0.02"]]
    assert len(table_of(made, "Clips won and lost, B against A").rows) == 15
    told = markdown.written(made)
    assert "No clip is lost by B." in told
    assert f"labcore runs compare {one.id} {other.id}" in told
    assert "To train B again:\n\n```sh\nlabcore train --dataset made --fold 1 --lr 0.02\n```" in told
    html.written(made)


def test_what_cannot_be_compared_is_told(workspace):
    one = finished_run(workspace, judged(TRUTH, sure(TRUTH)))
    other = finished_run(workspace, judged(["cat"], sure(["cat"]), names=["x.wav"]), {"data.fold": "2"})
    made = report_of(workspace, [one.id, other.id])
    assert "A and B cannot be compared clip by clip" in said(made)
    html.written(made)


def test_many_classes_are_listed_in_place_of_a_matrix(workspace):
    labels = tuple(f"class {number}" for number in range(70))
    shifted = [*labels[1:], labels[0]]
    made = report_of(
        workspace, [finished_run(workspace, judged(labels, sure(shifted, labels=labels), labels=labels)).id]
    )
    (part,) = [part for part in made.sections if part.title == "Confusion matrix"]
    assert not any(isinstance(block, Matrix) for block in part.blocks)
    assert len(table_of(made, "Confusion matrix").rows) == 15


def test_a_loss_that_is_no_number_spoils_no_chart():
    lines = [Series("a", [(1, np.nan), (2, 3.0)]), Series("b", [(1, np.inf)])]
    for series in (lines, lines[1:]):
        content = html.written(Report("x", "x", [], [Section("s", [Chart("Loss", "Epoch", series)])], "Made."))
        assert not re.search(r'[ "M](nan|inf)', content.partition("<svg")[2].partition("</svg>")[0])


def test_what_is_written_follows_the_ending(workspace, run, tmp_path):
    made = report_of(workspace, [run.id])
    save(made, tmp_path / "a.HTML")
    save(made, tmp_path / "a.md")
    assert (tmp_path / "a.HTML").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# Run ")
    with pytest.raises(ConfigError, match=r"cannot be written as \.pdf"):
        writer_of(tmp_path / "a.pdf")
    with pytest.raises(RunError, match="no run"):
        report_of(workspace, ["nothing"])


def made_worse(run, fold, hits, **plan) -> RobustnessTest:
    """A finished test with two levels of MP3, of ten clips each."""
    asked = RobustnessPlan.model_validate(
        {"run": run.id, "fold": fold, "disturbance": "mp3", "levels": (64, 8), **plan}
    )
    test = RobustnessTest.create(run.workspace, asked)
    with test.hold():
        test.append(test.started())
        test.append(
            ClipsChosen(dataset="made", fold="1", clips=10, sentence="10 clips of fold 1, held out from training.")
        )
        for level, right in zip((None, 64.0, 8.0), hits, strict=True):
            test.append(asked.result(level, right, 10))
        test.append(JobFinished(state="finished", seconds=1.0))
    return test


def test_robustness_is_told_of_the_test_fold(workspace, run):
    assert not [
        part for part in report_of(workspace, [run.id]).sections if part.title in ("Robustness", "Unknown sounds")
    ]
    made_worse(run, None, (9, 8, 4))
    made_worse(run, "2", (10, 10, 10))  # which it was trained on
    made_worse(run, "1", (1, 1, 1), label="cat")
    made_worse(run, None, (2, 2, 2), dataset="another")
    found = table_of(report_of(workspace, [run.id]), "Robustness")
    assert found.caption == "MP3 bit rate, on 10 clips of fold 1, held out from training"
    assert [[row[0], row[1].text, row[3]] for row in found.rows] == [
        ["as recorded", "90.0 %", "9 of 10"],
        ["64 kbit/s", "80.0 %", "8 of 10"],
        ["8 kbit/s", "40.0 %", "4 of 10"],
    ]


def test_hidden_classes_and_the_threshold_are_told(workspace, run, make_classifier):
    hidden_test(run, {"dog": 0.5, EVIL: 0.9})
    classifier = make_classifier(labels=LABELS)
    classifier.unknown = (
        Unknown.of(np.ones((4, 2)), np.zeros((2, 2))).fitted(np.arange(30.0), 0.1, "30 clips").switched(False)
    )
    classifier.save(run.weights)
    made = report_of(workspace, [run.id])
    assert [row[0] for row in table_of(made, "Unknown sounds").rows] == [EVIL, "dog"]
    (section,) = [part for part in made.sections if part.title == "Unknown sounds"]
    told = " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))
    assert 'The run does not answer "none of these". Its threshold was fitted on 30 clips, so that 10.0 %' in told
    assert "Mean AUROC of clips of the hidden class against those of the others: 0.700" in told
    assert "script" not in {tag for tag, _ in Page(html.written(made)).tags}
    assert markdown.written(made).count("## Unknown sounds") == 1


def test_corrected_labels_stand_beside_the_figure(workspace, run, monkeypatch):
    monkeypatch.setattr(one, "corrected_since", lambda run: 2)
    assert "2 of the 90 held-out labels were corrected since" in said(report_of(workspace, [run.id]))


def folds_told(official: list[float], at_random: list[float], figure: str) -> tuple[Table, str]:
    """The section of the folds of a cross-validation, and of its random split, of which these are the figures."""

    def made(values: list[float], split: str) -> Pool:
        told = [
            {"fold": str(number), "split": split, "run_id": "r", figure: value} for number, value in enumerate(values)
        ]
        return pool([FoldResult("finished", leaks=split == "random", **each) for each in told])

    pools = made(official, "official"), made(at_random, "random")
    gap = sum(at_random) / len(at_random) - sum(official) / len(official)
    (table, *told) = one._folds(Summary("c", "finished", "d", "m", 0.0, *pools, gap)).blocks
    return table, " ".join(block.text for block in told)


def test_folds_of_several_labels_have_their_mean_average_precision() -> None:
    table, told = folds_told([0.6, 0.7], [0.8, 0.8], "mean_ap")
    assert (table.head[2], table.rows[0][2]) == ("mAP", "mAP 0.600")
    assert "Mean of the folds mAP 0.650 ± 0.071 (standard deviation). 2 of 2 folds finished." in told
    assert "gives +0.150: so much it would flatter." in told


def test_a_random_split_that_is_no_better_flatters_nobody() -> None:
    told = folds_told([0.8, 0.9], [0.7, 0.8], "accuracy")[1]
    assert "Mean accuracy of the folds 85.0 ± 7.1 % (standard deviation)." in told
    assert told.endswith("A random split, which ignores recordings, gives -10.0 points.")
