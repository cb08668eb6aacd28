"""Makes tables of a result and of a comparison: a terminal of 80 columns shows them, or an issue as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.bench.pictures import Pictures
from edge.bench.start import NotStarted, Start

if TYPE_CHECKING:
    from edge.bench.comparison import Comparison
    from edge.bench.correctness import Correctness
    from edge.bench.result import Measured, ModelIdentity, Result
    from edge.bench.spread import Repeated
    from edge.board.conditions import Conditions
    from edge.board.description import Board

_SIZES = {Pictures.PHOTO: "photo 640x480", Pictures.PICTURE: "picture 28x28"}


@dataclass(frozen=True, slots=True)
class Table:
    """Some lines, and a table under them, which may have no rows."""

    lines: Sequence[str]
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def tables_of(result: Result) -> Iterator[Table]:
    """All of a result: the machine, then each model's stages, frames a second, answers and start; last the warnings."""
    yield Table(list(_machine(result)))
    for model in result.models:
        measured = [one for one in result.measured if one.model == model.name]
        yield Table([_title(model, measured), *_refused(result, model.name)])
        if any(one.speeds for one in measured):
            yield _stages(measured)
            yield _rates(measured)
        if any(one.correctness or one.starts for one in measured):
            yield _answers_and_start(measured)
    if result.interrupted:
        yield Table(["interrupted: this is what there was by then"])
    if result.warnings:
        yield Table([f"warning: {one}" for one in result.warnings])


def tables_of_comparison(comparison: Comparison) -> Iterator[Table]:
    """The ratios, then what else differs."""
    header = ("model", "backend", "what", "first", "second", "ratio")
    rows = [
        (
            row.model,
            row.backend,
            f"{row.course}: {row.figure}",
            f"{row.first:.4g}",
            f"{row.second:.4g}",
            ("-" if row.ratio is None else f"{row.ratio:.2f}") + (" ~" if row.within_noise else ""),
        )
        for row in comparison.rows
    ]
    yield Table(
        ["ratio: second over first; ~ within the rounds' noise"] if rows else ["no figure in common"], header, rows
    )
    if comparison.only_first or comparison.only_second:
        yield Table([f"figures that only one has: {comparison.only_first} and {comparison.only_second}"])
    if comparison.differences:
        differing = [(one.what, one.first, one.second) for one in comparison.differences]
        yield Table(["not the same:"], ("", "first", "second"), differing)
    warnings = [f"warning, first: {one}" for one in comparison.warnings_first]
    warnings += [f"warning, second: {one}" for one in comparison.warnings_second]
    if warnings:
        yield Table(warnings)


def as_markdown(table: Table) -> Iterator[str]:
    """A table's lines for a page that knows Markdown."""
    yield from (f"{line}  " for line in table.lines)
    if not table.rows:
        return
    yield ""
    yield _markdown_row(table.header)
    yield _markdown_row(["---", *("---:" for _ in table.header[1:])])
    yield from map(_markdown_row, table.rows)


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _machine(result: Result) -> Iterator[str]:
    board, software = result.board, result.software
    yield f"{board.model or 'machine of unknown model'}: {_processor(board)}"
    system = f"{board.system}, " if board.system else ""
    yield f"{system}kernel {board.kernel}, {board.machine}, {board.bits}-bit Python {software.python}"
    yield f"fmnist-edge {software.fmnist_edge}, NumPy {software.numpy}, OpenCV {software.opencv}"
    yield f"before: {_conditions(result.before)}"
    yield f"after:  {_conditions(result.after)}"


def _processor(board: Board) -> str:
    cores = (
        f"{board.cores} cores" if board.usable_cores == board.cores else f"{board.usable_cores} of {board.cores} cores"
    )
    parts = [f"{cores} {board.processor or 'of unknown kind'}"]
    if board.cpu_quota is not None:
        parts.append(f"limited to {board.cpu_quota:g} cores' time")
    if board.memory_mb is not None:
        parts.append(f"{board.memory_mb / 1000:.1f} GB")
    if board.governor is not None:
        parts.append(board.governor)
    if board.frequency_mhz is not None:
        parts.append(f"up to {board.frequency_mhz} MHz")
    return ", ".join(parts)


