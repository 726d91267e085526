"""Routes give what PyTorch in fp32 gives, the fastest is taken, and what was found is remembered."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

from labcore import builtin
from labcore.cli.parser import Parser, add_route
from labcore.config import RunConfig
from labcore.doctor.system import read_system
from labcore.errors import LabError
from labcore.inference import onnx_route, route_choice, route_finder
from labcore.inference.classifier import Classifier
from labcore.inference.embed import bare_copy
from labcore.inference.route_choice import choose_route, decided
from labcore.inference.route_finder import find_later, find_now
from labcore.inference.route_memory import known_route, network_of
from labcore.inference.routes import WORDS, Route
from labcore.remembered import forget_timings
from labcore.workspace import Workspace

WINDOWS = np.random.default_rng(0).standard_normal((3, 4000)).astype(np.float32) * 0.1


class Shifted(Route):
    """Its logits are off by so much for the first class."""

    name, by = "onnx", 0.0

    def logits(self, images):
        return super().logits(images) + self.by * torch.eye(3)[0]

    def with_embeddings(self, images):
        logits, embeddings = super().with_embeddings(images)
        return logits + self.by * torch.eye(3)[0], embeddings


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 0.5, "model.width": 0.25})
    return Classifier(config, ["a", "b", "c"]).eval().for_use()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def only(monkeypatch, route=Shifted, seconds=(1.0, 0.5)):
    """Nothing but eager and a made route, with the seconds that they are said to take."""
    timed = []

    def take_turns(routes, probe, threads, batches):
        timed.append(list(routes))
        return {name: [[second] * 3] * 2 for name, second in zip(routes, seconds, strict=False)}

    monkeypatch.setattr(route_choice, "AUTO", ("eager", "onnx"))
    monkeypatch.setattr(route_choice, "build", lambda name, eager, images, threads: route(eager.network))
    monkeypatch.setattr(route_choice, "time_routes", take_turns)
    return timed


@pytest.mark.parametrize(
    ("eager", "other", "taken", "clear", "word"),
    [
        ([[2, 2.1], [20, 20]], [[1, 1], [10, 10]], "onnx", True, "0.50 of PyTorch's time for 1"),
        ([[2, 2.4], [20, 20]], [[1.9, 1.9], [19, 19]], "eager", False, "too busy"),  # times scatter by more
        ([[2, 2], [20, 20]], [[1.9, 1.9], [19, 19]], "eager", True, "not faster by a tenth"),
        ([[2, 2], [20, 20]], [[1, 1], [25, 25]], "eager", True, "not faster"),  # faster for one clip, slower for many
    ],
)
def test_the_fastest_is_taken_where_the_difference_is_clear(eager, other, taken, clear, word):
    choice, remember = decided({"eager": eager, "onnx": other}, {})
    assert (choice.route, remember, choice.busy) == (taken, clear, not clear)
    assert word in choice.reason


def test_what_was_found_is_remembered_for_the_same_threads(classifier, workspace, monkeypatch):
    timed = only(monkeypatch)
    for threads in (1, 1, 2):
        route, choice = choose_route(classifier, workspace, threads=threads)
        assert (choice.route, type(route)) == ("onnx", Shifted)
    assert len(timed) == 2
    choose_route(classifier, workspace, "compare", threads=1)
    assert len(timed) == 3
    assert forget_timings(workspace) == 2
    choose_route(classifier, workspace, threads=1)
    assert len(timed) == 4


def test_the_route_of_the_built_in_network_is_known_without_loading_it(workspace, classifier, monkeypatch):
    only(monkeypatch, Route)
    network = network_of(builtin.RUN.config, len(builtin.RUN.load("labels", [])))
    choose_route(classifier, workspace)
    assert known_route(workspace, network) is None
    _, choice = choose_route(Classifier.load(builtin.RUN.path), workspace)
    known = known_route(workspace, network)
    assert (known.route, known.reason) == ("onnx", choice.reason)
    assert read_system(workspace).route == choice.reason


def test_a_route_that_gives_something_else_is_not_timed_and_cannot_be_forced(classifier, workspace, monkeypatch):
    timed = only(monkeypatch)
    monkeypatch.setattr(Shifted, "by", 0.02)
    route, choice = choose_route(classifier, workspace)
    assert route is classifier.routes.eager(classifier)
    assert timed == [["eager"]]
    assert "a probability differs by 0.00" in choice.refused["onnx"]
    with pytest.raises(LabError, match=r"ONNX Runtime is not used: a probability differs"):
        find_now(classifier, workspace, "onnx")


def test_weights_are_checked_also_where_the_choice_is_remembered(classifier, workspace, monkeypatch):
    only(monkeypatch)
    choose_route(classifier, workspace)
    monkeypatch.setattr(Shifted, "by", np.nan)
    route, choice = choose_route(classifier, workspace)
    assert (route, choice.route) == (classifier.routes.eager(classifier), "eager")
    assert "differs by inf" in choice.reason


def test_a_route_is_looked_for_after_as_much_work_as_it_takes(classifier, workspace, monkeypatch):
    timed = only(monkeypatch)
    plain = classifier.predict_proba(WINDOWS)
    find_later(classifier, workspace)
    classifier.predict_proba(WINDOWS)
    assert not timed
    monkeypatch.setattr(classifier.routes.finder, "_patience", 0.0)
    monkeypatch.setattr(route_finder, "look_seconds", lambda one: 0.0)
    for _ in range(3):
        assert classifier.predict_proba(WINDOWS) == pytest.approx(plain, abs=1e-6)
    assert len(timed) == 1
    assert classifier.routes.choice.route == classifier.routes.taken.name == "onnx"


def test_a_busy_machine_is_asked_again_later(classifier, workspace, monkeypatch):
    timed = only(monkeypatch)
    scattered = {"eager": [[1.0, 1.4, 1.5]] * 2, "onnx": [[0.9, 0.9, 0.9]] * 2}
    monkeypatch.setattr(route_choice, "time_routes", lambda *given: timed.append(given) or scattered)
    find_later(classifier, workspace)
    finder = classifier.routes.finder
    assert finder.worked(classifier, route_finder.PATIENCE_SECONDS, 10_000) is not None
    assert finder.worked(classifier, route_finder.PATIENCE_SECONDS, 10_000) is None
    assert finder.worked(classifier, route_finder.PATIENCE_SECONDS, 10_000) is not None
    assert len(timed) == 2
    assert not list((workspace.cache / "routes").glob("*"))


def test_without_the_package_pytorch_goes_on_and_the_extra_is_named(classifier, workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(route_choice, "AUTO", ("eager", "onnx"))
    assert find_now(classifier, workspace).route == "eager"
    with pytest.raises(LabError, match=r"ONNX Runtime is not installed.*audio-gpu-lab\[onnxruntime\]"):
        find_now(classifier, workspace, "onnx")


def test_onnx_runtime_gives_probabilities_and_embeddings(classifier, workspace, capfd):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    wanted = classifier.predict_with_embeddings(WINDOWS)
    find_now(classifier, workspace, "onnx", threads=1)
    assert classifier.routes.taken.name == "onnx"
    for clips in (1, 3):
        found = classifier.predict_with_embeddings(WINDOWS[:clips])
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other[:clips], atol=1e-4)
        np.testing.assert_allclose(classifier.predict_proba(WINDOWS[:clips]), wanted[0][:clips], atol=1e-5)
    half = WINDOWS[:, :2000]  # which the exported network does not take
    np.testing.assert_allclose(classifier.predict_proba(half), copy.deepcopy(classifier).predict_proba(half), atol=1e-4)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_classifier_that_has_a_route_can_be_copied(classifier, workspace, monkeypatch, copied):
    only(monkeypatch)
    find_now(classifier, workspace)
    find_later(classifier, workspace)
    wanted = classifier.predict_with_embeddings(WINDOWS)
    again = copied(classifier)
    assert again.to_bytes() == classifier.to_bytes()
    for one, other in zip(again.predict_with_embeddings(WINDOWS), wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_process_that_is_forked_computes_alone_and_by_pytorch():
    script = """
