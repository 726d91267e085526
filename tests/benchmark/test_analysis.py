import pytest

from labcore.benchmark.analysis import crossover, fastest_of, speed_up
from labcore.benchmark.article import beside
from labcore.benchmark.summary import sentences


@pytest.fixture
def gpu_report(measured, report_of):
    """A GPU that leads with the network alone, and with transfers only from batch 4 on."""
    return report_of(
        measured("cpu", 1, 100.0),
        measured("cpu", 1, 80.0, precision="bf16"),
        measured("cpu", 4, 200.0),
        measured("cpu", 16, 200.0),
        measured("cuda:0", 1, 200.0),
        measured("cuda:0", 4, 900.0),
        measured("cuda:0", 4, 1000.0, precision="fp16"),
        measured("cuda:0", 16, 3000.0, precision="fp16"),
        measured("cuda:0", 64, None, precision="fp16"),
        measured("cpu", 1, 100.0, scope="transfer"),
        measured("cpu", 4, 200.0, scope="transfer"),
        measured("cpu", 16, 200.0, scope="transfer"),
        measured("cuda:0", 1, 50.0, scope="transfer"),
        measured("cuda:0", 4, 400.0, scope="transfer"),
        measured("cuda:0", 16, 1600.0, scope="transfer"),
    )


def test_the_fastest_form_counts_on_both_sides(gpu_report):
    best = fastest_of(gpu_report)
    assert best["cpu", ("compact", "inference", "network", 1)].case.precision == "fp32"
    assert best["cuda:0", ("compact", "inference", "network", 4)].case.precision == "fp16"
    factors = {(s.scope, s.batch_size): s.factor for s in speed_up(best)}
    assert factors == {
        ("network", 1): 2, ("network", 4): 5, ("network", 16): 15,
        ("transfer", 1): 0.5, ("transfer", 4): 2, ("transfer", 16): 8,
    }  # fmt: skip


def test_the_crossover_is_where_the_gpu_stays_ahead(measured, report_of, gpu_report):
    assert crossover(gpu_report, "cuda:0", "compact", "inference", "network") == 1
    assert crossover(gpu_report, "cuda:0", "compact", "inference", "transfer") == 4
    assert crossover(gpu_report, "cuda:0", "compact", "training", "transfer") is None
    wavering = report_of(
        *(measured("cpu", batch, 100.0) for batch in (1, 2, 4)),
        *(measured("cuda:0", batch, speed) for batch, speed in ((1, 150.0), (2, 90.0), (4, 120.0))),
    )
    assert crossover(wavering, "cuda:0", "compact", "inference", "network") == 4


def test_the_words_do_not_give_the_cpu_sizes_that_the_gpu_won(measured, report_of):
    told = sentences(
        report_of(
            *(measured("cpu", batch, 100.0) for batch in (1, 2, 4)),
            *(measured("cuda:0", batch, speed) for batch, speed in ((1, 150.0), (2, 80.0), (4, 300.0))),
        )
    )
    assert "CPU is faster" not in told[0]
    assert (
        "the GPU is ahead from batch 4 on, 3.0 times as fast at batch 4; below that neither is faster throughout"
        in told[0]
    )


def test_the_words_say_what_it_means(gpu_report):
    told = " ".join(sentences(gpu_report))
    assert "below batch 4 your CPU is faster with transfers" in told
    assert "8.0 times as fast at batch 16" in told
    assert "with the network alone the GPU is 2.0 (batch 1) to 15 times as fast at batch 16" in told
    assert "Test GPU" in told


def test_the_words_are_true_where_the_cpu_leads_throughout(measured, report_of):
    told = sentences(
        report_of(
            *(measured("cpu", batch, 100.0, scope="file") for batch in (1, 8)),
            *(measured("cuda:0", batch, 50.0, scope="file") for batch in (1, 8)),
        )
    )
    assert "from files your CPU is faster up to batch 8, 2.0 times at batch 1" in told[0]


def test_speeds_that_count_as_equal_make_nobody_faster(measured, report_of):
    def told(*speeds):
        made = [
            measured(device, 4**n, speed)
            for n, each in enumerate(speeds)
            for device, speed in zip(("cpu", "cuda:0"), each, strict=True)
        ]
        return sentences(report_of(*made))[0]

    assert "your CPU is as fast up to batch 4" in told((100.0, 98.0), (100.0, 104.0))
    assert "your CPU is as fast at batch 1" in told((100.0, 103.0))
    assert "your CPU is faster at batch 1, 5.0 times" in told((100.0, 20.0), (100.0, 104.0))
    assert "your CPU is faster up to batch 4, 5.0 times at batch 1" in told((100.0, 20.0), (100.0, 90.0))


def test_without_a_gpu_the_cpu_is_told_of(measured, report_of):
    told = sentences(
        report_of(
            measured("cpu", 8, 100.0, precision="fp32"),
            measured("cpu", 8, 250.0, precision="bf16", memory_format="channels_last", threads=2),
        )
    )
    assert told == [
        "Inference of compact on the CPU: 250 clips/s at batch 8 (bf16 channels_last, 2 threads), 2.5 times as fast as "
        "plain fp32."
    ]


def test_an_empty_report_says_nothing(report_of, measured):
    assert sentences(report_of()) == []
    assert sentences(report_of(measured("cpu", 1, None))) == []


def test_the_articles_figures_stand_beside_the_same_work_only(measured, report_of):
    assert beside(report_of(measured("cpu", 4, 100.0))) == []
    lines = beside(
        report_of(measured("cpu", 4, 800.0, model="article"), measured("cuda:0", 4, 8000.0, model="article"))
    )
    assert [(line.ms, line.quoted, line.at_least) for line in lines] == [
        (120.0, True, True), (8.0, True, False), (5.0, False, False), (0.5, False, False),
    ]  # fmt: skip
    told = sentences(
        report_of(measured("cpu", 4, 800.0, model="article"), measured("cuda:0", 4, 8000.0, model="article"))
    )
    assert "here 5 ms on this CPU and 0.5 ms on this GPU, 10 times" in told[-1]


def test_doubted_figures_are_told(measured, report_of):

    doubted = measured("cpu", 1, 10.0).model_copy(update={"disturbed": "other programs used 50 % of the processor"})
    assert sentences(report_of(doubted))[-1].startswith("The one figure was disturbed")
