#!/usr/bin/env python3
"""Holds what the rooms of src/ include against the table in docs/architecture.md and against their CMake targets.

A room may include itself and what its row of the table names. The table is the only place that allows anything, so a
new arrow between rooms has to be written down there first.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read_table():
    """The rows `| room | what | may use |` of the page's table of rooms."""
    rooms = {}
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[a-z]+`", cells[0]):
            rooms[cells[0].strip("`")] = set(re.findall(r"`([a-z]+)`", cells[2]))
    return rooms


def cmake_uses(room):
    """What the room's CMake target names after USES."""
    text = (ROOT / "src" / room / "CMakeLists.txt").read_text()
    call = re.search(r"duet_room\(\s*%s\b(.*?)\)" % room, text, re.S)
    uses = set()
    taking = False
    for word in call.group(1).split() if call else []:
        if word.isupper():
            taking = word == "USES"
        elif taking:
            uses.add(word)
    return uses


def includes(room):
    """(file, line, included room) for each include of another room's header."""
    for path in sorted((ROOT / "src" / room).rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([a-z]+)/', line)
            if match and match.group(1) != room:
                yield path.relative_to(ROOT), number, match.group(1)


def problems(rooms):
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    for room in sorted(folders ^ set(rooms)):
        yield f"src/{room}: the table of docs/architecture.md and src/ do not both have this room"
    for room in sorted(folders & set(rooms)):
        for used in sorted(rooms[room] - folders):
            yield f"docs/architecture.md: {room} may use {used}, which is no room"
        for used in sorted(cmake_uses(room) - rooms[room]):
            yield f"src/{room}/CMakeLists.txt: USES {used}, which the table does not allow"
        for path, number, used in includes(room):
            if used in folders and used not in rooms[room]:
                yield f"{path}:{number}: {room} may not include {used}"


def main():
    rooms = read_table()
    found = list(problems(rooms))
    print("\n".join(found))
    # The check itself must be able to fail: where nothing is allowed, everything is wrong.
    if not any("may not include" in problem for problem in problems({room: set() for room in rooms})):
        print("rooms_test.py finds nothing where nothing is allowed")
        return 1
    return 1 if found else 0


sys.exit(main())
