"""Every kind of catalogue: each picture is answered once, and what cannot be read is a failure with its reason."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from pyarrow.fs import S3FileSystem

from edge.batch import storage
from edge.batch.settings import S3Settings
from edge.choices import BatchFormat
from edge.errors import BadOption, ImageUnreadable, SourceDenied, SourceError, SourceNotFound
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.output.sinks import as_json
from edge.sources.grammar import frames_of, parse_sources
from edge.sources.network import http_request
from tests.edge.batch.batches import lasting, rows, run, settings, sources, write_pictures
from tests.edge.batch.pictures_server import JPEG, pictures_server
from tests.edge.service.doctor.planted import as_nobody, open_to_all
from tests.edge.tables import SAMPLES

PICTURES = 40


@pytest.fixture(scope="module")
def tiny() -> Classifier:
    model = read_model("tiny")
    return open_classifier(model, open_interpreter(model), views=6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "pictures", PICTURES)
    return tmp_path / "pictures"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with pictures_server() as (address, _):
        yield address


@pytest.mark.parametrize("form", list(BatchFormat))
def test_a_folder_has_the_answers_of_classify(folder: Path, out: Path, form: BatchFormat, tiny: Classifier) -> None:
    """Photos and small pictures, in sub-folders; hidden files and others are left out."""
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "odd" / "notes.txt").write_text("nothing")
    (folder / "photo.jpg").write_bytes(JPEG)
    outcome = run(folder, out, settings(form))
    frames = frames_of(parse_sources([str(folder)]), on_failure=lambda error: pytest.fail(str(error)))
    expected = [as_json(tiny(frame), 3) for frame in frames]
    assert lasting(rows(out)) == lasting(sorted(expected, key=lambda row: str(row["source"])))
    assert (outcome.answered, outcome.failed, outcome.listed.pictures) == (PICTURES + 1, 0, PICTURES + 1)
    assert list((out / "failures").iterdir()) == []
    assert not (out / "plan").exists()


def test_pictures_that_cannot_be_read_have_a_table(folder: Path, out: Path) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "torn.jpg").write_bytes(JPEG[:-900])
    outcome = run(folder, out)
    assert (outcome.answered, outcome.failed) == (PICTURES, 2)
    failures = rows(out, "failures")
    assert [Path(row["source"]).name for row in failures] == ["empty.png", "torn.jpg"]
    assert {row["error"] for row in failures} == {"ImageUnreadable"}
    assert "truncated" in failures[1]["message"]


def test_a_list_is_relative_to_its_folder_and_repeats_nothing(folder: Path, out: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    listed = [*names, "", names[3], str(folder / names[0]), "missing.png", names[3]]
    (folder / "list.txt").write_text("\ufeff" + "\r\n".join(listed), "utf-8")
    outcome = run(folder / "list.txt", out)
    assert (outcome.listed.repeated, outcome.listed.blank) == (2, 1)
    assert sources(out) == sorted([*names, str(folder / names[0])])  # another way to write it is another address
    assert sources(out, "failures") == ["missing.png"]
    assert rows(out, "failures")[0]["error"] == "SourceNotFound"


def test_a_name_that_is_no_utf8_is_spelt_out(folder: Path, out: Path) -> None:
    odd = os.fsencode(folder) + b"/caf\xe9.png"
    Path(os.fsdecode(odd)).write_bytes(SAMPLES["bag"].read_bytes())
    (folder / "list.txt").write_bytes(odd + b"\n")
    run(folder / "list.txt", out)
    assert [Path(one).name for one in sources(out)] == ["caf\\udce9.png"]


def test_a_column_of_a_csv(folder: Path, out: Path) -> None:
    names = sorted(str(path) for path in folder.rglob("*.png"))
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["sku", "url"], *([number, name] for number, name in enumerate(names)), ["short"]])
    outcome = run(folder / "list.csv", out, column="url")
    assert sources(out) == names
    assert outcome.listed.blank == 1


def test_addresses_of_a_web_server(server: str, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not had says why; a server that is busy is asked again; a password is used and not written down."""
    monkeypatch.setattr(storage, "RETRY_WAITS_S", (0.05,))
    monkeypatch.setattr(http_request, "TIMEOUT_S", 3.0)
    failing = [f"{server}/{name}" for name in ("missing.png", "truncated.jpg", "page", "slow.png", "broken.png")]
    login = server.replace("http://", "http://shop:secret@") + "/photo.jpg"
    good = [*(f"{server}/bag/{number}.png" for number in range(25)), f"{server}/busy.png", f"{server}/photo.jpg?2"]
    (tmp_path / "list.txt").write_text("\n".join([*failing, *good[:-1], login, "http://127.0.0.1:9/refused.png"]))
    run(tmp_path / "list.txt", out)
    assert sources(out) == sorted([*good[:-1], f"{server}/photo.jpg"])
    failed = {row["source"].rpartition("/")[2]: row["message"] for row in rows(out, "failures")}
    assert sorted(failed) == ["broken.png", "missing.png", "page", "refused.png", "slow.png", "truncated.jpg"]
    for name, reason in (("missing", "404"), ("broken", "503"), ("refused", "does not answer"), ("slow", "not answer")):
        assert reason in failed[f"{name}.png"]
    assert "web page" in failed["page"]
    assert "secret" not in str(rows(out) + rows(out, "failures"))