import os, torch
torch.set_num_threads(2)
from labcore.inference.routes import RoutesInUse
routes = RoutesInUse()
routes.taken = routes.finder = "sessions and threads"
if child := os.fork():
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (torch.get_num_threads(), routes.taken) == (2, "sessions and threads")
else:
    os._exit((torch.get_num_threads(), routes.taken, routes.finder) != (1, None, None))
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_package_that_breaks_while_it_loads_is_passed_over(classifier, workspace, monkeypatch, tmp_path):
    for name in [each for each in sys.modules if each.partition(".")[0] in ("onnx", "onnxruntime")]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "onnx.py").write_text("raise TypeError('Descriptors cannot be created directly')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(route_choice, "AUTO", ("eager", "onnx"))
    assert find_now(classifier, workspace).route == "eager"
    with pytest.raises(LabError, match="ONNX Runtime cannot be loaded: Descriptors"):
        find_now(classifier, workspace, "onnx")


def test_the_exported_copy_of_a_network_is_let_go_at_once(classifier):
    pytest.importorskip("onnx")
    gc.collect()
    gc.disable()
    try:
        outputs = onnx_route._Outputs(bare_copy(classifier.network))
        outputs(torch.zeros(2, 1, 64, 20))
        there = weakref.ref(outputs.network)
        del outputs
        assert there() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("seconds", "windows"), [(0.001, 32), (0.01, 16), (0.03, 8), (0.3, 4)])
def test_slow_networks_are_compared_with_fewer_windows(seconds, windows):
    assert route_choice._batches(seconds) == (1, windows)
    assert route_choice.look_seconds(seconds) == pytest.approx(12 * seconds * (1 + windows))


def test_a_slow_network_works_for_longer_before_it_looks(classifier, workspace, monkeypatch):
    timed = only(monkeypatch)
    find_later(classifier, workspace)
    finder = classifier.routes.finder
    for _ in range(8):  # a window takes 2 s: comparing would take two minutes
        assert finder.worked(classifier, 8.0, 4) is None
    assert not timed


def test_a_clock_that_sees_nothing_does_not_end_the_service(classifier, workspace, monkeypatch):
    monkeypatch.setattr(route_choice.time, "thread_time", lambda: 0.0)
    monkeypatch.setattr(route_choice, "AUTO", ("eager", "onnx"))
    monkeypatch.setattr(route_choice, "build", lambda name, eager, images, threads: Shifted(eager.network))
    assert find_now(classifier, workspace, threads=1).route == "eager"


def test_bf16_is_computed_in_bf16_and_its_embeddings_in_fp32(classifier):
    from labcore.inference.routes import build

    eager = classifier.routes.eager(classifier)
    images = torch.randn(2, 1, 64, 20)
    half = build("bf16", eager, images, 1)
    with torch.inference_mode():
        assert not torch.equal(half.logits(images), eager.logits(images))
        assert half.logits(images).dtype == torch.float32
        torch.testing.assert_close(half.logits(images), eager.logits(images), atol=0.1, rtol=0.1)
        assert torch.equal(half.with_embeddings(images)[1], eager.with_embeddings(images)[1])


def test_the_flag_names_the_routes():
    parser = Parser(prog="labcore")
    add_route(parser)
    (flag,) = [each for each in parser._actions if each.dest == "route"]
    assert set(flag.choices) == {*WORDS, "auto", "compare"}
