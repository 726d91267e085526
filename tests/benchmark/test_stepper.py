import sys

import pytest
import torch
from torch import nn

from labcore.benchmark import peak as peak_module
from labcore.benchmark import tuning
from labcore.benchmark.cases import ARTICLE, PARTS, Case
from labcore.benchmark.counting import count, too_large, wanted_bytes
from labcore.benchmark.inputs import BenchmarkInputs, configuration, fresh_network
from labcore.benchmark.peak import measure_peak
from labcore.benchmark.stepper import Stepper
from labcore.device import allow_tf32, set_tf32, tf32_settings
from labcore.inference.classifier import Classifier


@pytest.fixture(autouse=True)
def _settings():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stepper(scope="network", mode="inference", batch=2, model="compact", **case):
    return Stepper(Case("cpu", model, mode, scope, batch, **{"threads": 1, **case}), BenchmarkInputs(model, batch))


@pytest.mark.parametrize(
    ("scope", "parts"),
    [
        ("network", {"network"}),
        ("transfer", {"transfer", "network"}),
        ("waveform", {"transfer", "mel", "network"}),
        ("file", {"decode", "transfer", "mel", "network"}),
    ],
)
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_every_scope_and_mode_runs_and_tells_its_parts(scope, parts, mode):
    work = stepper(scope, mode)
    assert work.call().isfinite().all()
    assert work.seconds(2) > 0
    taken = work.parts()
    assert set(taken) == parts <= set(PARTS)
    assert all(seconds > 0 for seconds in taken.values())
    work.close()


def test_from_waveforms_the_answer_is_the_classifiers():
    inputs = BenchmarkInputs("compact", 3)
    work = stepper("waveform", batch=3)
    classifier = Classifier(configuration("compact"), list("abcdefghij"), fresh_network("compact")).eval()
    with torch.inference_mode():
        assert torch.allclose(work.call(), classifier(inputs.waveforms()), atol=1e-4)


