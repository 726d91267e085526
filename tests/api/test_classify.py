import io
import time
import unicodedata
from collections import Counter
from urllib.parse import quote

import numpy as np
import pytest
import soundfile

from labcore import keeping
from labcore.api import schemas
from labcore.batch.segments import segments_of
from labcore.inference.classifier import Classifier
from labcore.inference.thresholds import Thresholds
from labcore.task.several import SeveralLabels
from labcore.task.thresholds import LabelThresholds

RAW = {"content-type": "audio/wav"}


def form(*clips):
    return [("file", clip) for clip in clips]


def test_a_raw_body_a_form_and_the_classifier_agree(service, make_run, wav):
    run = make_run(3)
    client, clip = service(runs=[run]), wav(1.3)
    alone = Classifier.load(run.path).classify(clip)
    raw = client.post("/v1/classify", content=clip, headers=RAW).json()
    upload = client.post("/v1/classify", files=form(("a.wav", clip))).json()
    assert raw["model"] == "m0"
    (one,), (two,) = raw["results"], upload["results"]
    assert (one["file"], two["file"]) == ("", "a.wav")
    for told in (one, two):
        assert told["label"] == alone.label
        assert list(told["probabilities"]) == sorted(alone.probabilities, key=alone.probabilities.get, reverse=True)
        for label, value in alone.probabilities.items():
            assert told["probabilities"][label] == pytest.approx(value, abs=1e-6)
        assert told["seconds"] == pytest.approx(alone.seconds)
        assert [(row["start_s"], row["end_s"]) for row in told["windows"]] == [
            (w.start_s, w.end_s) for w in alone.windows
        ]


def test_several_files_are_answered_in_order_and_a_bad_one_alone_is_told(service, wav):
    client = service()
    answer = client.post(
        "/v1/classify", files=form(("a.wav", wav(seed=1)), ("b.wav", b"no sound"), ("c.wav", wav(seed=2)))
    )
    assert answer.status_code == 200
    a, b, c = answer.json()["results"]
    assert [row["file"] for row in (a, b, c)] == ["a.wav", "b.wav", "c.wav"]
    assert "b.wav" in b["error"]
    assert "label" not in b
    assert a["label"]
    assert c["label"]
    assert client.post("/v1/classify", files=form(("x", b"1"), ("y", b""))).status_code == 422


def test_labels_and_windows_as_asked(service, wav):
    client, clip = service(), wav(2.0)

    def ask(query):
        return client.post(f"/v1/classify?{query}", content=clip, headers=RAW).json()["results"][0]

    assert len(ask("top_k=2")["probabilities"]) == 2
    assert len(ask("top_k=99")["probabilities"]) == 3
    assert "windows" not in ask("windows=none")
    full = ask("windows=full&top_k=1")
    assert all(len(row["probabilities"]) == 1 for row in full["windows"])
    assert len(ask("hop_seconds=0.5")["windows"]) == 4
    assert len(ask("hop_seconds=0.1")["windows"]) == 16
    assert "probabilities" not in ask("hop_seconds=0.5")["windows"][0]


def test_models_by_name(service, wav):
    client = service((1, 2))
    names = [model["name"] for model in client.get("/v1/models").json()["models"]]
    assert names == ["m0", "m1"]
    first, second, default = (
        client.post("/v1/classify", params={"model": name}, content=wav(), headers=RAW).json()
        for name in ("m0", "m1", "")
    )
    assert first["results"] == default["results"]
    assert first["results"] != second["results"]
    assert client.get("/v1/models/m1").json()["golden_clips"] == 2
    missing = client.post("/v1/classify?model=bats", content=wav(), headers=RAW)
    assert (missing.status_code, missing.json()["remedy"]) == (404, "There is m0, m1")


def test_a_model_whose_name_has_other_letters(service, wav):
    """It comes percent-encoded, and from macOS in another spelling."""
    client = service(called="певчий-")
    for name in ("певчий-0", unicodedata.normalize("NFD", "певчий-0")):
        assert client.get(f"/v1/models/{quote(name)}").json()["name"] == "певчий-0"
        answer = client.post(f"/v1/classify?model={quote(name)}", content=wav(), headers=RAW)
        assert (answer.status_code, answer.json()["model"]) == (200, "певчий-0")
    assert 'labcore_clips_total{model="певчий-0",outcome="answered"} 2.0' in client.get("/metrics").text
    assert client.get("/v1/models/bats").json()["remedy"] == "There is певчий-0"


