"""Standard data sets that are known by name: where each is published, under what licence, and how its archive is told from another one."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from labcore.errors import DatasetError


@dataclass(frozen=True)
class StandardSet:
    """A published data set.

    Attributes:
        name: in the workspace, unless another one is asked for.
        layout: how it is read, as :class:`labcore.datasets.table.Dataset` has it.
        url: of its archive.
        file: what a browser calls the archive when it saves it.
        bytes: of the archive; unpacked: of what is in it, about.
        checksum: ``sha256:…`` or ``md5:…`` of the archive, "" where none is known for certain.
        licence, terms: its name, and what it asks for in one sentence.
        page: where it is described, and its licence with it.
        citation: who made it.
    """

    name: str
    title: str
    layout: str
    url: str
    file: str
    bytes: int
    unpacked: int
    checksum: str
    clips: int
    classes: int
    folds: str
    licence: str
    terms: str
    page: str
    citation: str


ESC50_COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"

SETS = {
    each.name: each
    for each in (
        StandardSet(
            name="esc50",
            title="ESC-50",
            layout="esc50",
            url=f"https://github.com/karolpiczak/ESC-50/archive/{ESC50_COMMIT}.zip",
            file=f"ESC-50-{ESC50_COMMIT}.zip",
            bytes=645_832_161,
            unpacked=890_000_000,
            # Not published by its author: several projects measured the same, independently of each other.
            checksum="sha256:661183a6f53ef04f12c9bd618fed0ddc1713280d6c94a5a5431e844ba6f6a21f",
            clips=2000,
            classes=50,
            folds="5 official folds",
            licence="CC BY-NC 3.0",
            terms="Name its authors; no commercial use. The clips of ESC-10 alone are under CC BY.",
            page="https://github.com/karolpiczak/ESC-50",
            citation="K. J. Piczak: ESC: Dataset for Environmental Sound Classification. ACM Multimedia 2015",
        ),
        StandardSet(
            name="urbansound8k",
            title="UrbanSound8K",
            layout="urbansound8k",
            url="https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz?download=1",
            file="UrbanSound8K.tar.gz",
            bytes=6_023_741_708,
            unpacked=7_100_000_000,
            checksum="md5:9aa69802bbf37fb986f71ec1483a196e",  # published by Zenodo
            clips=8732,
            classes=10,
            folds="10 official folds",
            licence="CC BY-NC 3.0",
            terms="Name its authors; no commercial use. Its page at Zenodo says version 4.0, its own text 3.0.",
            page="https://zenodo.org/records/1203745",
            citation="J. Salamon, C. Jacoby, J. P. Bello: A Dataset and Taxonomy for Urban Sound Research. ACM Multimedia 2014",
        ),
        StandardSet(
            name="speech_commands",
            title="Speech Commands v2",
            layout="speech_commands",
            url="https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            file="speech_commands_v0.02.tar.gz",
            bytes=2_428_923_189,
            unpacked=3_800_000_000,
            checksum="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",  # published by torchaudio
            clips=105_829,
            classes=35,
            folds="official train, val and test",
            licence="CC BY 4.0",
            terms="Name its authors.",
            page="https://arxiv.org/abs/1804.03209",
            citation="P. Warden: Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. 2018",
        ),
        StandardSet(
            name="fsdd",
            title="Free Spoken Digit Dataset 1.0.10",
            layout="fsdd",
            url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
            file="free-spoken-digit-dataset-1.0.10.zip",
            bytes=16_400_000,
            unpacked=25_000_000,
            checksum="",  # its authors publish none, and GitHub packs the archive anew when it likes
            clips=3000,
            classes=10,
            folds="drawn by speaker; it publishes no folds that keep speakers apart",
            licence="CC BY-SA 4.0",
            terms="Name its authors; pass on what you make of it under the same licence.",
            page="https://github.com/Jakobovski/free-spoken-digit-dataset",
            citation="Z. Jackson and others: Free Spoken Digit Dataset (FSDD). Zenodo, 2018",
        ),
    )
}
"""Name → standard data set."""
ALIASES = {"speechcommandsv2": "speech_commands", "speechcommandsv002": "speech_commands", "us8k": "urbansound8k"}


def known_set(name: str) -> StandardSet | None:
    """The standard set that is meant by a name, however it is spelled: ESC-50, esc50; None for none."""
    plain = _plain(name)
    by_plain = {_plain(each): each for each in SETS} | ALIASES
    return SETS.get(by_plain.get(plain, ""))


def standard_set(name: str) -> StandardSet:
    """The same.

    Raises:
        DatasetError: there is none of that name.
    """
    found = known_set(name)
    if found is None:
        near = difflib.get_close_matches(_plain(name), [_plain(each) for each in SETS], 1)
        guess = known_set(near[0]) if near else None
        hint = f"Did you mean {guess.name!r}? " if guess else ""
        raise DatasetError(f"there is no standard data set {name!r}", f"{hint}There are: {', '.join(SETS)}")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
