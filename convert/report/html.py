"""The report of a conversion as one HTML file that needs nothing else: for the person who decides to ship it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from convert.report import figures
from convert.report.most_changed import of_how_many
from convert.report.outcome import target_lines, verdict
from convert.tflite.manifest import versions

if TYPE_CHECKING:
    from convert.report.outcome import Outcome

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1 {{ margin-bottom: 0; }} h2 {{ margin-top: 2.5rem; border-bottom: 1px solid #ccc; }}
.verdict {{ padding: .6rem 1rem; border-left: .5rem solid {colour}; background: #f4f4f4; font-size: 1.1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }} .wide {{ overflow-x: auto; }}
th, td {{ padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #eee; }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums; }} tr.chosen {{ font-weight: bold; }}
code, pre {{ background: #f4f4f4; overflow-wrap: anywhere; white-space: pre-wrap; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


_CHOSEN = ' class="chosen"'


def to_html(outcome: Outcome) -> bytes:
    """The report, UTF-8; without folders, so that it can be published."""
    parity = outcome.parity
    sections = [
        f'<p class="verdict">{escape(verdict(outcome, outcome.settings.model_path.name))}</p>',
        _summary(outcome),
        *(f"<p>Note: {escape(note)}</p>" for note in outcome.notes),
        "<h2>Where it runs</h2><ul>" + "".join(f"<li>{escape(line)}</li>" for line in target_lines(outcome)) + "</ul>",
        f"<h2>Class by class{of_how_many(parity.float_run)}</h2>"
        + figures.per_class(parity.float_run, parity.int8_run),
        "<h2>What is confused more, or less</h2><p>Pictures of a class, converted minus float: red off the diagonal is "
        "worse.</p>" + figures.confusion_change(parity.float_run, parity.int8_run),
        _changed(outcome),
        _layers(outcome),
        _search(outcome),
        _provenance(outcome),
    ]
    title = f"{outcome.model.name}: {outcome.settings.scheme} beside float"
    colour = "#1a7f37" if outcome.within_budget else "#b2182b"
    return _PAGE.format(title=escape(title), colour=colour, body="\n".join(sections)).encode(
        "utf-8", "backslashreplace"
    )


def _summary(outcome: Outcome) -> str:
    paired = outcome.parity.paired
    sizes = outcome.source.size_bytes, len(outcome.content)
    return _table(
        ("", "float", outcome.settings.scheme, "change"),
        [
            (
                f"accuracy on {paired.images:,} test images",
                f"{paired.float_accuracy:.2%}",
                f"{paired.int8_accuracy:.2%}",
                f"{0 - paired.drop:+.2f} points",
            ),
            ("file, bytes", f"{sizes[0]:,}", f"{sizes[1]:,}", f"x {sizes[1] / sizes[0]:.2f}"),
            ("right in this one only", f"{paired.only_float:,}", f"{paired.only_int8:,}", ""),
            ("same answer", "", f"{paired.agreement:.2%}", ""),
        ],
    )


def _changed(outcome: Outcome) -> str:
    paired = outcome.parity.paired
    count = paired.images - round(paired.agreement * paired.images)
    image = outcome.model.image
    assert image is not None
    drawn = figures.changed_pictures(outcome.test, outcome.parity.float_run, outcome.parity.int8_run, image)
    text = f"{count:,} of {paired.images:,} answers changed"
    if not drawn:
        return f"<h2>Pictures whose answer changed</h2><p>{text}.</p>"
    return (
        f"<h2>Pictures whose answer changed</h2><p>{text}; the first {min(count, figures.CHANGED_SHOWN)}: truth, "
        f"float's answer, then the converted model's, green where that is right and red where float was.</p>{drawn}"
    )


def _layers(outcome: Outcome) -> str:
    drawn = figures.layers(outcome.layers)
    if not drawn:
        return "<h2>Layer by layer</h2><p>Not known for this way of converting.</p>"
    return (
        "<h2>Layer by layer</h2><p>Each activation beside the float model's on the same held-out pictures; errors add "
        f"up from top to bottom.</p>{drawn}"
    )


def _search(outcome: Outcome) -> str:
    found = outcome.found
    rows = [
        (
            trial.candidate.name,
            f"{trial.candidate.pictures}",
            f"{trial.paired.images:,}",
            f"{0 - trial.paired.drop:+.2f} points",
            f"{trial.paired.agreement:.2%}",
        )
        for trial in found.trials
    ]
    marked = [number for number, trial in enumerate(found.trials) if trial is found.chosen]
    return (
        f"<h2>How it was calibrated</h2><p>Compared on {found.scored:,} pictures held out of the training split; the "
        "test pictures had no part in the choice, which is in bold.</p>"
        + _table(("rule", "pictures", "compared on", "change", "same answer"), rows, marked)
    )


def _provenance(outcome: Outcome) -> str:
    assert outcome.model.manifest is not None
    manifest: Mapping[str, Any] = outcome.model.manifest
    provenance = manifest["provenance"]
    facts = [
        ("trained by", provenance["command"] or "not recorded"),
        ("converted by", outcome.settings.command),
        (f"SHA-256 of the {outcome.source.format.noun}", outcome.source.sha256),
        ("SHA-256 of the flatbuffer", manifest["sha256"]),
        ("data", manifest["accuracy"]["data"]),
        ("runtime of the check", outcome.parity.runtime),
        ("seed of the calibration pictures", f"{outcome.settings.seed}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions().items())),
        ("seconds", ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in outcome.seconds.items())),
    ]
    return (
        "<h2>Where it comes from</h2>"
        + _table(("", ""), facts)
        + "<p>The same float model (see its hash), command and versions give the same bytes: to reproduce the model, "
        f"run</p><pre>{escape(outcome.settings.command)}</pre>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], marked: Sequence[int] = ()) -> str:
    """An HTML table, the first column and the second of two left, all others right."""
    numeric = [' class="n"' if len(heads) > 2 and column else "" for column in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for kind, text in zip(numeric, heads, strict=True))
    body = "".join(
        f"<tr{_CHOSEN if number in marked else ''}>"
        + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(numeric, row, strict=True))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
