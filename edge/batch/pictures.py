"""The pictures of a part, one after the other: a frame, or the error in its place."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from edge.batch.catalogue.parquet_files import open_parquet, texts_of
from edge.batch.catalogue.reference import Reference, RowGroup
from edge.batch.settings import Work
from edge.batch.storage import is_remote, read_remote, resolve
from edge.errors import ImageUnreadable, SourceError
from edge.frame import Frame
from edge.sources.grammar import Input, Kind, read_picture
from edge.sources.liveness import marked
from edge.sources.network.address import without_password
from edge.sources.pictures import decode_image

DOWNLOADS = 16
"""At the same time, by each process: a server answers in a tenth of a second, the network in a hundredth."""

_ROWS_AT_ONCE = 16

Picture = tuple[str, Callable[[], Frame]]
"""How a picture is called in the answers, and what reads and decodes it. That raises SourceError."""


def pictures_of(references: Iterable[Reference], work: Work) -> Iterator[Picture]:
    """The pictures, as cheap as they can be had: what must be fetched is on its way before it is asked for."""
    waiting: deque[Picture] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for one in references:
            if isinstance(one, RowGroup):
                yield from _rows(one, work)
                continue
            address = resolve(work.base, one)
            if is_remote(address):
                pool = pool or ThreadPoolExecutor(DOWNLOADS, "download")
                waiting.append(_fetched(one, pool.submit(_download, address, work)))
            else:
                waiting.append(_file(one, address))
            if pool is None or len(waiting) > DOWNLOADS:
                yield waiting.popleft()
        yield from waiting
    finally:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def read(picture: Picture) -> Frame | SourceError:
    """A picture's frame, marked if it is black, as `classify` has it; or why there is none."""
    try:
        return marked(picture[1]())
    except SourceError as error:
        return error


def _file(name: str, path: str) -> Picture:
    def open_it() -> Frame:
        frame = read_picture(Input(Kind.IMAGE, path))
        return frame if path == name else replace(frame, source=name)

    return name, open_it


def _fetched(address: str, coming: Future[tuple[bytes, float]]) -> Picture:
    name = without_password(address)

    def open_it() -> Frame:
        content, spent_s = coming.result()
        return _decoded(content, name, spent_s)

    return name, open_it


def _download(address: str, work: Work) -> tuple[bytes, float]:
    began = time.monotonic()
    content = read_remote(address, work.settings.network, work.settings.s3)
    return content, time.monotonic() - began


def _decoded(content: bytes, name: str, spent_s: float = 0.0) -> Frame:
    began = time.monotonic()
    pixels = decode_image(content, name)
    now = time.monotonic()
    return Frame(pixels, name, 0, now, (now - began + spent_s) * 1e3)


def _rows(group: RowGroup, work: Work) -> Iterator[Picture]:
    """The pictures of a row group. Where a page is damaged, an error for each of the rows that are left."""
    row = group.first_row
    try:
        for name, content in _values(group, work):
            yield _row(name or f"{group.file}#{row}", content)
            row += 1
    except SourceError as error:
        for number in range(row, group.first_row + group.rows):
            yield f"{group.file}#{number}", _raising(error)


def _values(group: RowGroup, work: Work) -> Iterator[tuple[str | None, bytes | None]]:
    columns = [group.column] + [group.id_column] * (group.id_column is not None)
    with open_parquet(resolve(work.base, group.file), work.settings.s3) as opened:
        if opened.metadata.serialized_size != group.size:
            raise ImageUnreadable(f"{group.file} is another file than the one that was listed", "a new folder: -o")
        for batch in opened.iter_batches(_ROWS_AT_ONCE, row_groups=[group.group], columns=columns, use_threads=False):
            names = [None] * len(batch)
            if group.id_column is not None:
                names = batch.column(group.id_column).to_pylist()
            for name, content in zip(names, texts_of(batch, group.column), strict=True):
                yield None if name is None else str(name), content


def _row(name: str, content: bytes | None) -> Picture:
    return name, lambda: _decoded(content or b"", name)


def _raising(error: SourceError) -> Callable[[], Frame]:
    def raise_it() -> Frame:
        raise error

    return raise_it
