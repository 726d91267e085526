"""The former address of Tune: links to it lead there for one version."""

from ui.app import shell

shell.moved("pages/tune.py")
