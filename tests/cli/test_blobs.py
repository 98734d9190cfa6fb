"""`postvak blobs check` and `move`, with the real program and a real HTTP store: complete, verified, resumable."""

import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from postvak.blobs.files import Place
from postvak.blobs.move import is_same
from tests.cli.program import Program
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.servers
counter = itertools.count()


@pytest.fixture
def prefix() -> str:
    return f"move/{next(counter)}"


def fill(program: Program, folder: Path, count: int, **environment: str) -> None:
    """Take in so many large mails, and a small one."""
    mails = folder / f"mails-{count}"
    mails.mkdir()
    for number in range(count):
        noise = random.Random(f"{folder}{number}").randbytes(100_000).hex()
        raw = mail(message_id=f"{number}@x.example", subject=f"Large {number}", text=noise)
        (mails / f"{number}.eml").write_bytes(raw)
    (mails / "small.eml").write_bytes(mail())
    program.ok("ingest", mails, **environment)


def checked(program: Program, code: int = 0, **environment: str) -> dict[str, object]:
    done = program.run("blobs", "check", "--json", **environment)
    assert (done.code, done.err) == (code, ""), done
    found: dict[str, object] = json.loads(done.out)
    return found


def files(program: Program) -> list[Path]:
    return sorted(path for path in (program.data / "blobs").rglob("*") if path.is_file())


def test_check_compares_rows_and_files(program: Program, tmp_path: Path) -> None:
    fill(program, tmp_path, 4)
    good = checked(program)
    assert good == {
        "place": f"files below {program.data / 'blobs'}", "kept": 4, "missing": [], "orphaned": [], "sampled": 4, "corrupt": [],
    }  # fmt: skip
    first, second, third, _ = files(program)
    orphan = third.with_name(third.name[:2] + "0" * 62)
    orphan.write_bytes(b"nobody's")
    assert checked(program)["orphaned"] == [orphan.name], "an orphan does no harm"
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    bad = checked(program, code=1)
    assert (bad["missing"], bad["corrupt"], bad["sampled"]) == ([first.name], [second.name], 3)
    said = program.run("blobs", "check")
    assert said.code == 1
    assert f"Missing: 1.\n  {first.name}" in said.out
    assert "Restore what is missing or damaged from your backup." in said.out


def test_large_contents_move_to_the_bucket_and_back(
    program: Program, tmp_path: Path, s3_server: S3Server, prefix: str
) -> None:
    fill(program, tmp_path, 5)
    before = {path.name: path.read_bytes() for path in files(program)}
    there = s3_server.environment(prefix)
    keys = {name: value for name, value in there.items() if name != "POSTVAK_BLOBS"}
    said = program.ok("blobs", "move", "--to", there["POSTVAK_BLOBS"], **keys)
    assert "5 copied and verified, 0 were there already" in said
    assert f"  POSTVAK_BLOBS={there['POSTVAK_BLOBS']}\n" in said
    assert s3_server.secret not in said
    assert s3_server.objects(prefix) == {f"{prefix}/{name}": content for name, content in before.items()}
    assert checked(program, **there)["kept"] == 5
    for path in files(program):
        path.unlink()
    assert len(checked(program, code=1)["missing"]) == 5  # type: ignore[arg-type]
    said = program.ok("blobs", "move", "--to", "files", **there)
    assert "  POSTVAK_BLOBS=files\n" in said
    assert {path.name: path.read_bytes() for path in files(program)} == before
    assert checked(program)["missing"] == []


def test_a_move_that_is_killed_goes_on_where_it_was(
    program: Program, tmp_path: Path, s3_server: S3Server, prefix: str
) -> None:
    fill(program, tmp_path, 60)
    there = s3_server.environment(prefix)
    keys = {name: value for name, value in there.items() if name != "POSTVAK_BLOBS"}
    command = [sys.executable, "-m", "postvak", "blobs", "move", "--to", there["POSTVAK_BLOBS"]]
    with subprocess.Popen(command, env=program.environment | keys, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: count(s3_server, prefix) > 3, seconds=60, what="the first copies")
        process.kill()
    arrived = count(s3_server, prefix)
    assert arrived < 60, "it was killed too late to prove anything"
    said = program.ok("blobs", "move", "--to", there["POSTVAK_BLOBS"], **keys)
    assert f"{60 - arrived} copied and verified, {arrived} were there already" in said
    assert checked(program, **there) == {
        "place": there["POSTVAK_BLOBS"], "kept": 60, "missing": [], "orphaned": [], "sampled": 60, "corrupt": [],
    }  # fmt: skip


def count(server: S3Server, prefix: str) -> int:
    return int(server.client().list_objects_v2(Bucket="postvak-test", Prefix=prefix)["KeyCount"])