def write_parquet(path: Path, columns: dict[str, pa.Array], rows_a_group: int = 7) -> Path:
    pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=rows_a_group)
    return path


BYTES = [path.read_bytes() for path in SAMPLES.values()]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), "struct"])
def test_bytes_in_parquet(tmp_path: Path, out: Path, kind: object) -> None:
    values: list[bytes | None] = [*BYTES, None, b"no picture", *BYTES]
    as_hugging_face_has_it = [{"bytes": one, "path": None} for one in values]
    array = pa.array(as_hugging_face_has_it) if kind == "struct" else pa.array(values, kind)
    file = write_parquet(tmp_path / "table.parquet", {"image": array, "n": pa.array(range(len(values)))})
    outcome = run(file, out, part_size=5)
    assert (outcome.answered, outcome.failed, outcome.listed.parts) == (20, 2, 4)
    assert sources(out, "failures") == [f"{file}#10", f"{file}#11"]
    answers = {row["source"]: row for row in lasting(rows(out))}
    assert {**answers[f"{file}#3"], "source": ""} == {**answers[f"{file}#15"], "source": ""}


def test_parquet_files_of_a_folder_named_by_a_column(tmp_path: Path, out: Path) -> None:
    (tmp_path / "tables").mkdir()
    for number in range(3):
        names = pa.array([f"sku-{number}-{one}" for one in range(10)])
        write_parquet(tmp_path / "tables" / f"{number}.parquet", {"sku": names, "image": pa.array(BYTES)})
    run(tmp_path / "tables", out, column="image", id_column="sku")
    assert sources(out) == [f"sku-{number}-{one}" for number in range(3) for one in range(10)]


def test_addresses_in_parquet(folder: Path, out: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    file = write_parquet(folder / "list.parquet", {"url": pa.array([*names, None, names[0]]), "n": pa.array(range(42))})
    outcome = run(file, out)  # the only column that can be meant
    assert sources(out) == names
    assert (outcome.listed.repeated, outcome.listed.blank) == (1, 1)


def test_a_damaged_page_costs_its_own_rows(tmp_path: Path, out: Path) -> None:
    file = write_parquet(tmp_path / "table.parquet", {"image": pa.array(BYTES * 3)}, 10)
    chunk = pyarrow.parquet.ParquetFile(file).metadata.row_group(1).column(0)
    content = bytearray(file.read_bytes())
    content[chunk.data_page_offset : chunk.data_page_offset + 60] = bytes(60)
    file.write_bytes(content)
    outcome = run(file, out, part_size=10)
    assert (outcome.answered, outcome.failed) == (20, 10)
    assert sources(out, "failures") == [f"{file}#{row}" for row in range(10, 20)]


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Settings]:
    """A real server that speaks S3, with pictures, a list and a table."""
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        at = S3Settings(f"http://127.0.0.1:{port}", "us-east-1")
        S3FileSystem(endpoint_override=at.endpoint, region=at.region, allow_bucket_creation=True).create_dir("shop")
        files = storage.file_system(at)
        for number in range(12):
            content = BYTES[number % 10] if number else b"no picture"
            with files.open_output_stream(f"shop/2026/{number % 3}/{number:02}.png") as stream:
                stream.write(content)
        yield at
        server.stop()


def test_a_bucket(bucket: S3Settings, out: Path) -> None:
    outcome = run("s3://shop/2026", out, settings(s3=bucket))
    assert (outcome.answered, outcome.failed) == (11, 1)
    assert sources(out) == sorted(f"s3://shop/2026/{number % 3}/{number:02}.png" for number in range(1, 12))
    assert sources(out, "failures") == ["s3://shop/2026/0/00.png"]


