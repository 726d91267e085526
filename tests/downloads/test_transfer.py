"""What can happen to a download on its way, with a server that does it."""

from __future__ import annotations

import socket
import threading

import pytest

from labcore.downloads import transfer
from labcore.events import Log, Preparing, each_of
from labcore.workspace import Workspace
from tests.downloads.conftest import Publish, Served, downloaded, ending


def logs(job: object) -> str:
    return " | ".join(log.message for log in each_of(job.events(), Log))  # type: ignore[attr-defined]


def archives(workspace: Workspace) -> list[str]:
    return sorted(each.name for each in (workspace.cache / "archives").iterdir() if not each.name.endswith(".lock"))


def test_a_whole_one(publish: Publish, served: Served, workspace: Workspace) -> None:
    job = downloaded(workspace, publish())
    assert ending(job).state == "finished", ending(job).error
    assert job.result.clips == 4
    assert served.asked == [("/ESC-50.zip", "")]
    assert archives(workspace) == []
    progress = [event for event in each_of(job.events(), Preparing) if event.what == "downloading"]
    assert progress[-1].done == progress[-1].total > 0
    assert progress[-1].unit == "MB"


def test_cut_off_in_the_middle_it_goes_on(publish: Publish, served: Served, workspace: Workspace) -> None:
    served.cuts = [50_000, 30_000]
    job = downloaded(workspace, publish())
    assert ending(job).state == "finished", ending(job).error
    assert [asked for _, asked in served.asked] == ["", "bytes=49152-", "bytes=65536-"]
    assert "broke off" in logs(job)


def test_a_server_that_cannot_go_on_gives_all_of_it_again(
    publish: Publish, served: Served, workspace: Workspace
) -> None:
    served.cuts, served.ranges = [50_000], False
    job = downloaded(workspace, publish())
    assert ending(job).state == "finished", ending(job).error
    assert [asked for _, asked in served.asked] == ["", "bytes=49152-"]
    assert "all of it was downloaded again" in logs(job)


