"""What tests of bringing data sets in share: buttons by their labels, looks that are waited for, uploads."""

from __future__ import annotations

from tests.datasets.made import Files

PAGE = "pages/datasets.py"


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def labels(app) -> list[str]:
    return [each.label for each in app.button]


def settled(app):
    """The page once the looks that it has begun are done."""
    for work in list(app.session_state["long-work"].values()) if "long-work" in app.session_state else []:
        work.task._thread.join(30)
    return app.run()


def upload(app, files: Files):
    for name, content in files.items():
        app.file_uploader[0].upload(name, content)
    app.run()
    return settled(app)


def look(app, path: object):
    next(each for each in app.text_input if "this machine" in each.label).set_value(str(path))
    button(app, "Look").click().run()
    return settled(app)
