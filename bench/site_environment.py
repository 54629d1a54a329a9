"""The build folder of a benchmark, its first argument, as the tests' fixtures want to know it: to be imported before them."""

import os
import pathlib
import sys

BUILD = pathlib.Path(sys.argv[1]).resolve()
SOURCE = pathlib.Path(__file__).resolve().parent.parent
os.environ["DUET_BUILD_DIR"] = str(BUILD)
os.environ["DUET_SOURCE_DIR"] = str(SOURCE)
sys.path.insert(0, str(SOURCE / "tests"))
