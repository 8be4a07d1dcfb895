# ruff: noqa: BLE001, S102
"""Runs beside the student's code: decodes the inputs, calls it once, gives the result as tagged JSON.

Knows inputs only. Everything here can be rewritten by the code it runs; that harms nobody but its own answer. Runs as
the text of a program too (WebAssembly, remote engines), so it stays in one file and speaks Python 3.8.
"""

import io
import json
import re
import sys
from typing import Any

NAME = "<solution>"
PRINTED = 1000  # characters kept of what is printed
FLOOD = 250000  # characters printed that end the run
ENDLESS = 1000000  # nodes of a list or tree that has a circle in it
DEPTH = 100  # of nested lists; deeper ones are no answers
COMMON = (
    "collections heapq bisect math itertools functools string re operator random copy".split(),
    {
        "collections": "deque defaultdict Counter OrderedDict namedtuple",
        "typing": "Any Callable Deque Dict FrozenSet Generator Iterable Iterator List Optional Sequence Set Tuple Union",
        "heapq": "heappush heappop heapify heappushpop heapreplace nlargest nsmallest",
        "bisect": "bisect_left bisect_right insort",
        "functools": "cache lru_cache reduce cmp_to_key",
        "itertools": "accumulate combinations permutations product chain groupby pairwise zip_longest",
        "math": "inf gcd lcm sqrt ceil floor comb",
    },
)  # what every practice site has imported beforehand


class Flood(BaseException):
    """The code printed too much."""


class ListNode:
    """A node of a linked list."""

    def __init__(self, val: Any = 0, next: Any = None) -> None:  # noqa: A002  # the name that every site uses
        self.val = val
        self.next = next


class TreeNode:
    """A node of a binary tree."""

    def __init__(self, val: Any = 0, left: Any = None, right: Any = None) -> None:
        self.val = val
        self.left = left
        self.right = right


class Printed:
    """In the place of stdout: keeps the beginning, stops a flood."""

    encoding = "utf-8"
    closed = False

    def __init__(self) -> None:
        self.kept = ""
        self.count = 0

    def write(self, text: str) -> int:
        self.count += len(text)
        if len(self.kept) < PRINTED:
            self.kept += text[: PRINTED - len(self.kept)]
        if self.count > FLOOD:
            raise Flood
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return False


def case(source: str, spec: Any, args: str, begun: Any = None) -> str:
    """The frame of one case, as text. `spec`: entry, class, method, kinds, returns; `dry`: decode the inputs only;
    `begun` is called when the inputs stand ready."""
    printed = Printed()
    sys.stdout = sys.stderr = printed
    sys.stdin = io.StringIO()
    try:
        kinds = spec.get("kinds") or []
        given = [build(each, kinds[i] if i < len(kinds) else "") for i, each in enumerate(json.loads(args))]
        if spec.get("dry"):
            return "{}"
        if begun is not None:
            begun()
        frame = answer(source, spec, given)
    except MemoryError:
        frame = {"stop": "memory"}
    except Flood:
        frame = {"stop": "output"}
    except BaseException as error:
        frame = {"error": told(error)}
    frame["out"] = printed.kept
    try:
        return json.dumps(frame)
    except BaseException as error:
        return json.dumps({"error": [type(error).__name__, "the result cannot be written down", None]})


def answer(source: str, spec: Any, given: Any) -> Any:
    try:
        code = compile(source, NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return {"compile": [str(getattr(error, "msg", None) or error), getattr(error, "lineno", None)]}
    names: Any = {"__name__": "solution", "ListNode": ListNode, "TreeNode": TreeNode}
    provide(source, names)
    exec(code, names)
    return {"ok": encode(call(names, spec, given), spec.get("returns") or "")}


def provide(source: str, names: Any) -> None:
    """Import what is common, where the source speaks of it."""
    words = set(re.findall(r"\w+", source))
    modules, members = COMMON
    for module in modules:
        if module in words:
            names[module] = __import__(module)
    for module, listed in members.items():
        for name in listed.split():
            if name in words and hasattr(__import__(module), name):
                names[name] = getattr(__import__(module), name)


def call(names: Any, spec: Any, given: Any) -> Any:
    method = spec["method"] or spec["entry"]
    if spec["class"] and not spec["method"]:
        return designed(names[spec["class"]], *given)
    owner = names.get(spec["class"] or "Solution")
    for name in spelled(method):
        if isinstance(owner, type) and hasattr(owner, name):
            return getattr(owner(), name)(*given)
        if callable(names.get(name)):
            return names[name](*given)
    raise NameError("there is no function named " + method)


def spelled(name: str) -> Any:
    """two_sum and twoSum are the same to us."""
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1].lower(), name)
    camel = re.sub(r"(?<=[A-Za-z0-9])_+([a-z0-9])", lambda m: m[1].upper(), name)
    return [name, snake, camel]


