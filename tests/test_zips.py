"""Zip archives to hand on."""

from __future__ import annotations

import io
import zipfile

from labcore.zips import READABLE, zipped


def test_others_may_read_what_is_unpacked() -> None:
    files = {"run/README.txt": "Größe \udc84", "run/weights": bytes(100_000)}
    packed = zipped(files)
    assert len(packed) < 2000
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == list(files)
        assert archive.read("run/README.txt") == b"Gr\xc3\xb6\xc3\x9fe \\udc84"
        assert archive.read("run/weights") == files["run/weights"]
        for info in archive.infolist():
            assert info.external_attr >> 16 == READABLE == 0o644
            assert info.date_time[0] >= 2025
