"""Checks run one after the other, and none ends the others."""

from __future__ import annotations

from edge.service.doctor.finding import Finding, Status, examine, fail, ok, warn, worst


def broken() -> Finding:
    return ok(str(1 // 0))


def test_findings_come_with_their_names_in_order() -> None:
    found = list(examine({"one": lambda: ok("fine"), "two": lambda: warn("so so", "do this")}))
    assert found == [Finding(Status.OK, "fine", "", "one"), Finding(Status.WARN, "so so", "do this", "two")]


def test_a_check_that_breaks_is_a_failure_and_ends_none_of_the_others() -> None:
    first, second = examine({"broken": broken, "after": lambda: ok("fine")})
    assert (first.name, first.status) == ("broken", Status.FAIL)
    assert "ZeroDivisionError" in first.found
    assert first.mend
    assert second == Finding(Status.OK, "fine", "", "after")


def test_several_findings_are_as_bad_as_the_worst() -> None:
    together = worst([ok("a"), fail("b", "mend b"), warn("c", "mend c")])
    assert together == Finding(Status.FAIL, "a; b; c", "mend b")
    assert worst([ok("a"), warn("c", "mend c")]).status is Status.WARN
