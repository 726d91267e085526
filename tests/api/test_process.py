"""``labcore serve`` as a process of its own: real HTTP, requests made up from its schema, signals, the end. One process serves all."""

import contextlib
import http.client
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labcore.cli.main import main
from labcore.cli.serve import keys_of
from labcore.errors import ConfigError

KEY = "a-key-of-some-length"
AUTHORISED = f"X-API-Key: {KEY}\r\n"
MADE_UP = Path(__file__).with_name("made_up_requests.py")


def ask(port, method="GET", path="/v1/models", body=None, key=KEY, **headers):
    headers |= {"X-API-Key": key} if key else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _metrics(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics", headers={"X-API-Key": KEY})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_a_refused_upload_gets_to_read_why(served):
    assert ask(served.port, key="")[0] == 401
    status, problem = ask(served.port, "POST", "/v1/classify", b"x" * 3_000_000)
    assert (status, problem["type"]) == (413, "urn:labcore:problem:size")
    status, problem = ask(served.port, "POST", "/v1/classify", b"x" * 300_000, key="")
    assert status == 401


def test_clients_of_ill_will_and_those_that_go_away_harm_nobody(served, wav):
    a_body_without_a_length_grows_too_large_and_gets_to_read_why(served.port)
    a_head_never_ends_and_is_cut_off(served.port)
    a_client_goes_away_and_its_work_is_given_up(served.port, wav(60.0))


def a_body_without_a_length_grows_too_large_and_gets_to_read_why(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            f"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n{AUTHORISED}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(40):
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()


def a_head_never_ends_and_is_cut_off(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"X-Filler: " + b"x" * 4000 + b"\r\n")
            assert not connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert ask(port)[0] == 200


def a_client_goes_away_and_its_work_is_given_up(port, clip):
    head = f"POST /v1/classify?hop_seconds=0.05 HTTP/1.1\r\nHost: localhost\r\n{AUTHORISED}Content-Length: {len(clip)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode() + clip)
        deadline = time.monotonic() + 30
        while "labcore_windows_waiting 0.0" in _metrics(port):
            assert time.monotonic() < deadline
    while "labcore_clips_in_hand 0.0" not in _metrics(port):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert 'labcore_clips_total{model="last",outcome="failed"} 1.0' in _metrics(port)
    assert 'route="/v1/classify",status="499"' in _metrics(port)


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
@pytest.mark.slow
def test_made_up_requests_find_no_fault(served):
    """Made up from the service's own schema: whatever comes, it answers as its documentation says and never with a fault."""
    asked = subprocess.run(
        [sys.executable, str(MADE_UP), f"http://127.0.0.1:{served.port}", KEY, "300"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert {"POST /v1/classify", "POST /v1/reload", "GET /metrics"} <= set(asked.stdout.splitlines())


def test_it_reloads_on_a_signal_and_ends_with_what_is_in_hand_answered(served, make_classifier, wav):
    """The last: it ends the process."""
    process, port, log_file, run, _ = served
    status, models = ask(port)
    assert (status, models["models"][0]["run"]) == (200, run.id)
    make_classifier(2).save(run.weights)
    process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 30
    while ask(port)[1]["models"][0]["sha256"] == models["models"][0]["sha256"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    outcomes = []
    clip = wav(20.0)

    def request():
        outcomes.append(
            ask(port, "POST", "/v1/classify?hop_seconds=0.05&windows=none", clip, Content_Type="audio/wav")[0]
        )

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    while "labcore_clips_in_hand 4.0" not in _metrics(port):
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert process.wait(timeout=60) == 0
    assert outcomes == [200] * 4
    log = log_file.read_text()
    assert "Traceback" not in log
    assert '"message": "reload"' in log


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.7.7"])
def test_beyond_this_machine_a_key_is_demanded(host, workspace, monkeypatch, capsys):
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    for name in ("LABCORE_API_KEY", "LABCORE_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["serve", "--host", host, "--port", "0"]) == 2
    assert "LABCORE_API_KEY" in capsys.readouterr().err


def test_what_is_wrong_is_one_line(workspace, make_run, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    assert main(["serve", "--port", "0"]) == 2
    assert "no run has weights yet" in capsys.readouterr().err
    (tmp_path / "model.pt").write_bytes(b"\x80\x02}q\x00.")
    assert main(["serve", "--port", "0", "--run", str(tmp_path / "model.pt")]) == 2
    assert "is a pickle" in capsys.readouterr().err
    make_run()
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_a_reload_that_comes_while_it_starts_does_not_end_it(workspace, monkeypatch):
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert main(["serve", "--port", "0"]) == 2  # there is no run
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_keys_come_from_the_environment_or_a_file(tmp_path):
    assert keys_of({}) == []
    assert keys_of({"LABCORE_API_KEY": f"{KEY}, {KEY}2"}) == [KEY, f"{KEY}2"]
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert keys_of({"LABCORE_API_KEY_FILE": str(file)}) == [KEY]
    for bad in ({"LABCORE_API_KEY": "short"}, {"LABCORE_API_KEY_FILE": str(tmp_path / "none")}):
        with pytest.raises(ConfigError) as caught:
            keys_of(bad)
        assert "short." not in str(caught.value)  # the key itself is not told
    file.write_text(" \n")
    with pytest.raises(ConfigError, match="is empty"):
        keys_of({"LABCORE_API_KEY_FILE": str(file)})
