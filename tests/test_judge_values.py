"""What is right, what is shown: the judge's decisions, without running anything."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bot.growth import class_of, estimated
from bot.judging import (
    Case,
    Method,
    Outcome,
    ProblemError,
    decoded,
    judged_case,
    overall,
    presentable,
    problem_from,
    same,
)

SECRET = [17, 4]


def judged(value: Any, expected: Any, compare: str = "exact") -> str | None:
    outcome = Outcome(frame=json.dumps({"ok": value}))
    return judged_case(Case(args=(), expected=expected), compare, outcome).verdict


@pytest.mark.parametrize(
    ("compare", "expected", "value", "right"),
    [
        ("exact", [0, 1], [0, 1], True),
        ("exact", [0, 1], [1, 0], False),
        ("exact", 2, 2.0, False),  # integers exact
        ("exact", 2.0, 2, True),
        ("exact", 2.5, 2.5, True),
        ("exact", True, 1, False),  # booleans strict
        ("exact", 1, True, False),
        ("exact", None, False, False),
        ("exact", "1", 1, False),
        ("exact", 2**70, {"int": hex(2**70)}, True),
        ("exact", 2**70, {"int": hex(2**70 + 1)}, False),
        ("exact", [1], {"set": [1]}, False),
        ("exact", {"a": 1}, {"dict": [["a", 1]]}, True),
        ("exact", {"1": "x"}, {"dict": [[1, "x"]]}, True),  # JSON has no keys but text
        ("exact", {"a": 1}, {"dict": [["b", 1]]}, False),
        ("exact", "Yes", {"type": "Yes"}, False),
        ("unordered", [1, 2, 2], [2, 1, 2], True),
        ("unordered", [1, 2, 2], [1, 1, 2], False),  # a multiset
        ("unordered", [1, 2], {"set": [2, 1]}, True),
        ("unordered", [[1, 2], [3]], [[3], [1, 2]], True),
        ("unordered", [[1, 2]], [[2, 1]], False),
        ("unordered_deep", [[1, 2], [3]], [[3], [2, 1]], True),
        ("unordered_deep", [[1, 2], [2, 1]], [[1, 2], [1, 2]], True),
        ("unordered", [1, True], [True, 1], True),
        ("unordered", [1, True], [1, 1], False),
        ("unordered", [1], [1.0], False),
        ("unordered", [1.0], [1], True),
        ("unordered", 3, 3, True),
        ("unordered", [None, "a"], ["a", None], True),
        ("float:1e-6", 0.3, 0.30000000000000004, True),
        ("float:1e-6", 0.3, 0.31, False),
        ("float:1e-6", [1, [2.5]], [1.0000001, [2.5]], True),
        ("float:1e-6", 1e12, 1e12 + 1, True),
        ("float:1e-6", 1.0, True, False),
        ("float:0.1", float("inf"), {"float": "inf"}, True),
        ("float:0.1", float("nan"), {"float": "nan"}, True),
        ("exact", float("nan"), {"float": "nan"}, True),
    ],
)
def test_comparison(compare: str, expected: Any, value: Any, *, right: bool) -> None:
    """A tuple has become a list before; the rest is as strict as it says."""
    assert judged(value, expected, compare) == ("accepted" if right else "wrong_answer")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(plain, max_size=6), st.randoms(use_true_random=False))
def test_any_order_is_any_order(items: list[Any], chance: Any) -> None:
    """Every shuffle of the right answer is right, and one item less is not."""
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert same("unordered", items, shuffled)
    assert same("unordered_deep", items, shuffled)
    if items:
        assert not same("unordered", items, shuffled[1:])


@given(plain)
def test_a_value_equals_itself(value: Any) -> None:
    """Whatever JSON can say is equal to itself, exactly."""
    assert same("exact", value, decoded(json.loads(json.dumps(value))))


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome(frame=None, stop="time"), "time_limit"),
        (Outcome(frame=None, stop="memory"), "memory_limit"),
        (Outcome(frame=None, stop="output"), "output_limit"),
        (Outcome(frame=None, stop="crash"), "runtime_error"),
        (Outcome(frame=None), "runtime_error"),
        (Outcome(frame='{"ok": [17, 4]}', stop="time"), "time_limit"),  # an answer after the time is none
        (Outcome(frame='{"stop": "output"}'), "output_limit"),
        (Outcome(frame='{"stop": "memory"}'), "memory_limit"),
        (Outcome(frame='{"stop": "accepted"}'), "runtime_error"),
        (Outcome(frame='{"error": ["KeyError", "3", 2]}'), "runtime_error"),
        (Outcome(frame='{"compile": ["expected \':\'", 3]}'), "compile_error"),
        (Outcome(frame='{"verdict": "accepted", "ok": 1}'), "wrong_answer"),
        (Outcome(frame='{"ok": {"verdict": "accepted"}}'), "wrong_answer"),
        (Outcome(frame='{"ok": {"int": "rm"}}'), "wrong_answer"),
        (Outcome(frame='{"ok": {"dict": [[1]]}}'), "wrong_answer"),
        (Outcome(frame='{"ok": ' + "9" * 5000 + "}"), "runtime_error"),
        (Outcome(frame="[" * 100000), "runtime_error"),
        (Outcome(frame="[]"), "runtime_error"),
        (Outcome(frame="accepted"), "runtime_error"),
        (Outcome(frame='{"ok": "' + "x" * (3 << 20) + '"}'), "runtime_error"),
    ],
)
def test_what_a_run_says_is_only_an_answer(outcome: Outcome, verdict: str) -> None:
    """Nothing that comes out of a sandbox is a verdict, however it looks."""
    assert judged_case(Case(args=(), expected=SECRET), "exact", outcome).verdict == verdict


def test_a_hidden_case_tells_nothing_but_its_class() -> None:
    """Neither the value nor the exception's name and text nor what was printed: each could carry the inputs out."""
    case = Case(args=([9, 9],), expected=SECRET, category="duplicates", hidden=True)
    for said in ({"ok": [9, 9], "out": "9 9"}, {"error": ["E99", "[9, 9]", 4], "out": "9 9"}):
        result = judged_case(case, "exact", Outcome(frame=json.dumps(said)))
        assert (result.value, result.error, result.printed) == (None, None, "")
        assert result.category == "duplicates"