@pytest.mark.parametrize("suffix", ["txt", "csv", "parquet"])
def test_a_list_in_a_bucket(bucket: S3Settings, out: Path, tmp_path: Path, suffix: str) -> None:
    """Its addresses may be relative, of the bucket, or elsewhere."""
    names = ["0/03.png", "s3://shop/2026/1/04.png", str(SAMPLES["coat"]), "s3://shop/2026/1/none.png"]
    if suffix == "parquet":
        content = write_parquet(tmp_path / "list.parquet", {"url": pa.array(names)}).read_bytes()
    else:
        content = "\n".join(["url"] * (suffix == "csv") + names).encode()
    with storage.file_system(bucket).open_output_stream(f"shop/2026/list.{suffix}") as stream:
        stream.write(content)
    run(f"s3://shop/2026/list.{suffix}", out, settings(s3=bucket))
    assert sources(out) == sorted(names[:3])
    assert [(row["source"], row["error"]) for row in rows(out, "failures")] == [(names[3], "SourceNotFound")]


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("s3://shop/nothing/", SourceNotFound, "nothing"),
        ("s3://no-such-bucket/", SourceNotFound, "nothing there"),
        ("s3://shop/nothing.parquet", SourceNotFound, "nothing there"),
    ],
)
def test_a_bucket_without_it(bucket: S3Settings, out: Path, source: str, error: type[SourceError], said: str) -> None:
    with pytest.raises(error, match=said):
        run(source, out, settings(s3=bucket))


def test_a_server_that_is_not_there(out: Path) -> None:
    with pytest.raises(SourceError, match="s3://shop"):
        run("s3://shop/", out, settings(s3=S3Settings("http://127.0.0.1:9", "us-east-1", anonymous=True)))


def test_what_is_wrong_with_a_source_is_said_and_leaves_nothing(folder: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "two.csv").write_text("sku,url\n1,x.png\n")
    (tmp_path / "none.csv").write_text("")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    table = write_parquet(tmp_path / "table.parquet", {"image": pa.array(BYTES), "n": pa.array(range(10))})
    both = write_parquet(tmp_path / "both.parquet", {"image": pa.array(BYTES), "url": pa.array(["x"] * 10)})
    wrong: list[tuple[object, dict[str, str], type[Exception], str]] = [
        (tmp_path / "nothing", {}, SourceNotFound, "no such file"),
        (tmp_path / "two.csv", {}, BadOption, "has the columns sku, url"),
        (tmp_path / "two.csv", {"column": "link"}, BadOption, "no column link"),
        (tmp_path / "two.csv", {"column": "url", "id_column": "sku"}, BadOption, "--id-column is for Parquet"),
        (tmp_path / "none.csv", {}, BadOption, "is empty"),
        (tmp_path / "torn.parquet", {}, ImageUnreadable, "no whole Parquet"),
        (table, {"column": "picture"}, BadOption, "no column picture"),
        (table, {"column": "n"}, BadOption, "holds int64"),
        (table, {"column": "image", "id_column": "sku"}, BadOption, "no column sku"),
        (both, {}, BadOption, "has the columns image, url"),
        (both, {"column": "url", "id_column": "image"}, BadOption, "addresses name themselves"),
        (folder, {"column": "image"}, SourceNotFound, "no Parquet files"),
        (folder, {"id_column": "sku"}, BadOption, "without --column"),
        (SAMPLES["bag"], {}, BadOption, "one picture"),
        ("http://127.0.0.1/list.txt", {}, BadOption, "one address"),
    ]
    for source, options, error, said in wrong:
        with pytest.raises(error, match=said):
            run(source, out, **options)
        assert not out.exists()
    for empty in (tmp_path / "empty", tmp_path / "blank.txt"):
        (tmp_path / "blank.txt").write_text("\n\n")
        with pytest.raises(SourceNotFound, match="holds no pictures"):
            run(empty, out)
    run(folder, out)  # a folder in which nothing was begun is taken for another source


def test_what_is_no_text_is_no_list(out: Path, tmp_path: Path) -> None:
    (tmp_path / "list.bin").write_bytes(b"a.png\n\0\1\2")
    with pytest.raises(ImageUnreadable, match="no list of addresses"):
        run(tmp_path / "list.bin", out)


def test_a_list_that_may_not_be_read() -> None:
    with open_to_all() as folder:
        (folder / "list.txt").write_text("a.png")
        (folder / "list.txt").chmod(0)
        with as_nobody(), pytest.raises(SourceDenied):
            run(folder / "list.txt", folder / "out")
