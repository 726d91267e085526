"""``python -m labcore.container [app | worker | jupyter | tensorboard | COMMAND …]``: the entry point of the image."""

import sys

from labcore.container.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