def test_a_public_case_tells_all() -> None:
    """The value, the exception with its line, what was printed."""
    case = Case(args=(), expected=SECRET)
    said = {"error": ["IndexError", "list index out of range", 4], "out": "here\n"}
    result = judged_case(case, "exact", Outcome(frame=json.dumps(said), time_ms=1.26, memory_mb=20))
    assert result.error == ("IndexError", "list index out of range", 4)
    assert (result.printed, result.time_ms, result.memory_mb) == ("here\n", 1.3, 20)


def test_the_first_failure_is_the_verdict() -> None:
    """Accepted only when every case was."""
    ok = judged_case(Case(args=(), expected=1), "exact", Outcome(frame='{"ok": 1}'))
    wrong = judged_case(Case(args=(), expected=2), "exact", Outcome(frame='{"ok": 1}'))
    slow = judged_case(Case(args=(), expected=2), "exact", Outcome(frame=None, stop="time"))
    assert overall([ok, ok]) == "accepted"
    assert overall([ok, slow, wrong]) == "time_limit"


def test_values_are_shown_as_json() -> None:
    """Sets as lists, what has no place by its type's name."""
    value = decoded([{"set": [1]}, {"type": "Foo"}, {"float": "inf"}, {"dict": [["a", {"int": "0xff"}]]}])
    assert json.dumps(presentable(value)) == '[[1], "<Foo>", "inf", {"a": 255}]'