@pytest.mark.parametrize(
    ("status", "kind", "options"),
    [
        (422, "audio", {"content": b"nothing like sound", "headers": RAW}),
        (422, "audio", {"content": b"", "headers": RAW}),
        (415, "media-type", {"content": b"{}", "headers": {"content-type": "application/json"}}),
        (415, "media-type", {"content": b"\x1f\x8b", "headers": {**RAW, "content-encoding": "gzip"}}),
        (422, "field", {"files": [("file", (None, b"x"))]}),
        (422, "no-file", {"content": b"--x--\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}}),
        (422, "field", {"files": [("file", ("a.wav", b"x"))], "data": {"top_k": "3"}}),
        (400, "form", {"content": b"--x--", "headers": {"content-type": "multipart/form-data"}}),
        (400, "form", {"content": b"rubbish", "headers": {"content-type": "multipart/form-data; boundary=x"}}),
        (422, "parameter", {"params": {"top_k": "many"}}),
        (422, "parameter", {"params": {"hop_seconds": "nan"}}),
        (422, "parameter", {"params": {"windows": "round"}}),
    ],
)
def test_what_is_wrong_is_a_problem(service, status, kind, options):
    answer = service().post("/v1/classify", **options)
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"urn:labcore:problem:{kind}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]


def test_a_query_is_read_as_it_is_documented(service, wav):
    client = service()

    def asked(query):
        return client.post(f"/v1/classify?{query}", content=wav(), headers=RAW)

    for _ in range(2):  # what was asked once is known
        assert len(asked("top_k=2").json()["results"][0]["probabilities"]) == 2
        wrong = asked("top_k=0&windows=none")
        assert (wrong.status_code, wrong.json()["detail"].partition(":")[0]) == (422, "top_k")
    assert "windows" not in asked("windows=n%6fne").json()["results"][0]
    assert asked("top_k=").status_code == 422
    mistyped = asked("topk=3")
    assert (mistyped.status_code, mistyped.json()["type"]) == (422, "urn:labcore:problem:parameter")
    assert mistyped.json()["detail"] == "there is no parameter 'topk'; did you mean top_k?"
    assert mistyped.json()["remedy"] == "There are model, top_k, windows, hop_seconds, threshold"
    for twice in ("top_k=2&top_k=1", "top_k=1&windows=none&top_k=1", "top_k=&top%5fk=1"):
        assert (asked(twice).status_code, asked(twice).json()["type"]) == (422, "urn:labcore:problem:parameter")
        assert asked(twice).json()["detail"] == "the parameter 'top_k' is given several times"


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # the framework leaves the file of the last part to the collector
def test_a_form_that_is_cut_off_is_refused_with_all_its_files(service, wav):
    """Not answered without the last one."""
    client = service()
    asked = client.build_request("POST", "/v1/classify", files=form(("a.wav", wav()), ("b.wav", wav())))
    content, kind = asked.read(), {"content-type": asked.headers["content-type"]}
    for left_out in (4, 40, 1000):
        told = client.post("/v1/classify", content=content[:-left_out], headers=kind)
        assert (told.status_code, told.json()["detail"]) == (
            400,
            "the form is cut off: the boundary that ends it is missing",
        )
    assert len(client.post("/v1/classify", content=content[:-2], headers=kind).json()["results"]) == 2


def test_limits_of_size_number_and_length(service, wav):
    client = service(max_bytes=20_000, max_files=2, max_seconds=1.0)
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 200
    large = client.post("/v1/classify", content=wav(3.0), headers=RAW)
    assert (large.status_code, large.json()["type"]) == (413, "urn:labcore:problem:size")
    streamed = client.post("/v1/classify", content=iter([b"x" * 9000] * 4), headers=RAW)
    assert streamed.status_code == 413
    many = client.post("/v1/classify", files=form(*[("a.wav", wav(0.1))] * 3))
    assert (many.status_code, "Send 2 at most" in many.json()["remedy"]) == (400, True)
    long = client.post("/v1/classify", content=wav(1.2), headers=RAW)
    assert long.status_code == 422
    assert "more than the 1 s that are accepted" in long.json()["detail"]


def test_a_small_file_of_very_many_samples_is_refused_before_it_is_decoded(service):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((48_000, 8), dtype=np.int16), 48_000, format="FLAC")
    answer = service(max_seconds=1.0).post("/v1/classify", content=buffer.getvalue(), headers=RAW)
    assert (answer.status_code, "8 channels" in answer.json()["detail"]) == (422, True)


def test_what_would_be_decoded_by_ffmpeg_is_not_taken(service):
    answer = service().post("/v1/classify", content=b"\0\0\0\x20ftypM4A " + b"\0" * 100, headers=RAW)
    assert (answer.status_code, "does not accept" in answer.json()["detail"]) == (422, True)


def test_all_probabilities_of_very_many_windows_are_too_much(service, wav, monkeypatch):
    monkeypatch.setattr("labcore.api.classify.MOST_PROBABILITIES", 20)
    client = service()
    assert client.post("/v1/classify?windows=full", content=wav(2.0), headers=RAW).status_code == 422
    assert client.post("/v1/classify?windows=full", content=wav(1.0), headers=RAW).status_code == 200


def test_too_many_windows_are_refused(service, wav):
    answer = service(max_seconds=600).post("/v1/classify?hop_seconds=0.05", content=wav(300), headers=RAW)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:labcore:problem:windows")


def test_a_long_recording_is_answered_as_a_whole_one_is(service, wav, request):
    client = service()
    content = wav(9.3, rate=11025)
    whole = client.post("/v1/classify?windows=full", content=content, headers=RAW).json()["results"][0]
    request.getfixturevalue("long_from_a_second")
    parts = client.post("/v1/classify?windows=full", content=content, headers=RAW).json()["results"][0]
    assert len(parts["windows"]) == len(whole["windows"]) > 30
    assert parts["probabilities"] == pytest.approx(whole["probabilities"], abs=2e-5)
    for one, other in zip(parts["windows"], whole["windows"], strict=True):
        assert (one["start_s"], one["end_s"], one["silent"]) == (other["start_s"], other["end_s"], other["silent"])
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=2e-5)


