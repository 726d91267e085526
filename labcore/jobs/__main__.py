import sys

from labcore.jobs.process import main

if __name__ == "__main__":
    sys.exit(main())
