"""labcore: audio classification on a GPU, from clip to trained classifier.

The package needs no browser: the pages in ``pages/``, the command line in :mod:`labcore.cli` and background jobs all call
the same functions. Importing ``labcore`` itself imports neither torch nor streamlit.
"""

__version__ = "0.1.0"