def test_what_is_damaged_or_missing_stops_no_other_and_is_named(
    program: Program, tmp_path: Path, s3_server: S3Server, prefix: str
) -> None:
    fill(program, tmp_path, 4)
    first, second, third, _ = files(program)
    there = s3_server.environment(prefix)
    keys = {name: value for name, value in there.items() if name != "POSTVAK_BLOBS"}
    s3_server.write(f"{prefix}/{third.name}", b"half of it")  # damaged at the target: replaced
    first.unlink()
    second.write_bytes(b"damaged")
    done = program.run("blobs", "move", "--to", there["POSTVAK_BLOBS"], **keys)
    assert done.code == 1
    assert f"{first.name} can't be read where it lies\n" in done.out
    assert "2 copied and verified" in done.out
    assert "2 are missing or damaged" in done.out
    assert checked(program, code=1, **there)["missing"] == sorted([first.name, second.name])
    assert checked(program, code=1, **there)["corrupt"] == []


def test_a_place_that_makes_no_sense_is_one_sentence(program: Program, s3_server: S3Server) -> None:
    for place, said in (("files", "are in files below"), ("ftp://x", "can't be read (POSTVAK_BLOBS)")):
        done = program.run("blobs", "move", "--to", place)
        assert (done.code, done.err.count("\n")) == (1, 1), done
        assert said in done.err
    done = program.run("blobs", "check", **s3_server.environment("x", bucket="missing"))
    assert (done.code, done.err.count("\n")) == (1, 1), done
    assert "There is no bucket missing at" in done.err


def killed_when(command: list[str], environment: dict[str, str], is_time: Callable[[], bool]) -> None:
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_until(is_time, seconds=60, what="the moment to kill it")
        process.kill()


def test_while_mails_come_in_all_moves_is_read_whole_and_leaves_the_former_place(
    program: Program, tmp_path: Path, s3_server: S3Server, prefix: str
) -> None:
    """The whole way, with kill -9 in the middle of copying and of removing."""
    fill(program, tmp_path, 40)
    there = s3_server.environment(prefix)
    keys = {name: value for name, value in there.items() if name != "POSTVAK_BLOBS"}
    move = ["blobs", "move", "--to", there["POSTVAK_BLOBS"]]
    run = [sys.executable, "-m", "postvak"]
    killed_when([*run, *move], program.environment | keys, lambda: count(s3_server, prefix) > 3)
    with subprocess.Popen([*run, *move], env=program.environment | keys, stdout=subprocess.DEVNULL) as moving:
        (tmp_path / "more").mkdir()
        fill(program, tmp_path / "more", 5)
        meanwhile = checked(program)
        assert (meanwhile["missing"], meanwhile["corrupt"]) == ([], []), "what is being moved can be read"
        assert moving.wait(120) == 0
    assert "0 were there already" not in program.ok(*move, **keys), "the last round, while Postvak rests"
    stray = files(program)[0].with_name(files(program)[0].name[:2] + "0" * 62)
    stray.write_bytes(b"somebody else's")
    s3_server.write(f"{prefix}/{files(program)[-1].name}", b"damaged")

    assert len(checked(program, code=1, **there)["corrupt"]) == 1  # type: ignore[arg-type]
    drop = ["blobs", "drop", "--from", "files"]
    killed_when([*run, *drop], program.environment | there, lambda: len(files(program)) < 44)
    said = program.run(*drop, **there)
    assert (said.code, len(files(program))) == (1, 2), said
    assert "1 that belong to no mail of this installation were left there.\n1 were kept: copy them" in said.out
    assert "1 copied and verified" in program.ok(*move, **keys), "what was damaged is still there to be copied again"
    program.ok(*drop, **there)
    assert files(program) == [stray]
    whole = json.loads(program.ok("blobs", "check", "--all", "--json", **there))
    assert (whole["kept"], whole["sampled"], whole["missing"], whole["corrupt"]) == (45, 45, [], [])


def test_nothing_is_dropped_where_the_contents_lie_now(program: Program, tmp_path: Path) -> None:
    fill(program, tmp_path, 1)
    done = program.run("blobs", "drop", "--from", "files")
    assert (done.code, done.err.count("\n")) == (1, 1), done
    assert "nothing is removed there" in done.err
    assert len(files(program)) == 1


def test_nothing_is_dropped_where_the_contents_lie_now_under_another_name(
    program: Program, tmp_path: Path, s3_server: S3Server, prefix: str
) -> None:
    there = s3_server.environment(prefix)
    fill(program, tmp_path, 1, **there)
    done = program.run("blobs", "drop", "--from", there["POSTVAK_BLOBS"].replace("&region=us-east-1", ""), **there)
    assert (done.code, done.err.count("\n")) == (1, 1), done
    assert "nothing is removed there" in done.err
    assert count(s3_server, prefix) == 1, "neither more nor less"


def test_two_paths_to_one_folder_are_one_place(tmp_path: Path) -> None:
    (tmp_path / "present").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "present")
    present = Place(tmp_path / "present")
    assert is_same(Place(tmp_path / "link"), present)
    assert not is_same(Place(tmp_path / "former"), present)
    assert list(present.digests()) == []
