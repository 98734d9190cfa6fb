"""A process that has the libraries loaded and bears each command as a child: half the time of a command is loading them.

    python -m tests.cli.nursery    # one request per line on stdin, one exit code per line on stdout

A request is JSON: {"arguments": […], "code": …, "environment": {…}, "folder": …}; the folder has the file stdin and gets stdout
and stderr. Either the program runs with the arguments, or the code, after django.setup(). What reads settings is loaded by the child itself, like in any other process.
"""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import django

LIBRARIES = """import os, sys, tempfile
os.environ.update(POSTVAK_DATA=tempfile.mkdtemp(), DJANGO_SETTINGS_MODULE="postvak.settings")
import django; django.setup()
from postvak.cli.commands import add; add('')
ours = ("postvak.mail", "postvak.net")  # they ask no settings
print(*(name for name in sys.modules if name.startswith(ours) or not name.startswith(("postvak", "django.contrib", "allauth", "__"))))"""


def main() -> None:
    load_libraries()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            become(request)
        _pid, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def load_libraries() -> None:
    names = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=True).stdout
    for name in names.split():
        try:
            __import__(name)
        except Exception:  # noqa: BLE001, S112 - it wants settings: the child loads it
            continue


def become(request: dict[str, object]) -> None:
    """Run the program as `python -m postvak` would; never returns."""
    code = 1
    try:
        place(Path(str(request["folder"])))
        os.environ.clear()
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        sys.argv = ["postvak", *request["arguments"]]  # type: ignore[misc]
        run(str(request["code"]))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end of a program
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def run(code: str) -> None:
    if not code:
        from postvak.__main__ import main as program  # noqa: PLC0415 - after the environment

        return program()
    os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
    django.setup()
    exec(code, {"__name__": "__main__"})  # noqa: S102 - a test's own
    return None


def place(folder: Path) -> None:
    """stdin, stdout and stderr are files of the folder."""
    for number, (name, flags) in enumerate(
        (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_CREAT), ("stderr", os.O_WRONLY | os.O_CREAT))
    ):
        opened = os.open(folder / name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - they live as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    main()
