import sys

from labcore.jobs.process import main
from labcore.loading import quick_exit

if __name__ == "__main__":
    sys.exit(quick_exit(main))