def designed(made: Any, calls: Any, arguments: Any) -> Any:
    thing = made(*arguments[0])
    results: Any = [None]
    for name, each in zip(calls[1:], arguments[1:]):  # noqa: B905  # Python 3.8 has no strict
        method = next((getattr(thing, s) for s in spelled(name) if hasattr(thing, s)), None)
        if method is None:
            raise AttributeError("there is no method named " + name)
        results.append(method(*each))
    return results


def build(value: Any, kind: str) -> Any:
    if kind == "linked_list":
        head: Any = None
        for each in reversed(value):
            head = ListNode(each, head)
            KEPT.append(head)
        return head
    if kind == "tree":
        return tree(value)
    return value


KEPT: list[
    Any
] = []  # every node: to free a long chain of them node by node takes more of the C stack than there is


def tree(values: Any) -> Any:
    """Level by level, null where there is no child."""
    if not values or values[0] is None:
        return None
    nodes = [TreeNode(values[0])]
    rest = iter(values[1:])
    for node in nodes:
        for side in ("left", "right"):
            value = next(rest, None)
            if value is not None:
                setattr(node, side, TreeNode(value))
                nodes.append(getattr(node, side))
    KEPT.extend(nodes)
    return nodes[0]


def encode(value: Any, kind: str) -> Any:
    if kind == "linked_list" or (kind == "" and hasattr(value, "next") and hasattr(value, "val")):
        items: Any = []
        seen = 0
        while value is not None:
            items.append(plain(value.val, DEPTH))
            value = value.next
            seen += 1
            if seen > ENDLESS:
                return {"type": "a list without an end"}
        return items
    if kind == "tree" or (kind == "" and hasattr(value, "left") and hasattr(value, "val")):
        return levels(value)
    return plain(value, DEPTH)


def levels(root: Any) -> Any:
    values: Any = []
    row = [root]
    for node in row:
        values.append(None if node is None else plain(node.val, DEPTH))
        if node is not None:
            row += [node.left, node.right]
        if len(row) > ENDLESS:
            return {"type": "a tree without an end"}
    while values and values[-1] is None:
        values.pop()
    return values


def plain(value: Any, depth: int) -> Any:
    """Tagged JSON. An unknown type becomes its name: whatever its __eq__ says, it equals nothing."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        value = int.__add__(value, 0)
        return value if -(2**53) <= value <= 2**53 else {"int": hex(value)}
    if isinstance(value, float):
        value = float.__add__(value, 0.0)
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # nan
            return {"float": repr(value)}
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if depth == 0:
        return {"type": "nested too deep"}
    if isinstance(value, (list, tuple, range)) or type(value).__name__ in (
        "deque",
        "dict_keys",
        "dict_values",
        "array",
    ):
        return [plain(each, depth - 1) for each in value]
    if isinstance(value, (set, frozenset)):
        return {"set": [plain(each, depth - 1) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[plain(key, depth - 1), plain(each, depth - 1)] for key, each in dict.items(value)]}
    return {"type": type(value).__name__}


def told(error: BaseException) -> Any:
    """Type, text and the last line of the student's own that it went through."""
    line, trace = None, error.__traceback__
    steps = 0
    while trace is not None and steps < 100000:
        if trace.tb_frame.f_code.co_filename == NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
        steps += 1
    try:
        text = str(error)[:300]
    except BaseException:
        text = ""
    return [type(error).__name__, text, line]
