"""``labcore datasets get``: standard data sets by name, downloaded once their licence is accepted."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from labcore.cli.bring import tell_made
from labcore.cli.output import DONE, INTERRUPTED, confirmed, say, tell_list
from labcore.cli.parser import Parser
from labcore.errors import ConfigError
from labcore.texts import counted, megabytes
from labcore.typed import typed_path
from labcore.workspace import Workspace, slug

if TYPE_CHECKING:
    from labcore.standard_sets import StandardSet


def add(parser: Parser) -> None:
    """What `labcore datasets get` takes."""
    parser.add_argument("dataset", metavar="NAME", nargs="?", help="standard data set; without a name they are listed")
    parser.add_argument("--accept-licence", action="store_true", help="accept the licence of the data set")
    parser.add_argument("--name", default="", help="name in the workspace (default: NAME)")
    parser.add_argument("--file", metavar="PATH", default="", help="archive that was fetched by hand")
    parser.add_argument(
        "--url", default="", help="address to download from (default: LABCORE_MIRROR, else the published one)"
    )
    parser.add_argument(
        "--checksum", metavar="SUM", default="", help="checksum of another edition of the archive: sha256:… or md5:…"
    )
    parser.add_argument(
        "--keep-archive", action="store_true", help="keep the downloaded archive once the data set is made"
    )


def get(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Download a standard data set, or list them."""
    from labcore.datasets.names import require_free
    from labcore.standard_sets import standard_set

    if not arguments.dataset:
        return _list(workspace, as_json=arguments.json)
    about = standard_set(arguments.dataset)
    name = slug(arguments.name or about.name)
    if (made := _there(workspace, about, arguments.name and name)) is not None:
        say(f"{about.title} is here already, as {made['name']}")
        return _tell(made, about, as_json=arguments.json)
    require_free(workspace, name, None)
    return _download(workspace, about, name, arguments)


def _list(workspace: Workspace, *, as_json: bool) -> int:
    from labcore.standard_sets import SETS

    here = {each.name: _names(workspace, each) for each in SETS.values()}
    facts = [{**asdict(each), "here": here[each.name]} for each in SETS.values()]
    rows = [
        [
            each.name,
            each.title,
            each.clips,
            each.classes,
            megabytes(each.bytes),
            each.licence,
            ", ".join(here[each.name]) or None,
        ]
        for each in SETS.values()
    ]
    head = ["name", "data set", "clips", "classes", "archive", "licence", "here as"]
    return tell_list(facts, head, rows, none="", as_json=as_json)


def _names(workspace: Workspace, about: StandardSet) -> list[str]:
    """What a standard set is called in the workspace, where it was downloaded into it."""
    from labcore.downloads.origin import downloaded_sets

    return [name for name, facts in downloaded_sets(workspace).items() if facts.get("dataset") == about.name]


def _there(workspace: Workspace, about: StandardSet, name: str) -> dict[str, Any] | None:
    """The standard set as it is in the workspace, where it is: under a name, or whatever it is called where that is ""."""
    from labcore.datasets.glance import list_datasets

    names = [each for each in _names(workspace, about) if each == (name or each)]
    readable = (asdict(info) for info in list_datasets(workspace) if not info.error and info.name in names)
    return next(readable, None) if names else None


def _download(workspace: Workspace, about: StandardSet, name: str, arguments: argparse.Namespace) -> int:
    from labcore.cli.foreground import run_short
    from labcore.downloads.checksums import read_checksum
    from labcore.downloads.job import Download, DownloadPlan

    file = os.path.abspath(typed_path(arguments.file)) if arguments.file else ""  # noqa: PTH100 (tidies "..", keeps links)
    if Path(file).is_dir() and file:
        raise ConfigError(
            f"{file} is a folder, and no archive",
            f"`labcore datasets import {quote(str(file))} --name {quote(name)}` adds the folder as it is",
        )
    if file and not Path(file).is_file():
        raise ConfigError(f"there is no file {file}", f"Name the archive of {about.title}, {about.file}")
    plan = DownloadPlan(
        dataset=about.name,
        name=name,
        licence=_accepted(about, arguments.accept_licence),
        file=file,
        url=arguments.url,
        checksum=read_checksum(arguments.checksum) if arguments.checksum else "",
        keep=arguments.keep_archive,
    )
    job = Download.create(workspace, plan)
    status = run_short(job)
    if status == DONE and (made := job.result) is not None:
        return _tell(made.model_dump(exclude={"type", "time"}), about, as_json=arguments.json)
    if status == INTERRUPTED:
        say("the same command goes on as well")
    return status


def _accepted(about: StandardSet, accepted: bool) -> str:
    """The licence of a data set, once it was shown and accepted.

    Raises:
        ConfigError: it was not.
    """
    from labcore.downloads.checksums import told

    say(f"{about.title}: {counted(about.clips, 'clip')} of {counted(about.classes, 'class', 'classes')}, {about.folds}")
    say(f"by {about.citation}; {about.page}")
    say(f"archive: {told(about)}; about {megabytes(about.unpacked)} unpacked")
    say(f"licence: {about.licence}. {about.terms}")
    if accepted or confirmed("Do you accept this licence?"):
        return about.licence
    raise ConfigError(
        f"the licence of {about.title} was not accepted",
        f"Read it at {about.page}, and accept it with --accept-licence",
    )


def _tell(made: dict[str, Any], about: StandardSet, *, as_json: bool) -> int:
    facts = {**made, "dataset": about.name, "licence": about.licence, "citation": about.citation}
    return tell_made(facts, as_json=as_json)