def test_from_files_the_waveforms_are_those_that_were_encoded():
    inputs = BenchmarkInputs("compact", 3)  # WAV, FLAC, Ogg
    work = stepper("file", batch=3)
    decoded = work._decode()
    assert decoded.shape == inputs.waveforms().shape == (3, inputs.sample_rate // 2)
    assert torch.allclose(decoded[:2], inputs.waveforms()[:2], atol=1e-4)
    assert (decoded[2] - inputs.waveforms()[2]).abs().mean() < 0.02  # Vorbis is lossy
    work.close()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_computes_in_it_and_agrees(precision):
    exact, rough = stepper(), stepper(precision=precision, memory_format="channels_last")
    assert rough.call().dtype == rough.dtype != torch.float32
    assert torch.allclose(exact.call(), rough.call().float(), atol=0.1)
    work = stepper("file", precision=precision)
    assert work.call().dtype == torch.float32  # brought back as the caller wants it
    work.close()


def test_a_training_step_moves_the_weights():
    work = stepper(mode="training", batch=4)
    before = [parameter.clone() for parameter in work.network.parameters()]
    losses = [float(work.call()) for _ in range(10)]
    assert any(not torch.equal(old, new) for old, new in zip(before, work.network.parameters(), strict=True))
    assert losses[-1] < losses[0]


def test_inference_leaves_the_weights_alone():
    work = stepper()
    before = {name: tensor.clone() for name, tensor in work.network.state_dict().items()}
    work.call()
    assert all(torch.equal(before[name], tensor) for name, tensor in work.network.state_dict().items())


def test_the_threads_of_the_case_are_in_force():
    work = stepper(threads=2)
    torch.set_num_threads(1)
    work.seconds(1)
    assert torch.get_num_threads() == 2


def test_the_articles_work_is_its_own():
    assert BenchmarkInputs(ARTICLE, 4).images().shape == (4, 1, 64, 64)
    work = stepper(model=ARTICLE, batch=4)
    assert work.call().shape == (4, 10)


def test_a_network_is_the_same_each_time_and_the_generator_stays_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = fresh_network("compact").state_dict(), fresh_network("compact").state_dict()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_flops_are_those_of_the_network():
    # two convolutions of 3×3 at 64×64 and 32×32, two linear layers; two operations a multiplication
    forward = 2 * (64 * 64 * 32 * 9 + 32 * 32 * 64 * 32 * 9 + 64 * 16 * 16 * 128 + 128 * 10)
    assert count(ARTICLE, "inference").flops == forward
    assert 2 * forward < count(ARTICLE, "training").flops < 3.01 * forward


def test_a_batch_that_would_eat_the_memory_is_not_tried(monkeypatch):
    case = Case("cpu", "resnet18", "training", "file", 1024)
    assert wanted_bytes(case) > 10 * wanted_bytes(Case("cpu", "resnet18", "training", "file", 64))
    monkeypatch.setattr("labcore.benchmark.counting.free_bytes", lambda: 2.0**30)
    assert "1.0 GiB are free" in too_large(case)
    assert too_large(Case("cpu", "compact", batch_size=1)) == ""
    assert too_large(Case("cuda:0", "resnet18", "training", batch_size=1024)) == ""  # a GPU tells by itself


def test_the_peak_is_a_matrix_product():
    peak = measure_peak("cpu", "fp32", 0.01)
    assert peak.size in (64, 128)
    assert 1e6 < peak.flops_per_second < 1e15
    assert peak.threads >= 1


def test_the_peak_of_a_quick_device_is_sought_where_it_is_filled(monkeypatch):
    """Small products wait for the processor: they say nothing of a device that does large ones in milliseconds."""
    monkeypatch.setattr(peak_module, "SIZES", (512, 1024, 2048, 4096, 8192, 16384))
    monkeypatch.setattr(peak_module, "ENOUGH", 1024)
    asked = []

    def seconds(size, device, dtype, most):
        asked.append((size, most))
        return 1e-5 + 2.0 * size**3 / 800e12

    monkeypatch.setattr(peak_module, "_product_seconds", seconds)
    found = measure_peak("cpu", "fp32", 0.15)
    assert found.size == 16384
    assert sum(most for _, most in asked) == pytest.approx(0.15)
    monkeypatch.setattr(peak_module, "_product_seconds", lambda size, *rest: 1e-4 + 2.0 * size**3 / 1e11)
    assert measure_peak("cpu", "fp32", 0.15).size == 1024  # the next size alone would take longer


def test_tf32_can_be_switched_without_a_gpu():
    before = tf32_settings()
    try:
        allow_tf32(True)
        assert (tf32_settings(), torch.get_float32_matmul_precision()) == ((True, True), "high")
        allow_tf32(False)
        assert (tf32_settings(), torch.get_float32_matmul_precision()) == ((False, False), "highest")
    finally:
        set_tf32(before)


class Paced:
    """Takes as long as its form is told to, without taking it."""

    def __init__(self, paces):
        self.paces = paces

    def __call__(self, case, inputs):
        key = (case.precision, "onnx" if case.onnx else case.memory_format, case.threads)
        if key not in self.paces:
            raise RuntimeError(f"{key} cannot run here")
        paces = self.paces

        class Work:
            def seconds(self, calls):
                return paces[key]

            def close(self):
                pass

        return Work()


@pytest.fixture
def tuned(monkeypatch):
    """``tuned(paces, seconds, cores)``: what the tuning finds where forms take as long as they are told to."""

    def tune(paces, seconds, cores, mode="inference"):
        monkeypatch.setattr(tuning, "Stepper", Paced(paces))
        monkeypatch.setattr(tuning, "usable_cores", lambda: cores)
        return tuning.tune_cpu("compact", mode, 8, seconds)

    return tune


def test_the_cpus_best_form_is_found_and_told(tuned):
    paces = {
        ("fp32", "contiguous", 4): 0.04, ("fp32", "channels_last", 4): 0.03, ("bf16", "contiguous", 4): 0.5,
        ("bf16", "channels_last", 4): 0.02, ("bf16", "channels_last", 2): 0.01, ("bf16", "channels_last", 1): 0.015,
    }  # fmt: skip
    found = tuned(paces, 1.0, cores=4)
    assert (found.precision, found.memory_format, found.threads) == ("bf16", "channels_last", 2)
    assert [entry.ms for entry in found.tried] == [10, 15, 20, 30, 40]  # the hopeless one was looked at once
    assert "against 40 ms in fp32 contiguous, 4 threads" in found.reason


def test_the_cpus_best_form_may_be_onnx_runtime_where_it_is_installed(tuned, monkeypatch):
    paces = {("fp32", "contiguous", 2): 0.05, ("fp32", "onnx", 2): 0.01, ("fp32", "onnx", 1): 0.02}
    found = tuned(paces, 1.0, cores=2)
    assert (found.onnx, found.threads, [entry.onnx for entry in found.tried]) == (True, 2, [True, True, False])
    assert "against 50 ms in fp32 contiguous" in found.reason  # what nobody asked for is timed, however slow
    assert (found.form, found.tried[1].form) == ("fp32 ONNX Runtime, 2 threads", "fp32 ONNX Runtime, 1 thread")
    assert not tuned(paces, 1.0, cores=2, mode="training").onnx
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert [entry.form for entry in tuned(paces, 1.0, cores=2).tried] == ["fp32 contiguous, 2 threads"]


def test_onnx_runtime_answers_as_torch_does():
    for model in ("compact", ARTICLE):
        theirs, ours = (stepper(batch=3, model=model, onnx=onnx).call() for onnx in (True, False))
        assert torch.allclose(theirs, ours, atol=1e-4)
    with pytest.raises(RuntimeError, match="cannot be exported"):
        stepper(model="small_cnn", onnx=True)


def test_networks_of_the_lab_are_folded_as_for_predictions_and_the_articles_is_not():
    def normalisations(model, mode):
        return [each for each in stepper(model=model, mode=mode).network.modules() if isinstance(each, nn.BatchNorm2d)]

    assert normalisations("compact", "training")
    assert not normalisations("compact", "inference")
    assert str(stepper(model=ARTICLE).network) == str(fresh_network(ARTICLE))


def test_forms_that_do_not_run_are_passed_over(tuned):
    found = tuned({("fp32", "contiguous", 1): 0.04}, 0.1, cores=1)
    assert (found.precision, found.memory_format, found.threads) == ("fp32", "contiguous", 1)
    with pytest.raises(RuntimeError, match="cannot run here"):
        tuned({}, 0.1, cores=1)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
@pytest.mark.parametrize("scope", ["network", "transfer", "waveform", "file"])
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_every_form_runs_on_a_gpu(precision, scope, mode):
    case = Case("cuda:0", "compact", mode, scope, 4, precision, "channels_last")
    work = Stepper(case, BenchmarkInputs("compact", 4))
    assert work.call().float().isfinite().all()
    assert work.seconds(3) > 0
    assert set(work.parts()) <= set(PARTS)
    work.close()


@pytest.mark.gpu
def test_the_gpu_answers_as_the_cpu_does():
    cpu = stepper("waveform", batch=4).call()
    gpu = Stepper(Case("cuda:0", "compact", "inference", "waveform", 4), BenchmarkInputs("compact", 4)).call()
    assert torch.allclose(cpu, gpu, atol=1e-3)