def _conditions(at: Conditions) -> str:
    throttled = at.throttled_now
    parts = [
        "temperature not known" if at.temperature_c is None else f"{at.temperature_c:.0f} °C",
        None if at.frequency_mhz is None else f"{at.frequency_mhz} MHz",
        "throttling not known" if throttled is None else ", ".join(throttled) or "not throttled",
        None if at.load is None else f"load {at.load:.2f}",
        "on battery" if at.on_battery else None,
    ]
    return ", ".join(part for part in parts if part is not None)


def _title(model: ModelIdentity, measured: Sequence[Measured]) -> str:
    views = f", at most {measured[0].views} views of a garment" if measured else ""
    return f"{model.name} ({model.bytes / 1000:,.0f} KB, sha256 {model.sha256[:12]}){views}"


def _refused(result: Result, model: str) -> Iterator[str]:
    for one in result.not_measured:
        if one.model == model:
            yield f"  not measured: {one.backend}, {one.cause}"


def _stages(measured: Sequence[Measured]) -> Table:
    """Backends below each other for each stage; of the courses with the fewest threads."""
    rows: list[tuple[str, ...]] = []
    for pictures in Pictures:
        found = [(one.backend.value, speed) for one in measured if (speed := one.speed_of(pictures)) is not None]
        for stage in dict.fromkeys(stage for _, speed in found for stage in speed.stages_ms):
            at = [(backend, speed.stages_ms[stage]) for backend, speed in found]
            rows += [
                (f"{pictures} {stage}", backend, *map(_ms, (ms.p50, ms.p95, ms.p99)), "", "") for backend, ms in at
            ]
        for number, (_, speed) in enumerate(found, len(rows) - len(found)):
            rows[number] = (*rows[number][:-2], _ms(speed.noise_ms.mad), str(speed.frames))
        rows += [
            (f"{pictures} processor", backend, _ms(speed.cpu_ms.median), "", "", _ms(speed.cpu_ms.mad), "")
            for backend, speed in found
        ]
    threads = min(speed.threads for one in measured for speed in one.speeds)
    title = f"ms a frame, --threads {threads}; {', '.join(_SIZES.values())}"
    return Table([title], ("", "backend", "p50", "p95", "p99", "± rounds", "frames"), rows)


def _ms(value: float) -> str:
    return f"{value:.2f}"


def _rates(measured: Sequence[Measured]) -> Table:
    counts = sorted({speed.threads for one in measured for speed in one.speeds})
    rows = []
    for pictures in Pictures:
        for one in measured:
            rates = {speed.threads: speed.frames_per_s for speed in one.speeds if speed.pictures is pictures}
            if rates:
                rows.append((pictures.value, one.backend.value, *_cells(rates, counts)))
    for one in measured:
        if one.folders:
            rates = {rate.threads: rate.photos_per_s for rate in one.folders}
            rows.append(("folder of photos", one.backend.value, *_cells(rates, counts)))
    return Table(["frames a second by --threads"], ("", "backend", *map(str, counts)), rows)


def _cells(rates: Mapping[int, Repeated], counts: Sequence[int]) -> list[str]:
    """A rate for each number of threads."""
    return [f"{rates[n].median:.1f} ± {rates[n].mad:.1f}" if n in rates else "-" for n in counts]


def _answers_and_start(measured: Sequence[Measured]) -> Table:
    rows = [
        (one.backend.value, *_answers(one.correctness), *(_started(one, pictures) for pictures in Pictures), _peak(one))
        for one in measured
    ]
    images = max(one.correctness.images if one.correctness else 0 for one in measured)
    header = ("backend", f"right of {images}" if images else "right", "answers", "start photo", "start picture", "peak")
    reasons = {start.reason for one in measured for start in one.starts.values() if isinstance(start, NotStarted)}
    lines = [f"start and memory not measured: {reason}" for reason in sorted(reasons)]
    return Table(["answers, and the whole process of classify FILE --model --backend", *lines], header, rows)


def _answers(found: Correctness | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return f"{found.accuracy:.1%} ({100 * found.low:.0f}-{100 * found.high:.0f})", found.verdict.value


def _started(one: Measured, pictures: Pictures) -> str:
    start = one.starts.get(pictures)
    return f"{start.ms.median:.0f} ± {start.ms.mad:.0f} ms" if isinstance(start, Start) else "-"


def _peak(one: Measured) -> str:
    peaks = [start.peak_mb for start in one.starts.values() if isinstance(start, Start)]
    return f"{max(peaks):.0f} MB" if peaks else "-"
