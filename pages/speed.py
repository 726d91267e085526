"""The former address of Benchmark: links to it lead there for one version."""

from ui.app import shell

shell.moved("pages/benchmark.py")
