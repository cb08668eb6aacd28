"""Pictures become answers, in order; in the place of a picture that cannot be read stands its error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from edge.choices import Rotation
from edge.errors import SourceError
from edge.inference.small_pictures import classify_together
from edge.sources.grammar import open_source, read_picture
from edge.sources.liveness import mark_unusable, marked
from edge.stream.batches import MOST, batches

if TYPE_CHECKING:
    from edge.frame import Frame, Prediction
    from edge.inference.classifier import Classifier
    from edge.sources.grammar import Input
    from edge.sources.settings import SourceSettings
    from edge.stream.pipeline import FrameFilter

Item = TypeVar("Item")


def answer_pictures(
    pictures: Sequence[Input],
    classifier: Classifier,
    through: FrameFilter,
    settings: SourceSettings,
    most: int = MOST,
) -> Iterator[list[Prediction | SourceError]]:
    """An answer or an error for each input, which is one picture; of small pictures up to so many are answered at once.

    Raises what the classifier raises.
    """
    for frames in _ahead(batches(_read(pictures, through, settings), most), pictures):
        yield _answers(frames, classifier)


def _answers(frames: Sequence[Frame | SourceError], classifier: Classifier) -> list[Prediction | SourceError]:
    answers = iter(classify_together(classifier, [frame for frame in frames if not isinstance(frame, SourceError)]))
    return [frame if isinstance(frame, SourceError) else next(answers) for frame in frames]


def frames_of_pictures(
    pictures: Sequence[Input], through: FrameFilter, settings: SourceSettings
) -> Iterator[Frame | SourceError]:
    """A frame or an error for each input that is one picture; while one is in use, the next may be read."""
    return _ahead(_read(pictures, through, settings), pictures)


def _ahead(items: Iterator[Item], pictures: Sequence[Input]) -> Iterator[Item]:
    if len(pictures) == 1:
        return items
    from edge.sources.read_ahead import read_ahead

    return read_ahead(items)


def _read(pictures: Iterable[Input], through: FrameFilter, settings: SourceSettings) -> Iterator[Frame | SourceError]:
    turns = settings.rotation is not Rotation.NONE or settings.flip is not None
    for picture in pictures:
        try:
            if turns:
                with open_source(picture, settings) as frames:
                    yield from through(mark_unusable(frames))
            else:
                yield from through((marked(read_picture(picture)),))
        except SourceError as error:
            yield error


def reported(items: Iterable[Frame | SourceError], report: Callable[[SourceError], None]) -> Iterator[Frame]:
    """The frames; an error is reported when its turn comes."""
    for item in items:
        if isinstance(item, SourceError):
            report(item)
        else:
            yield item
