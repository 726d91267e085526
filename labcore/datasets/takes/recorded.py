"""A recorded data set on disk: a folder among the data sets of the workspace with the takes, a ledger, and the list of clips.

    <name>/takes.json           what is known of the takes, see :class:`Ledger`
    <name>/takes/0001.wav       a take, as it was recorded
    <name>/clips.csv            the list by which everything else reads the data set; follows from the ledger
    <name>/.deleted/0002.wav    a deleted take, for as long as it can be brought back

Whoever changes it holds a lock, so that two tabs, or two people, lose nothing of each other's. A take is on disk before it is told of.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from labcore.audio import Limits, decode, encode_wav
from labcore.datasets.linefile import held
from labcore.datasets.names import called_now, no_such_set, places_of, require_free
from labcore.datasets.takes.ledger import LEAST_CUT, MOST_CUT, Ledger, Take
from labcore.datasets.takes.levels import levels_of
from labcore.datasets.takes.listing import FOLDER, LEAST_CLASSES, list_of
from labcore.errors import DatasetError, WorkspaceError, if_unwritable
from labcore.jobs.trash import KEPT_DAYS
from labcore.owners import clean, require_owner
from labcore.reading import DamagedError, read_json
from labcore.texts import counted, json_line
from labcore.workspace import ELSEWHERE, Workspace, slug, stamp_of, write_atomically

LEDGER, LIST, DELETED = "takes.json", "clips.csv", ".deleted"
NAME = "recorded"
"""What a data set is called that nobody gave a name, with a number behind it."""
TAKES = "takes"
"""What is locked while it is written."""
_LEDGER = TypeAdapter(Ledger)


@dataclass(frozen=True)
class RecordedSet:
    """A data set of the workspace that is recorded with the microphone."""

    workspace: Workspace
    name: str

    @property
    def path(self) -> Path:
        return self.workspace.datasets / self.name

    @classmethod
    def create(cls, workspace: Workspace, name: str, classes: Sequence[str]) -> RecordedSet:
        """A new one, without a take.

        Args:
            name: what no file can be called is written with dashes; "" for one of the lab's own.

        Raises:
            DatasetError: the name is another data set's, or a class cannot be called so; nothing is made then.
            WorkspaceError: the workspace cannot be written.
        """
        ledger = Ledger().with_classes(classes)
        chosen = slug(name) if name.strip() else _free_name(workspace)
        require_free(workspace, chosen, None)
        made = cls(workspace, chosen)
        with WorkspaceError.on_os_error(f"{made.path} cannot be made", "Free some space, or check its permissions"):
            made.path.mkdir()
        with held(workspace, TAKES):
            made._write(ledger)
        return made

    @classmethod
    def find(cls, workspace: Workspace, name: str) -> RecordedSet:
        """The one of a name, also a former one.

        Raises:
            DatasetError: there is none, or it is no recorded one.
        """
        places = places_of(workspace)
        known = called_now(workspace, name, places)
        if known not in places:
            raise no_such_set(known, places)
        if not is_recorded(workspace, known):
            raise DatasetError(f"the data set {known!r} was not recorded here", "Record a data set of its own")
        return cls(workspace, known)

    def file_of(self, take: Take) -> Path:
        """Where a take that counts lies."""
        return self.path / FOLDER / take.file

    def read(self) -> Ledger:
        """What is known of it by now.

        Raises:
            DatasetError: its ledger is gone or damaged.
        """
        file = self.path / LEDGER
        try:
            return _LEDGER.validate_python(read_json(file))
        except FileNotFoundError:
            raise DatasetError(
                f"the recorded data set {self.name!r} is gone", "Choose another one, or begin one"
            ) from None
        except (OSError, DamagedError, ValidationError) as error:
            why = "it is not what the lab writes" if isinstance(error, ValidationError) else str(error).rstrip(".")
            raise DatasetError(
                f"{file} cannot be read: {why}", f"Restore it from a backup; the takes lie in {self.path / FOLDER}"
            ) from error

    def add(self, content: bytes, label: str, *, by: str = "", session: str = "", limits: Limits | None = None) -> Take:
        """Keep a take. One in which the microphone delivered nothing is measured and not kept.

        Args:
            content: a sound file of any kind that the lab decodes.
            by, session: as of a :class:`Take`.

        Returns:
            The take; its number is 0 where it was not kept.

        Raises:
            AudioError: it cannot be decoded, or is too short.
            DatasetError: there is no such class.
            WorkspaceError: the workspace cannot be written; nothing of it is kept.
        """
        waveform, rate = decode(content, name="the take", limits=limits)
        take = Take(0, label, levels_of(waveform, rate), time.time(), clean(by), clean(session))
        if take.levels.verdict == "dead":
            return take
        with held(self.workspace, TAKES):
            ledger = self.read()
            take = replace(take, number=ledger.last + 1)
            after = ledger.with_take(take)
            file = self.file_of(take)
            with WorkspaceError.on_os_error(f"{file.parent} cannot be made", if_unwritable(self.path, ELSEWHERE)):
                file.parent.mkdir(exist_ok=True)
            write_atomically(file, encode_wav(waveform, rate))
            try:
                self._write(after)
            except WorkspaceError:
                file.unlink(missing_ok=True)
                raise
        return take

    def delete(self, numbers: Collection[int], *, who: str = "", anyone: bool = False) -> None:
        """Delete takes; :meth:`restore` brings them back within :data:`KEPT_DAYS` days.

        Args:
            anyone: it is meant, whoever recorded them.

        Raises:
            NotYoursError: one is another person's.
            DatasetError, WorkspaceError: as for :meth:`change`.
        """
        self._require_own([self.read().take(number) for number in numbers], who, anyone)
        self.change(lambda ledger: ledger.deleted(numbers, time.time()))

    def restore(self, numbers: Collection[int], label: str = "") -> None:
        """Bring deleted takes back, with their class; and a class that had none.

        Raises:
            DatasetError, WorkspaceError: as for :meth:`change`.
        """
        self.change(lambda ledger: ledger.restored(numbers, label))

    def move(self, number: int, label: str, *, who: str = "", anyone: bool = False) -> None:
        """Have a take count as one of another class.

        Raises:
            NotYoursError: it is another person's, and ``anyone`` does not say that this is meant.
            DatasetError, WorkspaceError: as for :meth:`change`.
        """
        self._require_own([self.read().take(number)], who, anyone)
        self.change(lambda ledger: ledger.moved(number, label))

    def delete_class(self, label: str, *, who: str = "", anyone: bool = False) -> list[int]:
        """Delete a class with its takes. Returns their numbers, by which :meth:`restore` brings all of it back.

        Raises:
            NotYoursError: one is another person's, and ``anyone`` does not say that this is meant.
            DatasetError, WorkspaceError: as for :meth:`change`.
        """
        takes = self.read().of_class(label)
        self._require_own(takes, who, anyone)
        self.change(lambda ledger: ledger.without_class(label, time.time()))
        return [take.number for take in takes]

    def cut(self, seconds: float) -> None:
        """Cut takes into clips of so many seconds from now on, those that are there too; 0 for none.

        Raises:
            DatasetError: it is out of bounds; and as for :meth:`change`.
        """
        if seconds and not LEAST_CUT <= seconds <= MOST_CUT:
            raise DatasetError(
                f"clips of {seconds:g} s are not possible", f"Choose from {LEAST_CUT:g} to {MOST_CUT:g} s"
            )
        self.change(lambda ledger: replace(ledger, cut_s=seconds))

    def trim(self, wanted: bool) -> None:
        """Leave out silence at the ends of takes from now on, or keep it.

        Raises:
            DatasetError, WorkspaceError: as for :meth:`change`.
        """
        self.change(lambda ledger: replace(ledger, trim=wanted))

    def change(self, how: Callable[[Ledger], Ledger]) -> Ledger:
        """Change what is known of it; files of takes follow.

        Raises:
            DatasetError: what ``how`` raises, or the ledger is gone or damaged; nothing has changed then.
            WorkspaceError: the workspace cannot be written, or somebody else writes and does not end.
        """
        with held(self.workspace, TAKES):
            before = self.read()
            after = how(before).without_deleted(time.time() - KEPT_DAYS * 86400)
            if after != before:
                self._write(after)
                self._place(after)
                self._clear(before, after)
        return after

    def _place(self, ledger: Ledger) -> None:
        """Put the files of takes where they belong, those too that an earlier change could not move. What is gone stays so: reading the
        list tells of it."""
        deleted = self.path / DELETED
        with WorkspaceError.on_os_error(f"a take in {self.path} cannot be moved", if_unwritable(self.path, ELSEWHERE)):
            deleted.mkdir(exist_ok=True)
            for take in ledger.takes:
                there, gone = self.file_of(take), deleted / take.file
                old, new = (there, gone) if take.deleted is not None else (gone, there)
                if old.exists():
                    old.rename(new)

    def _clear(self, before: Ledger, after: Ledger) -> None:
        """Files of takes that cannot be brought back any more go."""
        numbers = {take.number for take in after.takes}
        for take in before.takes:
            if take.number not in numbers:
                with contextlib.suppress(OSError):
                    (self.path / DELETED / take.file).unlink(missing_ok=True)

    def _write(self, ledger: Ledger) -> None:
        write_atomically(self.path / LEDGER, json_line(asdict(ledger), indent=1))
        write_atomically(self.path / LIST, list_of(ledger))

    @staticmethod
    def _require_own(takes: Collection[Take], who: str, anyone: bool) -> None:
        for take in () if anyone else takes:
            require_owner(take.by, who, f"take {take.number}", "Confirm that this is meant")


def is_recorded(workspace: Workspace, name: str) -> bool:
    """Whether a data set of the workspace was recorded here. One that lies elsewhere is never written to."""
    path = workspace.datasets / name
    return not path.is_symlink() and (path / LEDGER).is_file()


def begun(workspace: Workspace, name: str) -> str:
    """What is there of a recorded set with takes of fewer than two classes, which cannot be read yet, in words; "" for any other."""
    if not is_recorded(workspace, name):
        return ""
    try:
        ledger = RecordedSet(workspace, name).read()
    except DatasetError:  # reading the data set tells of it
        return ""
    there = f"{counted(len(ledger.kept), 'take')} of {counted(len(ledger.classes), 'class', 'classes')}"
    return f"being recorded: {there}" if len({take.label for take in ledger.kept}) < LEAST_CLASSES else ""


def recorded_sets(workspace: Workspace) -> list[RecordedSet]:
    """Those of a workspace, the one that was changed last first."""
    names = [name for name in places_of(workspace) if is_recorded(workspace, name)]
    changed = {name: stamp_of(workspace.datasets / name / LEDGER)[1] for name in names}
    return [RecordedSet(workspace, name) for name in sorted(names, key=changed.__getitem__, reverse=True)]


def _free_name(workspace: Workspace) -> str:
    number, taken = 1, places_of(workspace)
    while f"{NAME}-{number}" in taken:
        number += 1
    return f"{NAME}-{number}"
