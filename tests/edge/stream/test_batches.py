"""Batches keep the order, lose nothing, and make nobody wait for a slow source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.stream.batches import batches

FOREVER_S = 1e9


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 9])
def test_order_and_number(count: int) -> None:
    found = list(batches(range(count), most=4, within_s=FOREVER_S))
    assert [item for batch in found for item in batch] == list(range(count))
    assert all(len(batch) == 4 for batch in found[:-1])
    assert all(1 <= len(batch) <= 4 for batch in found)


def test_what_comes_slowly_is_passed_on_at_once() -> None:
    made: list[int] = []

    def slowly() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    for number, batch in enumerate(batches(slowly(), within_s=0.0)):
        assert batch == [number]
        assert len(made) == number + 1


def test_an_error_passes_behind_whole_batches() -> None:
    def broken() -> Iterator[int]:
        yield from (1, 2, 3)
        raise LookupError

    found = batches(broken(), most=2, within_s=FOREVER_S)
    assert next(found) == [1, 2]
    with pytest.raises(LookupError):
        next(found)