@pytest.mark.usefixtures("long_from_a_second")
def test_long_recordings_among_others(service, wav):
    broken = wav(5.0)[:-30_000]
    answer = service().post("/v1/classify", files=form(("a", wav()), ("b", wav(5.0)), ("c", broken), ("d", wav(4.0))))
    assert [set(result) & {"label", "error"} for result in answer.json()["results"]] == [
        {"label"}, {"label"}, {"error"}, {"label"},
    ]  # fmt: skip


@pytest.mark.usefixtures("long_from_a_second")
def test_a_long_recording_that_takes_too_long_is_given_up(service, wav, monkeypatch):
    judge = Classifier.predict_proba
    monkeypatch.setattr(Classifier, "predict_proba", lambda self, windows: time.sleep(0.05) or judge(self, windows))
    client = service(timeout_s=0.2)
    answer = client.post("/v1/classify", content=wav(300.0), headers=RAW)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, False)  # the same again would take as long
    told = answer.json()
    assert (
        told["detail"]
        == "the recording takes this service longer than the 0.2 s that a request has, though it was the only one in hand"
    )
    assert told["remedy"] == "Send a shorter recording, or start the service with a longer --timeout than 0.2"
    again = (client.post("/v1/classify", content=wav(), headers=RAW).status_code for _ in range(50))
    assert 200 in again  # within 0.2 s, sooner or later on a busy machine


def test_names_are_shown_and_never_believed(service, wav):
    answer = service().post("/v1/classify", files=form(("../../etc/pass\nwd\x1b[31m.wav", wav())))
    assert answer.status_code == 200
    name = answer.json()["results"][0]["file"]
    assert "\n" not in name
    assert "\x1b" not in name


