"""The names in a zip archive, also where it does not say how they are written: with UTF-8 it has to say so, and many programs do not.

Windows writes names as its language wants them: Russian in cp866, Japanese in Shift-JIS. One encoding serves a whole archive, where only
one makes words of its names: letters of one script, no capital letter within a word, common characters of Chinese, Japanese and Korean.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labcore.datasets.packing.members import Reading

UTF_8 = 0x800
"""The bit of an entry whose name is in UTF-8."""
UNICODE_PATH = 0x7075
"""The extra field that has the name in UTF-8, beside that for old programs."""
STANDARD = "cp437"
"""What the format wants where nothing else is declared."""
ODD = 0.05
"""So large a part of the words of an archive may be odd by themselves."""
ENOUGH = 10
"""So many different letters tell encodings apart of which one holds the other: by chance its own would all lie in the smaller."""
MOST_TRIED, LONGEST_EXAMPLE = 5000, 60
_WORD = re.compile(r"[^\W\d_\x80-\U0010ffff]*[\x80-\U0010ffff](?:[^\W\d_]|[\x80-\U0010ffff])*")
"""A run of letters, and of whatever is beyond ASCII, with something that is."""
_STRANGE = re.compile(r"[\x80-\U0010ffff]{3}")
"""What no word of Latin letters holds."""
_HUMP = re.compile("(?<=[а-я])[А-Я](?=[а-я])")
"""The capital letter of a second word: МойЗвук."""
_MARKS = "–—°№"
"""What stands between words, or before and behind one, and says nothing of it."""


@dataclass(frozen=True)
class Encoding:
    """A way to write names.

    Attributes:
        scripts: beginnings of the names that Unicode gives its letters beyond ASCII.
        common: the first bytes of common characters are not above; 0 where a letter is a byte.
        share: of the letters beyond ASCII that are common.
    """

    name: str
    title: str
    scripts: tuple[str, ...]
    common: int = 0
    share: float = 0.0

    def reads(self, content: bytes) -> str | None:
        """The text; None where there is none in this encoding."""
        try:
            return content.decode(self.name)
        except UnicodeDecodeError:
            return None

    def fits(self, names: Sequence[str]) -> bool:
        """Whether names are words in it."""
        words = {bare for name in names for word in _WORD.findall(name) if not (bare := word.strip(_MARKS)).isascii()}
        odd = sum(self._is_odd(word) for word in words)
        signs = [sign.encode(self.name)[0] for word in words for sign in set(word) if not sign.isascii()]
        common = sum(first <= self.common for first in signs) >= self.share * len(signs)
        return bool(words) and odd <= ODD * len(words) and (common or not self.common)

    def _is_odd(self, word: str) -> bool:
        beyond = [sign for sign in word if not sign.isascii()]
        if not all(unicodedata.name(sign, "").startswith(self.scripts) for sign in beyond):
            return True
        if self.common:  # a name may hold both: CDの音
            return any(one.islower() and one.isascii() != two.isascii() for one, two in _pairs(word))
        if self.scripts == LATIN:
            strange = _STRANGE.search(word) is not None or len(beyond) == len(word) > 1
        else:
            strange, word = len(beyond) < len(word), _HUMP.sub("", word)
        return strange or any(
            one.islower() and two.isupper() and not (one + two).isascii() for one, two in _pairs(word)
        )


LATIN, CYRILLIC, HAN = ("LATIN",), ("CYRILLIC",), ("CJK UNIFIED", "IDEOGRAPHIC", "FULLWIDTH")
OTHERS = (
    Encoding("cp850", "cp850 (Western Europe)", LATIN),
    Encoding("cp852", "cp852 (Central Europe)", LATIN),
    Encoding("cp1252", "cp1252 (Western Europe)", LATIN),
    Encoding("cp866", "cp866 (Cyrillic)", CYRILLIC),
    Encoding("cp1251", "cp1251 (Cyrillic)", CYRILLIC),
    Encoding("cp932", "Shift-JIS", ("HIRAGANA", "KATAKANA", *HAN), 0x97, 0.5),
    Encoding("euc_kr", "EUC-KR", ("HANGUL",), 0xC8, 1.0),
    Encoding("gb2312", "GB 2312", HAN, 0xD7, 0.5),
    Encoding("big5", "Big5", HAN, 0xC6, 1.0),
)
SMALLER_FIRST = ("euc_kr", "gb2312", "big5")
"""Encodings of which each reads what the ones before write."""


def names_of(archive: str, infos: Sequence[zipfile.ZipInfo]) -> tuple[list[str], Reading | None]:
    """The names of the entries of an archive, in its order, and how they were read where that is to be told."""
    declared = [_declared(info) for info in infos]
    undeclared = {
        info.orig_filename.encode(STANDARD) for info, name in zip(infos, declared, strict=True) if name is None
    }
    found = fitting(undeclared) if undeclared else [_STANDARD]
    chosen = found[0] if len(found) == 1 else _STANDARD
    names = [_read(info, chosen) if name is None else name for info, name in zip(infos, declared, strict=True)]
    return names, None if found == [_STANDARD] else _told(archive, min(undeclared), found)


def fitting(undeclared: Iterable[bytes]) -> list[Encoding]:
    """The encodings in which names are words, one alone where it is clear; the standard one, where it is among them, goes before all."""
    tried = sorted(undeclared)[:MOST_TRIED]
    readings: dict[tuple[str, ...], Encoding] = {}
    for encoding in (_STANDARD, *OTHERS):
        texts = [text for content in tried if (text := encoding.reads(content)) is not None]
        if len(texts) == len(tried) and encoding.fits(texts):
            if encoding is _STANDARD:
                return [encoding]
            readings.setdefault(tuple(texts), encoding)
    found = list(readings.values())
    letters = {sign for texts in readings for text in texts for sign in text if not sign.isascii()}
    if found and all(each.name in SMALLER_FIRST for each in found) and len(letters) >= ENOUGH * len(found):
        return found[:1]
    return found


def _declared(info: zipfile.ZipInfo) -> str | None:
    """The name of an entry where it is beyond doubt how it is written; None where its encoding is to be found.

    A zero byte ends a name for zipfile, so what stood behind one is looked at too. macOS writes UTF-8 and does not say so.
    """
    if "\0" in info.orig_filename or info.orig_filename.isascii() or info.flag_bits & UTF_8:
        return info.orig_filename
    content = info.orig_filename.encode(STANDARD)
    for text in (_unicode_path(info.extra, content), content):
        try:
            if text:
                return text.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _unicode_path(extra: bytes, name: bytes) -> bytes:
    """The name in UTF-8 of the extra fields of an entry; b"" where there is none, or that of another name."""
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and int.from_bytes(content[1:5], "little") == zlib.crc32(name):
            return content[5:]
    return b""


def _read(info: zipfile.ZipInfo, encoding: Encoding) -> str:
    """A name in an encoding; one that comes late, and is none in it, in the standard one."""
    text = encoding.reads(info.orig_filename.encode(STANDARD))
    return info.orig_filename if text is None else text


def _told(archive: str, example: bytes, found: list[Encoding]) -> Reading:
    sure = len(found) == 1
    encoding = found[0] if sure else _STANDARD
    why = "" if sure else ", and no encoding makes words of them"
    if len(found) > 1:
        why = f", and {', '.join(each.title for each in found)} all make words of them"
    text = (encoding.reads(example) or "")[:LONGEST_EXAMPLE]
    what = f"does not say how its names are written{why}; they are read as {encoding.title}, as in {text!r}"
    again = "Pack it again with names in UTF-8"
    by_hand = f"{again}, or unpack it by hand (`unzip -O ENCODING`) and give the folder"
    return Reading(archive, what, f"{again} if they are wrong" if sure else by_hand, sure)


def _pairs(word: str) -> Iterable[tuple[str, str]]:
    return ((word[at - 1], word[at]) for at in range(1, len(word)))


_STANDARD = Encoding(STANDARD, STANDARD, LATIN)
