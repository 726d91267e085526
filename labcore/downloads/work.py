"""The work of a download: the archive is found or downloaded, held against its checksum, and unpacked as any other."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path

from labcore.allowed_paths import check_root
from labcore.datasets.names import require_free
from labcore.datasets.packing import packed_at
from labcore.downloads import checksums, origin
from labcore.downloads.job import Download, DownloadPlan, require_accepted
from labcore.downloads.places import ArchivePlace, by_hand, folder_of_mirror, plain_url, url_of
from labcore.downloads.transfer import BrokenOffError, require_reachable, transfer
from labcore.errors import DatasetError, NetworkError, WorkspaceError
from labcore.events import Event, Log
from labcore.importing.work import SPARE_BYTES, remove_drafts, unpacked
from labcore.jobs.following import Stopped, follow
from labcore.jobs.process import StopTest
from labcore.standard_sets import StandardSet, standard_set
from labcore.texts import megabytes
from labcore.workspace import Workspace, stamp_of

WAITS = (1.0, 3.0, 10.0)
"""Seconds before each new try of a transfer that broke off and does not get on."""


def work(job: Download, should_stop: StopTest) -> Generator[Event, None, None]:
    """The work of a download. One that goes on does so from where it was left.

    Raises:
        DatasetError: the name is taken, the licence is not accepted, or the archive is not the one that is meant, or damaged.
        NetworkError: it cannot be downloaded; the error tells what to fetch by hand, and where to put it.
        WorkspaceError: the disk has no room for it.
        Stopped: it was asked to stop.
    """
    plan, workspace = job.plan, job.workspace
    require_accepted(plan)
    about = standard_set(plan.dataset)
    known = plan.checksum or about.checksum
    remove_drafts(workspace)
    require_free(workspace, plan.name, None)
    place = ArchivePlace.of(workspace, about)
    with place.held(about.title):
        path, checksum = yield from _archive(plan, about, place, workspace, should_stop)
        ours = path == place.path and place.is_download
        packed = packed_at(path)
        if packed is None:
            raise DatasetError(f"{path} is no archive", "Fetch it again")
        came_from = str(place.facts.get("url") or path) if ours else str(path)
        notes = {origin.FILE: origin.origin(about, came_from, checksum)}
        try:
            made = yield from unpacked(job, packed, plan.name, should_stop, layout=about.layout, notes=notes)
        except DatasetError:
            if ours and not known:  # it may be damaged, and the next one would stumble over it
                place.drop()
            raise
        if not (known or checksums.remembered(workspace, about)):
            yield Log(message=f"nobody publishes the checksum of {path.name}; from now on it has to be {checksum}")
            checksums.remember(workspace, about, checksum)
        if not (ours and plan.keep):
            place.drop()
    yield made


def _archive(
    plan: DownloadPlan, about: StandardSet, place: ArchivePlace, workspace: Workspace, should_stop: StopTest
) -> Generator[Event, None, tuple[Path, str]]:
    """The path of the archive, which is the one that is meant, and its checksum. It may be there already, or comes over the network.

    Raises: as :func:`work`.
    """
    there = _there_already(plan, about, place)
    if there is not None:
        yield Log(message=f"taking {there}")
    else:
        yield from _downloaded(plan.url or url_of(about), about, place, should_stop)
        there = place.path
    try:
        if not plan.checksum:
            checksums.require_whole(there, about)
        found = yield from _verified(there, plan, about, workspace, should_stop)
    except DatasetError:
        if there == place.path and place.is_download:
            place.drop()
        raise
    return there, found


def _there_already(plan: DownloadPlan, about: StandardSet, place: ArchivePlace) -> Path | None:
    """The archive where it is on the disk: named, put into the workspace by hand, or in the folder of the mirror."""
    if plan.file:
        path = Path(plan.file)
        check_root(path)
        if not path.is_file():
            raise DatasetError(f"there is no file {path}", f"Name the archive of {about.title}, {about.file}")
        return path
    if place.path.is_file():
        return place.path
    folder = None if plan.url else folder_of_mirror()
    return folder / about.file if folder and (folder / about.file).is_file() else None


def _verified(
    path: Path, plan: DownloadPlan, about: StandardSet, workspace: Workspace, should_stop: StopTest
) -> Generator[Event, None, str]:
    wanted = plan.checksum or about.checksum
    algorithm = wanted.partition(":")[0] or "sha256"
    found = yield from follow(
        "checking the archive", lambda progress: checksums.checksum_of(path, algorithm, progress), should_stop, "MB"
    )
    if wanted:
        checksums.require_equal(path, about, found, wanted)
    else:
        checksums.require_as_before(workspace, path, about, found)
    return found


def _downloaded(
    url: str, about: StandardSet, place: ArchivePlace, should_stop: StopTest
) -> Generator[Event, None, None]:
    """Download the archive; where it breaks off, go on a few times."""
    _require_room(about, place)
    shown, most, tries = plain_url(url), -1, 0
    yield Log(message=f"downloading {shown}")
    try:
        require_reachable(url)
        while True:
            came = stamp_of(place.part)[0]
            try:
                went_on = yield from follow(
                    "downloading", partial(transfer, url, place, about.bytes), should_stop, "MB"
                )
                _require_all(url, about, place)
                break
            except BrokenOffError as error:
                now = stamp_of(place.part)[0]
                tries, most = (0, now) if now > most else (tries + 1, most)
                if tries >= len(WAITS):
                    raise
                yield Log(message=f"{error.what}; {megabytes(now)} are here, trying again", level="warning")
                _wait(WAITS[tries], should_stop)
        if came and not went_on:
            yield Log(message=f"{shown} cannot go on where it broke off: all of it was downloaded again")
    except NetworkError as error:
        also = f"{error.remedy}. " if error.remedy else ""
        raise NetworkError(f"{about.title}: {error.what}", f"{also}{by_hand(about, place, url)}") from error
    place.complete()


def _require_all(url: str, about: StandardSet, place: ArchivePlace) -> None:
    """Raises BrokenOffError where a server says that it is done and is not: not every server tells the length."""
    size = stamp_of(place.part)[0]
    if url == about.url and about.checksum and size < about.bytes:
        raise BrokenOffError(f"the server ended after {size:,} of {about.bytes:,} bytes", "Try again later: it goes on")


def _require_room(about: StandardSet, place: ArchivePlace) -> None:
    """Refuse what the disk has no room for: what is still to come of the archive, and what is in it.

    Raises:
        WorkspaceError: it has none.
    """
    came, free = stamp_of(place.part)[0], shutil.disk_usage(place.path.parent).free
    needed = max(0, about.bytes - came) + about.unpacked + SPARE_BYTES
    if needed > free:
        raise WorkspaceError(
            f"{about.title} needs {megabytes(needed)} (archive and sounds), and {place.path.parent} has {megabytes(free)} free",
            f"Free {megabytes(needed - free)}, or choose another workspace with LABCORE_HOME",
        )


def _wait(seconds: float, should_stop: StopTest) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if should_stop():
            raise Stopped
        time.sleep(min(0.2, seconds))