def test_a_file_that_changed_meanwhile_is_taken_from_its_beginning(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    served.cuts = [50_000, 0, 0]
    first = downloaded(workspace, publish(b"x" * 60_000 + archive, checksum=False))
    assert ending(first).state == "failed"
    job = downloaded(workspace, publish(checksum=False))
    assert ending(job).state == "finished", ending(job).error
    assert served.asked[-1] == ("/ESC-50.zip", "bytes=49152-")


def test_a_server_that_breaks_off_again_and_again(publish: Publish, served: Served, workspace: Workspace) -> None:
    served.cuts = [50_000, 0, 0]
    about = publish()
    job = downloaded(workspace, about)
    end = ending(job)
    assert end.state == "failed"
    assert end.details["kind"] == "NetworkError"
    assert "broke off" in end.error
    assert len(served.asked) == 3
    assert archives(workspace) == ["ESC-50.zip.json", "ESC-50.zip.part"]
    again = downloaded(workspace, about)
    assert again.id == job.id
    assert ending(again).state == "finished"
    assert served.asked[-1] == ("/ESC-50.zip", "bytes=49152-")


def test_a_slow_server_is_waited_for_so_long_and_asked_to_go_on(
    publish: Publish, served: Served, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "READ_SECONDS", 0.1)
    served.stalls = [65_536]
    job = downloaded(workspace, publish())
    assert ending(job).state == "finished", ending(job).error
    assert [asked for _, asked in served.asked] == ["", "bytes=65536-"]


@pytest.mark.parametrize("checksum", [True, False])
def test_one_that_ends_early_and_does_not_say_so(
    checksum: bool, publish: Publish, served: Served, workspace: Workspace
) -> None:
    served.tells_length, served.cuts = False, [70_000]
    job = downloaded(workspace, publish(checksum=checksum))
    if checksum:  # its length is known
        assert ending(job).state == "finished", ending(job).error
        assert [asked for _, asked in served.asked] == ["", "bytes=70000-"]
    else:
        assert "is not a zip file, or truncated" in ending(job).error
        assert archives(workspace) == []


def test_a_stop_keeps_what_came_and_it_goes_on(publish: Publish, served: Served, workspace: Workspace) -> None:
    about, stop = publish(), [False]

    def watch(event: object) -> None:
        stop[0] = isinstance(event, Preparing) and event.what == "downloading"

    job = downloaded(workspace, about, _should_stop=lambda: stop[0] or bool(served.asked), _on_event=watch)
    assert ending(job).state == "stopped"
    assert not list(workspace.datasets.iterdir())
    again = downloaded(workspace, about)
    assert again.id == job.id
    assert ending(again).state == "finished"


def test_what_is_there_whole_already_is_not_asked_for_again(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    place = workspace.cache / "archives"
    place.mkdir()
    (place / "ESC-50.zip.part").write_bytes(archive)
    assert ending(downloaded(workspace, publish())).state == "finished"
    (workspace.datasets / "esc50").rename(workspace.home / "away")
    (place / "ESC-50.zip.part").write_bytes(archive + b"more")
    assert ending(downloaded(workspace, publish())).state == "finished"
    assert [asked for _, asked in served.asked] == [f"bytes={len(archive)}-", f"bytes={len(archive) + 4}-", ""]


def test_a_server_that_gives_another_part_is_not_believed(
    publish: Publish, served: Served, workspace: Workspace
) -> None:
    served.cuts, served.off_by = [50_000], 7
    assert ending(downloaded(workspace, publish())).state == "finished"
    assert [asked for _, asked in served.asked] == ["", "bytes=49152-", ""]


def test_a_redirection_keeps_the_range(publish: Publish, served: Served, workspace: Workspace) -> None:
    about = publish()
    served.files["/elsewhere"] = served.files.pop("/ESC-50.zip")
    served.moved["/ESC-50.zip"] = "/elsewhere"
    served.cuts = [50_000]
    assert ending(downloaded(workspace, about)).state == "finished"
    assert served.asked[1:3] == [("/elsewhere", ""), ("/ESC-50.zip", "bytes=49152-")]
    assert served.asked[3] == ("/elsewhere", "bytes=49152-")


def test_redirections_without_end(publish: Publish, served: Served, workspace: Workspace) -> None:
    served.moved["/ESC-50.zip"] = "/ESC-50.zip"
    assert "30 redirects" in ending(downloaded(workspace, publish())).error


@pytest.mark.parametrize(
    ("codes", "tries"), [([404], 1), ([403], 1), ([503, 503], 3), ([503, 503, 503], 3), ([500, 429], 3)]
)
def test_codes(codes: list[int], tries: int, publish: Publish, served: Served, workspace: Workspace) -> None:
    about = publish()
    served.codes = [*codes]
    end = ending(downloaded(workspace, about))
    assert len(served.asked) == tries
    if len(codes) == tries:
        assert f"the server answers {codes[-1]}" in end.error
        assert f"put the file at {workspace.cache / 'archives' / 'ESC-50.zip'}" in end.remedy
    else:
        assert end.state == "finished"


def test_a_page_to_sign_in_is_no_archive(publish: Publish, served: Served, workspace: Workspace) -> None:
    served.kind = "text/html; charset=utf-8"
    end = ending(downloaded(workspace, publish(b"<html>Sign in")))
    assert "a web page and no archive" in end.error
    assert "sign-in page" in end.remedy


def nobody() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_without_a_network_it_is_told_what_to_fetch_and_where_to_put_it(
    publish: Publish, served: Served, workspace: Workspace
) -> None:
    publish()
    url = f"http://name:secret@127.0.0.1:{nobody()}/ESC-50.zip"
    job = downloaded(workspace, publish(), url=url)
    end = ending(job)
    assert end.state == "failed"
    assert "127.0.0.1 cannot be reached: Connection refused" in end.error
    assert f"put the file at {workspace.cache / 'archives' / 'ESC-50.zip'}" in end.remedy
    assert "labcore datasets get esc50" in end.remedy
    assert served.asked == []
    assert "secret" not in "".join(event.to_json() for event in job.events())


def test_a_server_that_never_answers_is_given_up_soon(
    publish: Publish, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "REACH_SECONDS", 0.05)
    waiting = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda *args: waiting.wait(30))
    end = ending(downloaded(workspace, publish()))
    waiting.set()
    assert "cannot be reached: it does not answer" in end.error


def test_the_proxy_of_the_environment_is_used(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", served.url)
    about = publish()
    served.files["http://esc50.invalid/ESC-50.zip"] = archive
    assert ending(downloaded(workspace, about, url="http://esc50.invalid/ESC-50.zip")).state == "finished"
    assert served.asked == [("http://esc50.invalid/ESC-50.zip", "")]
    monkeypatch.setenv("http_proxy", f"http://name:secret@127.0.0.1:{nobody()}")
    end = ending(downloaded(workspace, about, name="other", url="http://esc50.invalid/ESC-50.zip"))
    assert "the proxy 127.0.0.1 cannot be reached" in end.error
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ending(downloaded(workspace, about, name="third")).state == "finished"


def test_what_has_no_end_does_not_fill_the_disk(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "SLACK_BYTES", 0)
    about = publish()
    served.files["/ESC-50.zip"], served.tells_length = archive * 20, False
    end = ending(downloaded(workspace, about))
    assert f"is another file: it has more than {2 * len(archive):,} bytes" in end.error
    assert (workspace.cache / "archives" / "ESC-50.zip.part").stat().st_size == 0


@pytest.mark.parametrize("url", ["ftp://somewhere/x.zip", "http://", "http://host:port/x", "nothing", "https://[::1/x"])
def test_what_is_no_address(url: str, publish: Publish, workspace: Workspace) -> None:
    end = ending(downloaded(workspace, publish(), url=url))
    assert "is no address" in end.error
    assert end.details["kind"] == "NetworkError"


def test_a_full_disk_keeps_what_came(publish: Publish, served: Served, workspace: Workspace) -> None:
    about = publish()
    place = workspace.cache / "archives"
    place.mkdir()
    (place / "ESC-50.zip.part").symlink_to("/dev/full")
    end = ending(downloaded(workspace, about))
    assert end.details["kind"] == "WorkspaceError"
    assert "No space left on device" in end.error
    assert "it goes on" in end.remedy
