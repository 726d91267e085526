"""``labcore runs`` rename, tag, note, star, archive, delete, restore: what people say of runs, and where they put them."""

from __future__ import annotations

import argparse
from typing import Any

from labcore.catalogue.rows import parts_of
from labcore.catalogue.trash import forget, open_deleted, open_listed, remove, restore
from labcore.cli.jobs import own, sure_to_delete
from labcore.cli.output import DONE, say
from labcore.cli.parser import Parser, add_anyone, runs_named
from labcore.errors import RunError
from labcore.jobs.about import change_about, read_about, tagged
from labcore.jobs.folder import JobFolder
from labcore.jobs.listing import discard
from labcore.jobs.manager import JobManager
from labcore.jobs.trash import KEPT_DAYS
from labcore.owners import require_owner, shell_user
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

THING = "id of a run, cross-validation or search or a part of it, its name, or the word last"


def add_flags(actions: dict[str, Parser]) -> None:
    for name in ACTIONS:
        if name in ("rename", "tag", "note"):
            actions[name].add_argument("thing", metavar="RUN", help=THING)
        else:
            actions[name].add_argument("things", metavar="RUN", nargs="+", help=THING)
        add_anyone(actions[name], name)
    actions["rename"].add_argument("name", metavar="NAME", help="the name; it is accepted wherever an id is")
    actions["tag"].add_argument("tags", metavar="TAG", nargs="+", help="one or several tags")
    actions["tag"].add_argument("--remove", action="store_true", help="remove these tags")
    actions["note"].add_argument("text", metavar="TEXT", help="the note")
    actions["star"].add_argument("--off", action="store_true", help="take the star away")


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    names = [arguments.thing] if "thing" in vars(arguments) else arguments.things
    for job in own([open_listed(workspace, name) for name in names], arguments, arguments.action):
        before = job.name
        about = change_about(job.path, **_changes(job, arguments))
        match arguments.action:
            case "rename":
                say(f"{job.id}: {before} is called {job.name} now")
            case "tag":
                say(f"{job.id}: {', '.join(about.tags) or 'no tags'}")
            case "note":
                say(f"{job.id}: {'noted' if about.note else 'no note'}")
            case "star":
                say(f"{job.id}: {'a star' if about.star else 'no star'}")
            case _:
                say(f"{job.id} is {'archived' if about.archived else 'in the list again'}")
    return DONE


def _changes(job: JobFolder, arguments: argparse.Namespace) -> dict[str, Any]:
    match arguments.action:
        case "rename":
            return {"name": arguments.name}
        case "tag":
            words = [tag for word in arguments.tags for tag in word.split(",")]
            return {"tags": tagged(read_about(job.path), **{"remove" if arguments.remove else "add": words})}
        case "note":
            return {"note": arguments.text}
        case "star":
            return {"star": not arguments.off}
    return {"archived": arguments.action == "archive"}


def restore_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    things = [open_deleted(workspace, name) for name in arguments.things]
    for thing in things:
        if not arguments.anyone:
            owner = type(thing.job)(thing.path).owner
            require_owner(owner, shell_user(), thing.job.title, "Add --anyone to restore it anyway")
    for thing in things:
        back = restore(workspace, thing)
        more = f" and {counted(len(back) - 1, 'run')} of it" if len(back) > 1 else ""
        say(f"restored {thing.job.id}{more}")
    return DONE


def delete(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Delete runs, or what consists of runs with these; what cannot be read too; with ``--for-good`` also what is in the trash."""
    broken = {each.name: each for each in Run.unreadable(workspace)}
    names = runs_named(arguments)
    strays = [broken[name] for name in names if name in broken]
    chosen, gone = list[JobFolder](), []
    for name in names:
        if name in broken:
            continue
        try:
            chosen.append(open_listed(workspace, name))
        except RunError:
            if not arguments.for_good:
                raise
            gone.append(open_deleted(workspace, name))
    parts = [part for job in chosen for part in parts_of(job)]
    own([*chosen, *parts, *(type(thing.job)(thing.path) for thing in gone)], arguments, "delete")
    listed = (
        [job.id + _with_parts(job) for job in chosen]
        + [each.name for each in strays]
        + [thing.job.id for thing in gone]
    )
    refused = sure_to_delete(listed, arguments.yes, for_good=arguments.for_good or bool(strays))
    if refused is not None:
        return refused
    manager = JobManager(workspace, background=False)
    for job in chosen:
        remove(manager, job, by=shell_user(), for_good=arguments.for_good)
        say(f"deleted {job.id}" + ("" if arguments.for_good else f"; `labcore runs restore {job.id}` brings it back"))
    for stray in strays:
        discard(stray)
        say(f"deleted {stray.name}")
    for thing in gone:
        forget(workspace, thing)
        say(f"deleted {thing.job.id}")
    manager.close()
    return DONE


def _with_parts(job: JobFolder) -> str:
    parts = parts_of(job)
    return f" with its {counted(len(parts), 'run')}" if parts else ""


ACTIONS = {
    "rename": (run, "give a run, cross-validation or search a name; an empty one brings back its own"),
    "tag": (run, "add tags to a run, or remove them"),
    "note": (run, "write a note about a run; an empty one removes it"),
    "star": (run, "give runs a star, or take it away"),
    "archive": (run, "put runs out of sight; nothing of them is removed"),
    "unarchive": (run, "bring archived runs back into the list"),
    "restore": (restore_named, f"bring back runs that were deleted within the last {KEPT_DAYS:.0f} days"),
}
"""Second words of the command, each with what it does and its help."""
