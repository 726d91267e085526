import threading
from concurrent.futures import wait

import numpy as np
import pytest
import torch

from labcore.audio import quantise
from labcore.serving.batcher import DeadlineExceeded, DynamicBatcher, Overloaded

CPU = torch.device("cpu")


def clip(seconds, seed=0):
    return quantise(np.random.default_rng(seed).normal(0, 0.1, int(8000 * seconds)).astype(np.float32))


def ask(batcher, classifier, seconds=0.5, seed=0, **options):
    samples, scale = clip(seconds, seed)
    return batcher.submit(classifier, samples, scale, classifier.windows_of(len(samples)), **options)


def expected(classifier, seconds=0.5, seed=0):
    samples, scale = clip(seconds, seed)
    return classifier.rows_of(samples, scale, classifier.windows_of(len(samples)))


class Held:
    """A classifier whose network waits until it is let go, and notes what it was given."""

    def __init__(self, classifier):
        self.inner, self.go, self.entered, self.batches = classifier, threading.Event(), threading.Event(), []
        self.columns = classifier.columns
        self.labels, self.input_windows, self.windows_of = (
            classifier.labels,
            classifier.input_windows,
            classifier.windows_of,
        )

    def predict_rows(self, windows):
        self.entered.set()
        assert self.go.wait(30)
        self.batches.append(len(windows))
        return self.inner.predict_rows(windows)


@pytest.fixture
def batcher():
    made = DynamicBatcher(CPU, batch_size=4, threads=1)
    yield made
    made.close()


def test_clips_of_any_length_get_what_they_get_alone(batcher, make_classifier):
    classifier = make_classifier()
    asked = [(0.5, 1), (3.2, 2), (0.1, 3), (1.7, 4), (0.5, 5)]
    futures = [ask(batcher, classifier, seconds, seed) for seconds, seed in asked]
    for future, (seconds, seed) in zip(futures, asked, strict=True):
        np.testing.assert_allclose(future.result(30), expected(classifier, seconds, seed), atol=1e-6)


def test_two_threads_give_the_same(make_classifier):
    classifier = make_classifier()
    batcher = DynamicBatcher(CPU, batch_size=3, threads=2)
    futures = [ask(batcher, classifier, 1.3, seed) for seed in range(20)]
    for seed, future in enumerate(futures):
        np.testing.assert_allclose(future.result(30), expected(classifier, 1.3, seed), atol=1e-6)
    batcher.close()


def test_what_waits_goes_together(batcher, make_classifier):
    held = Held(make_classifier())
    first = ask(batcher, held)
    assert held.entered.wait(30)
    rest = [ask(batcher, held, seed=seed) for seed in range(6)]
    assert batcher.waiting == 6
    held.go.set()
    wait([first, *rest], 30)
    assert held.batches == [1, 4, 2]
    assert batcher.waiting == 0


def test_a_long_recording_holds_nobody_up(batcher, make_classifier):
    held = Held(make_classifier())
    long = ask(batcher, held, 20.0)
    assert held.entered.wait(30)
    short = ask(batcher, held)
    order = []
    long.add_done_callback(lambda _: order.append("long"))
    short.add_done_callback(lambda _: order.append("short"))
    held.go.set()
    wait([long, short], 60)
    assert order == ["short", "long"]
    np.testing.assert_allclose(long.result(), expected(held.inner, 20.0), atol=1e-6)


def test_two_networks_do_not_meet_in_a_batch(batcher, make_classifier):
    one, two = make_classifier(1), make_classifier(2, labels=("a", "b"))
    pairs = [(ask(batcher, model, seed=seed), model, seed) for seed in range(4) for model in (one, two)]
    for future, model, seed in pairs:
        np.testing.assert_allclose(future.result(30), expected(model, seed=seed), atol=1e-6)


def test_who_waited_too_long_is_told_so(batcher, make_classifier):
    held = Held(make_classifier())
    ask(batcher, held)
    assert held.entered.wait(30)
    late = ask(batcher, held, timeout_s=-1.0)
    held.go.set()
    with pytest.raises(DeadlineExceeded):
        late.result(30)


def test_who_went_away_costs_nothing(batcher, make_classifier):
    held = Held(make_classifier())
    first = ask(batcher, held)
    assert held.entered.wait(30)
    gone, last = ask(batcher, held), ask(batcher, held)
    assert gone.cancel()
    held.go.set()
    wait([first, last], 30)
    assert held.batches == [1, 1]


def test_a_network_that_fails_fails_its_clips_and_goes_on(batcher, make_classifier):
    good, bad = make_classifier(), make_classifier(1)
    bad.network = torch.nn.Identity()
    with pytest.raises((RuntimeError, ValueError)):
        ask(batcher, bad, 3.0).result(30)
    np.testing.assert_allclose(ask(batcher, good).result(30), expected(good), atol=1e-6)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED")]
)
def test_a_batch_that_does_not_fit_goes_in_halves(batcher, make_classifier, monkeypatch, error):
    classifier = make_classifier()
    whole, monkeypatched = classifier.predict_proba, []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def predict_proba(windows):
        if len(windows) > 1:
            raise error
        monkeypatched.append(len(windows))
        return whole(windows)

    monkeypatch.setattr(classifier, "predict_proba", predict_proba)
    np.testing.assert_allclose(ask(batcher, classifier, 2.5).result(30).shape, (9, 3))
    assert set(monkeypatched) == {1}
    assert batcher.batch_size == 1


def test_closing_gives_up_what_waits(make_classifier):
    batcher = DynamicBatcher(CPU, batch_size=1, threads=1)
    held = Held(make_classifier())
    at_work = ask(batcher, held)
    assert held.entered.wait(30)
    waiting = ask(batcher, held)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(Overloaded):
        waiting.result(30)
    held.go.set()
    closing.join(30)
    assert at_work.result(0).shape == (1, 3)
    with pytest.raises(Overloaded):
        ask(batcher, held)


def test_batches_are_told(make_classifier):
    told = []
    batcher = DynamicBatcher(
        CPU, batch_size=4, threads=1, on_batch=lambda windows, seconds: told.append((windows, seconds > 0))
    )
    ask(batcher, make_classifier(), 1.0).result(30)
    batcher.close()
    assert sum(windows for windows, _ in told) == 3
    assert all(positive for _, positive in told)


def test_closing_gives_back_torchs_threads_and_precision():
    from labcore.device import tf32_settings

    before = torch.get_num_threads(), tf32_settings()
    DynamicBatcher(CPU).close()
    assert (torch.get_num_threads(), tf32_settings()) == before
