"""Backups as the lab would make them of any files, or with another head and manifest."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

from labcore.backup import writing

File = tuple[tarfile.TarInfo, bytes]
DEEP = b"[" * 100_000 + b"]" * 100_000


def file(name: str, content: bytes = b"x", **facts: object) -> File:
    info = tarfile.TarInfo(name)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, content


def inside(name: str, content: bytes = b"x", **facts: object) -> File:
    return file(f"workspace/{name}", content, **facts)


def line(member: File, **changes: object) -> bytes:
    facts = {
        "path": member[0].name.removeprefix("workspace/"),
        "bytes": len(member[1]),
        "sha256": sha256(member[1]).hexdigest(),
    }
    return json.dumps(facts | changes).encode() + b"\n"


def archive(
    members: list[File],
    *,
    head: bytes | None = None,
    manifest: bytes | None = None,
    behind: list[File] | None = None,
) -> bytes:
    """A backup as the lab would make it of these files, or with another head and manifest."""
    if head is None:
        head = json.dumps({"format": writing.FORMAT, "units": ["runs/x"]}).encode()
    if manifest is None:
        manifest = b"".join(map(line, members))
    everything = [file(writing.HEAD, head), *members, file(writing.MANIFEST, manifest), *(behind or [])]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in everything:
            if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def patched(content: bytes, offset: int, field: bytes) -> bytes:
    """A backup with some bytes of its first file's header changed, and the checksum of the header right."""
    at = content.index(b"workspace/")
    at -= at % tarfile.BLOCKSIZE
    header = bytearray(content[at : at + 512])
    header[offset : offset + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return content[:at] + bytes(header) + content[at + 512 :]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if path.name != "lock"
    }


def repacked(content: bytes) -> bytes:
    """A zip with the same entries, compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return out.getvalue()
