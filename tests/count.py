#!/usr/bin/env python3
"""Counts the tests of a run: count.py RESULTS_FOLDER CTEST_EXIT_CODE. Its last line is `N passed, N failed`.

A googletest program counts by its cases, another one (a script, a crate's tests) as one. A program that failed without
saying which case did (a crash, a timeout) counts as one failure.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main(folder, exit_code):
    passed = failed = 0
    cases_of = {}
    for report in pathlib.Path(folder).glob("*.xml"):
        suite = ElementTree.parse(report).getroot()
        tests, bad = int(suite.get("tests")), int(suite.get("failures")) + int(suite.get("errors", 0))
        disabled = int(suite.get("disabled", 0))
        cases_of[report.stem] = (tests - bad - disabled, bad)
    for program in ElementTree.parse(f"{folder}/ctest.junit").getroot().iter("testcase"):
        broken = program.get("status") != "run" or program.find("failure") is not None
        good, bad = cases_of.get(program.get("name") + "_test", (0 if broken else 1, 0))
        if broken and bad == 0:
            bad = 1
        if bad:
            print(f"test: {program.get('name')} failed")
        passed, failed = passed + good, failed + bad
    if exit_code != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1], int(sys.argv[2])))
