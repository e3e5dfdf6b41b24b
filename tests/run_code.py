"""Runs code on the database of its environment: `python -m tests.run_code CODE`."""

import sys

if __name__ == "__main__":
    exec(sys.argv[1])  # the code is the tests' own
