import io
import json
import logging
import os
import shutil
import threading
from pathlib import Path

import pytest

from labcore.api.logs import JsonFormatter, log_as_json
from labcore.api.middleware import ServiceState
from labcore.api.problems import Problem
from labcore.inference.classifier import Classifier
from labcore.serving.admission import Reservation
from labcore.serving.model_registry import ModelRegistry

RAW = {"content-type": "audio/wav"}
KEY = "a-key-of-some-length"


def test_a_key_is_asked_for_everywhere_but_where_the_service_is_watched(service, wav):
    client = service(keys=[KEY, "another-key-of-some-length"])
    for path in ("/v1/models", "/metrics", "/", "/nowhere", "/docs/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
    for path in ("/healthz", "/readyz", "/docs", "/redoc", "/openapi.json", "/static-offline-docs/swagger-ui.css"):
        assert client.get(path).status_code == 200
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 401
    assert client.post("/v1/reload").status_code == 401
    for headers in ({"authorization": f"Bearer {KEY}"}, {"x-api-key": "another-key-of-some-length"}):
        assert client.post("/v1/classify", content=wav(), headers=RAW | headers).status_code == 200
    assert client.get("/v1/models", headers={"authorization": f"Bearer {KEY}x"}).status_code == 401
    assert client.get("/v1/models", headers={"authorization": f"Basic {KEY}"}).status_code == 401
    # a key makes up for the name
    assert client.get("/v1/models", headers={"host": "lab.example", "x-api-key": KEY}).status_code == 200


def test_without_a_key_it_answers_by_this_machines_names_only(service):
    client = service()
    assert client.get("/v1/models", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/v1/models", headers={"host": "127.0.0.1:8000"}).status_code == 200
    assert client.get("/v1/models", headers={"host": "[::1]:8000"}).status_code == 200
    assert service(hosts=None).get("/v1/models", headers={"host": "lab.example"}).status_code == 200


def test_without_a_key_nobody_is_answered_through_a_proxy(service):
    for header in ("x-forwarded-for", "forwarded"):
        told = service().get("/v1/models", headers={header: "for=203.0.113.1"})
        assert (told.status_code, told.json()["type"]) == (403, "urn:labcore:problem:proxy")
    assert service(hosts=None).get("/v1/models", headers={"x-forwarded-for": "203.0.113.1"}).status_code == 200


def test_without_a_key_no_page_of_another_site_may_ask(service):
    client = service()
    for origin, status in (
        ("http://evil.example", 403), ("null", 403), ("http://localhost:3000", 200), ("http://[::1]", 200),
        ("http://[", 403), ("localhost", 403), ("http://localhost@evil.example", 403),
    ):  # fmt: skip
        assert client.post("/v1/reload", headers={"origin": origin}).status_code == status
    assert (
        service(keys=[KEY]).post("/v1/reload", headers={"origin": "http://lab.example", "x-api-key": KEY}).status_code
        == 200
    )


def test_who_watches_may_ask_for_the_head_alone(service):
    client = service()
    assert [client.head(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_network_that_fails_again_and_again_is_neither_ready_nor_well(service, wav, monkeypatch):
    client, judge = service(), Classifier.predict_proba
    monkeypatch.setattr(Classifier, "predict_proba", lambda self, windows: 1 / 0)
    for _ in range(5):
        assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 500
    assert [client.get(path).status_code for path in ("/readyz", "/healthz")] == [503, 503]
    monkeypatch.setattr(Classifier, "predict_proba", judge)
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 200
    assert [client.get(path).status_code for path in ("/readyz", "/healthz")] == [200, 200]


def test_too_many_at_once_are_turned_away_and_those_in_hand_are_answered(service, wav, monkeypatch):
    go, entered, judge = threading.Event(), threading.Event(), Classifier.predict_proba

    def held(self, windows):
        entered.set()
        assert go.wait(30)
        return judge(self, windows)

    client = service(max_clips=2)
    monkeypatch.setattr(Classifier, "predict_proba", held)
    answers = []

    def ask():
        answers.append(client.post("/v1/classify", content=wav(), headers=RAW).status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        assert entered.wait(30)
        while b"labcore_clips_in_hand 2.0" not in client.get("/metrics").content:
            pass
        refused = client.post("/v1/classify", content=wav(), headers=RAW)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["type"] == "urn:labcore:problem:busy"
        assert client.get("/healthz").status_code == 200
    finally:
        go.set()
        for thread in threads:
            thread.join(30)
    assert answers == [200, 200]
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 200
    assert b"labcore_clips_in_hand 0.0" in client.get("/metrics").content


def test_more_memory_than_there_ever_is_is_too_much(service, wav):
    client = service(memory_bytes=30_000)
    refused = client.post("/v1/classify", content=wav(), headers=RAW)  # 8 kB and a waveform of 24 kB
    assert (refused.status_code, refused.json()["type"]) == (413, "urn:labcore:problem:size")
    assert client.post("/v1/classify", content=wav(0.2), headers=RAW).status_code == 200
    assert b"labcore_bytes_in_hand 0.0" in client.get("/metrics").content


def test_who_waits_too_long_is_told_to_ask_later(service, wav, monkeypatch):
    client, go, judge = service(timeout_s=0.05), threading.Event(), Classifier.predict_proba
    monkeypatch.setattr(Classifier, "predict_proba", lambda self, windows: go.wait(30) and judge(self, windows))
    monkeypatch.setattr(Reservation, "alone", property(lambda self: False))
    answer = client.post("/v1/classify", content=wav(), headers=RAW)
    go.set()
    told = answer.json()
    assert (answer.status_code, told["type"], answer.headers["retry-after"]) == (503, "urn:labcore:problem:late", "1")
    assert told["detail"] == "the recording takes longer than the 0.05 s that a request has, beside other requests"
    assert told["remedy"].startswith(
        "Try again later, send a shorter recording, or start the service with a longer --t"
    )


def test_other_weights_are_taken_between_two_requests(service, make_run, make_classifier, wav):
    run = make_run(1)
    client = service(runs=[run])

    def ask():
        return client.post("/v1/classify", content=wav(), headers=RAW).json()["results"][0]["probabilities"]

    before = ask()
    assert client.post("/v1/reload").json() == {"reloaded": {"m0": False}}
    make_classifier(2).save(run.weights)
    assert ask() == before
    assert client.post("/v1/reload").json() == {"reloaded": {"m0": True}}
    after = ask()
    assert after != before
    tampered = make_classifier(3)
    tampered.log_mel.mean.add_(3)
    tampered.save(run.weights)
    refused = client.post("/v1/reload")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:labcore:problem:weights")
    assert "self-check failed" in refused.json()["detail"]
    assert ask() == after
    assert b'labcore_reloads_total{outcome="failed"} 1.0' in client.get("/metrics").content


def test_going_down_it_is_not_ready_then_takes_nothing(service, wav):
    state = ServiceState()
    client = service(state=state)
    state.ready = False
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 200)
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 200
    state.closing = True
    assert client.post("/v1/classify", content=wav(), headers=RAW).status_code == 503


def test_a_fault_is_a_problem_too_and_tells_nothing_of_the_inside(service, wav, monkeypatch):
    client = service()
    monkeypatch.setattr(Classifier, "prediction_of", lambda *_: 1 / 0)
    answer = client.post("/v1/classify", content=wav(), headers=RAW)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    text = client.get("/metrics").text
    assert 'labcore_requests_total{route="/v1/classify",status="500"} 1.0' in text
    assert "labcore_clips_in_hand 0.0" in text


def test_request_ids_are_taken_over_where_they_are_plain(service):
    client = service()
    assert client.get("/healthz", headers={"x-request-id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for odd in ("a b", "x" * 65, 'a"b', ""):
        assert client.get("/healthz", headers={"x-request-id": odd}).headers["x-request-id"] not in (odd, "")


def test_the_log_is_json_and_tells_nothing_of_the_sound(service, wav):
    stream = io.StringIO()
    handler, logger = logging.StreamHandler(stream), logging.getLogger("labcore.api")
    handler.setFormatter(JsonFormatter())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        client = service(keys=[KEY])
        client.post(
            "/v1/classify?top_k=1",
            files=[("file", ("secret-name.wav", wav()))],
            headers={"x-api-key": KEY, "x-request-id": "r1"},
        )
        client.get("/v1/models", headers={"x-api-key": "wrong-key-of-some-length"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [("/v1/classify", 200), ("/v1/models", 401)]
    facts = lines[0]
    assert (facts["request_id"], facts["model"], facts["clips"], facts["seconds"]) == ("r1", "m0", 1, 0.5)
    for word in ("secret-name", KEY, "wrong-key", "cat", "dog"):
        assert word not in stream.getvalue()


def test_what_libraries_warn_of_is_a_line_of_json_too(monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for name in ("labcore.api", "uvicorn"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.INFO)
    log_as_json()
    logging.getLogger("python_multipart.multipart").warning("Expected boundary character 45, got 120 at index 2")
    logging.getLogger("labcore.api").info("reload")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"][:7] for line in lines] == ["Expecte", "reload"]


def test_a_path_with_a_slash_too_many_leads_nowhere_else(service):
    client = service()
    assert client.get("/v1/models/", follow_redirects=False).status_code == 404


def test_figures_for_prometheus(service, wav):
    client = service()
    client.post("/v1/classify", content=wav(1.0), headers=RAW)
    client.get("/secret/path")
    text = client.get("/metrics").text
    for line in (
        'labcore_requests_total{route="/v1/classify",status="200"} 1.0',
        'labcore_requests_total{route="other",status="404"} 1.0',
        'labcore_clips_total{model="m0",outcome="answered"} 1.0',
        'labcore_audio_seconds_total{model="m0"} 1.0',
        "labcore_batch_windows_sum 3.0",
        "labcore_decode_seconds_count 1.0",
        "process_resident_memory_bytes",
    ):
        assert line in text
    assert "secret" not in text


def test_the_documentation_needs_nothing_from_elsewhere(service):
    client = service()
    for path in ("/docs", "/redoc"):
        page = client.get(path)
        assert page.status_code == 200
        assert "https://" not in page.text
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200


@pytest.mark.parametrize("left", ["", "/sounds"], ids=["taken off", "left there"])
def test_below_a_path_the_documentation_and_the_routes_are_found(service, wav, left):
    client = service(root="/sounds")
    assert client.get(f"{left}/openapi.json").json()["servers"] == [{"url": "/sounds"}]
    assert client.get(f"{left}/").json()["documentation"] == "/sounds/docs"
    assert "/sounds/openapi.json" in client.get(f"{left}/docs").text
    assert client.get(f"{left}/static-offline-docs/swagger-ui.css").status_code == 200
    assert client.get(f"{left}/readyz").json() == {"status": "ready"}
    assert client.post(f"{left}/v1/classify", content=wav(), headers={"content-type": "audio/wav"}).status_code == 200


@pytest.mark.parametrize("keyed", [True, False])
def test_the_schema_tells_of_problems_and_keys(service, keyed):
    client = service(keys=[KEY] if keyed else [])
    schema = client.get("/openapi.json", headers={"x-api-key": KEY}).json()
    post = schema["paths"]["/v1/classify"]["post"]
    assert ("401" in post["responses"]) == keyed
    watched = schema["paths"]["/healthz"]["get"]["responses"].keys()
    assert watched == {"200", "503"} | (set() if keyed else {"403", "421"})
    assert ("securitySchemes" in schema["components"]) == keyed
    assert "application/problem+json" in post["responses"]["422"]["content"]
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    facts = schema["components"]["schemas"]["ModelFacts"]["properties"]
    for name, kept in (("temperature", "Temperature"), ("unknown", "Threshold")):
        assert facts[name]["anyOf"] == [{"$ref": f"#/components/schemas/{kept}"}, {"type": "null"}]
        assert {"value", "on", "clips", "source"} <= schema["components"]["schemas"][kept]["properties"].keys()
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["minItems"] == 1  # one without a file is refused


def test_a_model_whose_file_has_a_name_that_is_not_utf8_is_served(make_run, workspace):
    run = make_run(1)
    file = workspace.home / os.fsdecode(b"V\x94gel.safetensors")
    shutil.copy(run.weights, file)
    registry = ModelRegistry([str(file)], Path, "cpu")
    facts = registry.models[0].facts
    assert (facts.name, facts.run) == ("V-gel", r"V\x94gel.safetensors")
    json.dumps(facts.model_dump(), ensure_ascii=False).encode()
    file.unlink()
    refused = registry.reload()["V-gel"]
    assert refused is not None
    assert rb"V\udc94gel" in Problem.of(refused).response("1").body