def test_a_silent_clip_and_the_shortest_one_are_answered(service):
    client = service()
    for samples in (np.zeros(8000), np.array([0.1])):
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, 8000, format="WAV")
        answer = client.post("/v1/classify", content=buffer.getvalue(), headers=RAW)
        assert answer.status_code == 200
        assert sum(answer.json()["results"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_channels_that_cancel_are_told(service):
    buffer = io.BytesIO()
    sound = np.random.default_rng(0).normal(0, 0.1, 8000)
    soundfile.write(buffer, np.stack([sound, -sound], axis=1), 8000, format="WAV")
    (told,) = service().post("/v1/classify", content=buffer.getvalue(), headers=RAW).json()["results"]
    assert "cancel" in told["notes"][0]


def test_a_long_recording_is_answered_with_what_occurs_when(service, make_run, wav):
    run = make_run(3)
    client, clip = service(runs=[run]), wav(3.0)

    def ask(clip, **query):
        return client.post("/v1/classify", params=query, content=clip, headers=RAW).json()["results"][0]

    told = ask(clip, threshold=0)
    assert told["events"] == [vars(event) for event in segments_of(Classifier.load(run.path).classify(clip).to_dict())]
    assert (told["events"][0]["start_s"], told["events"][-1]["end_s"]) == (0.0, 3.0)
    assert sum(each["count"] for each in told["summary"]) == len(told["events"])
    assert ask(clip, threshold=1)["events"] == []
    brief = ask(clip, threshold=0, windows="none")
    assert (brief["events"], "windows" in brief) == (told["events"], False)
    assert not {"events", "summary"} & ask(wav(0.4)).keys()
    assert client.post("/v1/classify?threshold=2", content=clip, headers=RAW).status_code == 422


def test_events_follow_the_thresholds_of_the_weights_unless_others_are_asked_for(service, make_run, wav):
    run, clip = make_run(3), wav(3.0)
    said = Classifier.load(run.path).classify(clip).to_dict()
    most = Counter(window["label"] for window in said["windows"]).most_common(1)[0][0]
    kept = Thresholds(values={most: 2.0, **{label: 0.0 for label in said["probabilities"] if label != most}})
    keeping.keep(run, kept)
    client = service(runs=[run])

    def events(**query):
        answer = client.post("/v1/classify", params=query, content=clip, headers=RAW)
        return answer.json()["results"][0]["events"]

    assert events() == [vars(event) for event in segments_of(said, kept.values)]
    assert most not in {event["label"] for event in events()}
    assert events(threshold=0) == [vars(event) for event in segments_of(said, 0.0)]
    assert client.get("/v1/models").json()["models"][0]["thresholds"] == kept.values


def test_a_name_that_is_not_utf8_is_answered_in_valid_json(service, wav):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="M\x84dchen.wav"\r\n\r\n'
        + wav()
        + b"\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = service().post("/v1/classify", content=body, headers=headers)
    assert answer.status_code == 200
    name = answer.json()["results"][0]["file"]
    assert name.startswith("M")
    name.encode()


def test_what_the_model_refuses_is_none_of_its_classes(service, wav):
    client = service()
    known = client.post("/v1/classify", content=wav(), headers=RAW).json()["results"][0]
    assert (known["unknown"], known["nearest"]) == (False, None)
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(8000), 8000, format="WAV")
    told = client.post("/v1/classify", content=silence.getvalue(), headers=RAW).json()["results"][0]
    assert (told["label"], told["unknown"]) == ("none of these", True)
    assert told["nearest"] == max(told["probabilities"], key=told["probabilities"].get)
    assert schemas.ClipPrediction.model_validate(told).unknown


def test_a_model_of_several_labels_tells_all_that_reach_their_thresholds(service, make_run, wav):
    run = make_run(3)
    classifier = Classifier.load(run.path)
    values = dict.fromkeys(classifier.labels, 0.0) | {classifier.labels[0]: 1.0}
    classifier.task = SeveralLabels(LabelThresholds(values=values, source="elsewhere"))
    classifier.golden = None
    classifier.save(run.weights)
    client, clip = service(runs=[run]), wav(1.3)
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["several_labels"], model["label_thresholds"]) == (True, values)
    (told,) = client.post("/v1/classify?top_k=1", content=clip, headers=RAW).json()["results"]
    assert sorted(told["labels"]) == sorted(classifier.labels[1:])
    assert told["label"] == ";".join(told["labels"])
    assert len(told["probabilities"]) == 1
    assert all(set(row["labels"]) == set(classifier.labels[1:]) for row in told["windows"])
    assert not any(row.get("probabilities") for row in told["windows"])
    assert {each["label"] for each in told["events"]} == set(classifier.labels[1:])
    (none,) = client.post("/v1/classify?threshold=1", content=clip, headers=RAW).json()["results"]
    assert (none["labels"], none["label"], none["events"]) == ([], "none of these", [])