def test_a_problem_is_read() -> None:
    """The form that authors write, big integers unrounded."""
    problem = problem_from(
        '{"entry": {"class": "Solution", "method": "twoSum"}, "compare": "float:1e-6",'
        ' "cases": [{"args": [[2, 7], 9], "expected": 123456789012345678901234567890, "class": "large", "hidden": true}]}'
    )
    assert problem.entry == Method(class_name="Solution", method="twoSum")
    assert problem.cases[0].expected == 123456789012345678901234567890
    assert (problem.cases[0].category, problem.cases[0].hidden) == ("large", True)
    assert (problem.time_limit_s, problem.memory_limit_mb) == (2.0, 256)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "not JSON"),
        ('{"entry": "f"}', "cases"),
        ('{"entry": "f", "cases": []}', "$.cases"),
        ('{"entry": "f()", "cases": [{"args": []}]}', "$.entry"),
        ('{"entry": "f", "cases": [{"args": 3}]}', "$.cases[0].args"),
        ('{"entry": "f", "cases": [{"args": []}], "compare": "loose"}', "$.compare"),
        ('{"entry": "f", "cases": [{"args": []}], "compare": "float:"}', "$.compare"),
        ('{"entry": "f", "cases": [{"args": []}], "time_limit_s": 1e9}', "$.time_limit_s"),
        ('{"entry": "f", "cases": [{"args": []}], "memory_limit_mb": 1}', "$.memory_limit_mb"),
    ],
)
def test_a_wrong_problem_names_the_place(text: str, place: str) -> None:
    """An author reads where the fault is."""
    with pytest.raises(ProblemError, match=place.replace("$", r"\$").replace("[0]", r"\[0\]")):
        problem_from(text)


# Growth

SIZES = [100 * 2**k for k in range(11)]


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("linear", [(n, 0.4 + 2e-4 * n) for n in SIZES]),
        ("linearithmic", [(n, 0.4 + 2e-5 * n * n.bit_length()) for n in SIZES]),
        ("quadratic", [(n, 0.4 + 1e-4 * n * n) for n in SIZES[:8]]),
        ("cubic", [(n, 0.4 + 1e-5 * n**3) for n in (25, 50, 100, 200, 400)]),
        ("exponential", [(n, 0.4 + 1e-3 * 2**n) for n in range(2, 22, 2)]),
        ("constant", [(n, 0.4) for n in SIZES]),
        ("logarithmic", [(n, 0.4 + 0.01 * n.bit_length()) for n in SIZES]),
    ],
)
def test_a_clean_curve_does_not_contradict_its_own_class(name: str, curve: list[tuple[int, float]]) -> None:
    """And it contradicts every class two steps away."""
    growth = estimated(curve)
    assert growth.agrees_with(name) is True
    assert growth.estimate in (name, None)
    order = ["constant", "linear", "quadratic", "cubic", "exponential"]
    at = order.index({"linearithmic": "linear", "logarithmic": "constant"}.get(name, name))
    assert all(growth.agrees_with(each) is False for i, each in enumerate(order) if abs(i - at) >= 1)


@pytest.mark.parametrize(
    "curve",
    [
        [],
        [(100, 1.0), (200, 2.0)],
        [(n, 0.4) for n in (2, 4, 8, 16)],  # too small to show anything
        [(n, n**1.5) for n in SIZES],  # between two classes
        [(1000, 5.0), (2000, 90.0), (4000, 11.0), (8000, 300.0), (16000, 40.0)],  # a busy machine
    ],
)
def test_a_curve_that_says_nothing_is_not_read(curve: list[tuple[int, float]]) -> None:
    """None, and no statement is contradicted."""
    growth = estimated(curve)
    assert growth.estimate is None
    assert growth.agrees_with("O(n)") is None


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("O(1)", "constant"),
        ("o(log n)", "logarithmic"),
        ("O(N)", "linear"),
        ("linear time, I think", "linear"),
        ("O(n + m)", "linear"),
        ("O(V+E)", "linear"),
        ("O(n log n) because of the sort", "linearithmic"),
        ("O(m log n), m edges", "linearithmic"),
        ("O(E log V)", "linearithmic"),
        ("nlogn", "linearithmic"),
        ("it halves, so it ends in log n steps", "logarithmic"),
        ("n·log(n)", "linearithmic"),
        ("O(n²)", "quadratic"),
        ("O(n^2)", "quadratic"),
        ("O(n*m)", "quadratic"),
        ("O(n**3)", "cubic"),
        ("O(2^n)", "exponential"),
        ("exponential", "exponential"),
        ("no idea", None),
    ],
)
def test_stated_complexity_is_read(stated: str, name: str | None) -> None:
    """As students write it."""
    assert class_of(stated) == name
