"""Puts the pages into the wheel, at ``labcore/_app``; everything else about the package stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
APP = ("streamlit_app.py", "pages", "ui", "static", ".streamlit/config.toml")


class BuildWithPages(build_py):
    """Copies the pages as they are: inside, they are no packages, and nothing of them is importable from outside."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # a checkout has them beside the package
            return
        target = Path(self.build_lib, "labcore", "_app")
        shutil.rmtree(target, ignore_errors=True)
        for name in APP:
            source, place = ROOT / name, target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, place)


setup(cmdclass={"build_py": BuildWithPages})
