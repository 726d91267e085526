import sys

from labcore.loading import quick_exit


def work() -> int:
    """Loads what it needs only now, so that the exit functions of all of that run."""
    from labcore.jobs.process import main

    return main()


if __name__ == "__main__":
    sys.exit(quick_exit(work))
