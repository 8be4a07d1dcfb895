"""For CPython with little C stack: caches and aggregates that recurse in Python alone.

In WebAssembly the C stack holds 200 calls, and a memoised depth-first search of 300 levels ends the whole process;
CPython 3.12 and 3.13 give up after some thousands. Put up only where the code has need of it: max(a, b) through here
costs 1.6 times as much.
"""

import builtins
import functools
import re
from typing import Any

_NONE: Any = object()
_CACHES = re.compile(r"\bcache\b|\blru_cache\b")
_AGGREGATES = re.compile(r"\b(?:max|min|sum|any|all)\((?:\s{0,40}\n)?[^\n]{0,300}?\s(?:for|map)\b")


def needed(source: str) -> Any:
    """The names of the functions below that a source has need of."""
    return [
        *(["caches"] if _CACHES.search(source) else []),
        *(["aggregates"] if _AGGREGATES.search(source) else []),
    ]


def caches() -> None:
    """functools.cache and lru_cache, recursing in Python alone."""
    make_key = functools._make_key  # noqa: SLF001
    info = functools._CacheInfo  # noqa: SLF001

    def cached(function: Any, maxsize: Any, typed: bool) -> Any:  # noqa: FBT001  # as functools has it
        kept: Any = {}
        count = [0, 0]

        def unbounded(*args: Any, **named: Any) -> Any:
            key = make_key(args, named, typed) if named or typed else args
            found = kept.get(key, _NONE)
            if found is not _NONE:
                count[0] += 1
                return found
            count[1] += 1
            found = kept[key] = function(*args, **named)
            return found

        def bounded(*args: Any, **named: Any) -> Any:
            key = make_key(args, named, typed) if named or typed else args
            if key in kept:
                count[0] += 1
                kept[key] = kept.pop(key)  # the newest is last
                return kept[key]
            count[1] += 1
            found = function(*args, **named)
            if maxsize > 0:
                kept[key] = found
                if len(kept) > maxsize:
                    del kept[next(iter(kept))]
            return found

        def clear() -> None:
            kept.clear()
            count[:] = [0, 0]

        wrapper: Any = unbounded if maxsize is None else bounded
        wrapper.cache_clear = clear
        wrapper.cache_info = lambda: info(count[0], count[1], maxsize, len(kept))
        wrapper.cache_parameters = lambda: {"maxsize": maxsize, "typed": typed}
        return functools.update_wrapper(wrapper, function)

    def lru_cache(maxsize: Any = 128, typed: bool = False) -> Any:  # noqa: FBT001, FBT002  # as functools has it
        if callable(maxsize):
            return cached(maxsize, 128, typed)
        return lambda function: cached(function, maxsize, typed)

    functools.lru_cache = lru_cache
    functools.cache = lambda function: cached(function, None, False)


def aggregates() -> None:
    """max, min, sum, any and all, iterating in Python."""
    flat = (list, tuple, set, dict, str, range)

    def extreme(original: Any, *, least: bool) -> Any:
        def best(
            first: Any, second: Any = _NONE, /, *rest: Any, key: Any = None, default: Any = _NONE
        ) -> Any:
            if second is not _NONE:
                if key is None and not rest:
                    if least:
                        return second if second < first else first  # noqa: FURB136  # min() is what this stands for
                    return second if second > first else first  # noqa: FURB136  # max() is what this stands for
                return original(first, second, *rest, key=key)
            if type(first) in flat:
                return (
                    original(first, key=key)
                    if default is _NONE
                    else original(first, key=key, default=default)
                )
            chosen = measure = _NONE
            for each in first:
                rank = each if key is None else key(each)
                if measure is _NONE or (rank < measure if least else rank > measure):
                    chosen, measure = each, rank
            if chosen is not _NONE:
                return chosen
            if default is _NONE:
                raise ValueError(original.__name__ + "() iterable argument is empty")
            return default

        best.__name__ = original.__name__
        return best

    total = builtins.sum

    def sum_(items: Any, /, start: Any = 0) -> Any:
        if type(items) in flat:
            return total(items, start)
        for each in items:
            start = start + each
        return start

    def any_(items: Any, /) -> bool:
        for each in items:  # noqa: SIM110  # any() is what this stands for
            if each:
                return True
        return False

    def all_(items: Any, /) -> bool:
        for each in items:  # noqa: SIM110  # all() is what this stands for
            if not each:
                return False
        return True

    builtins.max, builtins.min = extreme(max, least=False), extreme(min, least=True)
    builtins.sum, builtins.any, builtins.all = sum_, any_, all_
