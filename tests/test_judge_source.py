"""Code from phones: found, mended, its language recognised, and asked for when in doubt."""

import pytest

from bot.sourcecode import found, looks_like_code

TWO_SUM = """def two_sum(nums, target):
    seen = {}
    for i, x in enumerate(nums):
        if target - x in seen:
            return [seen[target - x], i]
        seen[x] = i
"""
TWO_SUM_JS = """function twoSum(nums, target) {
  const seen = new Map();
  for (let i = 0; i < nums.length; i++) {
    if (seen.has(target - nums[i])) return [seen.get(target - nums[i]), i];
    seen.set(nums[i], i);
  }
}
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TWO_SUM, "python"),
        (TWO_SUM_JS, "javascript"),
        ("def f(a): return a", "python"),
        ("f = lambda a: sorted(a)[-1]", "python"),
        ("const f = (a) => a.length", "javascript"),
        ("var f = function(a) { return a }", "javascript"),
        ("class Solution:\n    def twoSum(self, nums, t):\n        return None", "python"),
        ("class Solution {\n  twoSum(nums, t) { return null; }\n}", "javascript"),
        ("import heapq\nfrom collections import deque", "python"),
        ("x = 1", None),
        ("I would sort the list first and then use two pointers", None),
    ],
)
def test_the_language_is_recognised(text: str, language: str | None) -> None:
    """From the text alone; None is asked about."""
    assert found(text).language == language


@pytest.mark.parametrize(
    "text",
    [
        "#include <vector>\nusing namespace std;\nint main() { return 0; }",
        "class Solution {\n    public int[] twoSum(int[] nums, int target) {\n        return null;\n    }\n}",
        "func twoSum(nums []int, target int) []int {\n\tseen := map[int]int{}\n\treturn nil\n}",
        "fn two_sum(nums: Vec<i32>) -> Vec<i32> {\n    let mut seen = vec![];\n}",
        "function twoSum(nums: number[], target: number): number[] {\n  return [];\n}",
        "```java\nx\n```",
        "```cpp\nint x;\n```",
    ],
)
def test_another_language_is_seen(text: str) -> None:
    """It can be said which two there are, instead of a syntax error."""
    assert (found(text).language, found(text).foreign) == (None, True)


@pytest.mark.parametrize(
    ("text", "source", "language"),
    [
        ("My solution:\n```python\nreturn 1\n```\nIs it right?", "return 1\n", "python"),
        ("```js\nx\n```", "x\n", "javascript"),
        ("```\ndef f(): pass\n```", "def f(): pass\n", "python"),
        ("```py\na = 1\n```\nand\n```py\nb = 2\n```", "a = 1\nb = 2\n", "python"),
        ("```python\nno end", "no end\n", "python"),
        ("```def f(): return 1```", "def f(): return 1\n", "python"),
    ],
)
def test_code_blocks_are_opened(text: str, source: str, language: str) -> None:
    """What stands in them counts, and the language they name."""
    assert (found(text).source, found(text).language, found(text).fenced) == (source, language, True)


def test_a_file_names_its_language() -> None:
    """And the platform's own mark on a code block does."""
    assert found("x", file_name="two_sum.py").language == "python"
    assert found("x", file_name="a.b.JS").language == "javascript"
    assert found("x", file_name="main.rs").foreign
    assert found("x", entity_language="javascript").language == "javascript"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("def f():\n\treturn “a” + ‘b’", 'def f():\n    return "a" + \'b\'\n'),
        ("def\u00a0f(a):\n\u00a0\u00a0\u00a0\u00a0return\u2003a", "def f(a):\n    return a\n"),
        ("Def f(a):\n    If a:\n        Return a\n    For x in a:\n        Pass", "def f(a):\n    if a:\n        return a\n    for x in a:\n        pass\n"),
        ("def f(a):\n\tif a:\n        return a", "def f(a):\n    if a:\n        return a\n"),
        ("    def f(a):\n        return a", "def f(a):\n    return a\n"),
        (">>> def f(a):\n...     return a", "def f(a):\n    return a\n"),
        ("def f(a):\r\n    return a–1", "def f(a):\n    return a-1\n"),
        ("def f(a):\n    return a\u200b[0]", "def f(a):\n    return a[0]\n"),
    ],
)  # fmt: skip
def test_python_from_a_phone(typed: str, meant: str) -> None:
    """Quotes, tabs, spaces that are none, capitals and dashes of a keyboard that means well."""
    assert found(typed, file_name="x.py").source == meant


def test_javascript_from_a_phone() -> None:
    """The same, and what only modules know."""
    assert (
        found("Function f(a) {\n  Return a—;\n}", file_name="x.js").source
        == "function f(a) {\n  return a--;\n}\n"
    )
    assert found("export default function f(a) {}", file_name="x.js").source == "function f(a) {}\n"
    assert found("export const f = 1", file_name="x.js").source == "const f = 1\n"


def test_capitals_that_mean_something_stay() -> None:
    """Names are no keywords."""
    source = "Class = 1\nReturnValue = Class\n"
    assert found(source, file_name="x.py").source == source


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TWO_SUM, True),
        (TWO_SUM_JS, True),
        ("```\nx\n```", True),
        ("I'd use a hash map: for each x, look whether target - x is in it. O(n) time.", False),
        ("First sort the array (n log n), then move two pointers towards each other while l < r.", False),
        ("hint", False),
        ("", False),
    ],
)
def test_prose_is_not_code(text: str, *, code: bool) -> None:
    """Prose is talked about, code is run."""
    assert looks_like_code(text) is code


@pytest.mark.parametrize(
    "text", ["\n" * 60_000, " " * 60_000, "lambda " * 9000, "def a" * 12_000, "```" * 20_000, "\t\n" * 30_000]
)
def test_no_text_holds_the_bot_up(text: str) -> None:
    """The patterns are linear, or as good as: the test itself would not end."""
    assert found(text).language in (None, "python")
    assert looks_like_code(text) in (True, False)
