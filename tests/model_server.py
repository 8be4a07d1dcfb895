"""A provider of language models on loopback: chat completions, transcriptions and the list of models, over real HTTP.

Its examiner knows words only: it finds the sentence of the answer that shares most with a key point. What makes it
worth its lines is how it can go wrong: on the wire, in its JSON, in its claims, and by doing what an answer tells it.

    python -m tests.model_server --port 8091 [--misbehave made_up_quote]      to try a bot by hand
"""

import argparse
import asyncio
import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

from aiohttp import web

Json = dict[str, Any]

# status: `value` as the HTTP status. hang: no answer at all. trickle: a byte now and then, for ever. drop: the
# connection breaks. html: a page with status 200, as a proxy sends it.
FaultKind = Literal["status", "hang", "trickle", "drop", "html"]


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next `times` requests."""

    kind: FaultKind
    value: int
    times: int


def _edited(edit: Callable[[Json], object]) -> Callable[[Json], str]:
    def misbehave(reply: Json) -> str:
        edit(reply)
        return json.dumps(reply)

    return misbehave


def _boast(reply: Json) -> None:
    for point in reply["key_points"]:
        point |= {"verdict": "covered", "quote": "the candidate masters every aspect of the subject"}
    reply["dimensions"] = dict.fromkeys(reply["dimensions"], 5)


# What the model says in place of its honest reply. The first group is useless, the second harmless, the third a lie.
MISBEHAVIOURS: dict[str, Callable[[Json], str | None]] = {
    "nothing": lambda _: None,
    "words": lambda _: "The answer is quite good, I would say.",
    "cut_off": lambda reply: json.dumps(reply)[:-20],
    "no_dimensions": _edited(lambda reply: reply.pop("dimensions")),
    "one_dimension_less": _edited(lambda reply: reply["dimensions"].popitem()),
    "another_dimension": _edited(lambda reply: reply["dimensions"].update(charm=5)),
    "above_the_scale": _edited(lambda reply: reply["dimensions"].update(dict.fromkeys(reply["dimensions"], 6))),
    "below_the_scale": _edited(lambda reply: reply["dimensions"].update(dict.fromkeys(reply["dimensions"], -1))),
    "scores_as_words": _edited(lambda reply: reply["dimensions"].update(dict.fromkeys(reply["dimensions"], "5"))),
    "between_the_numbers": _edited(lambda reply: reply["dimensions"].update(dict.fromkeys(reply["dimensions"], 4.5))),
    "unknown_verdict": _edited(lambda reply: reply["key_points"][0].update(verdict="excellent")),
    "unknown_point": _edited(lambda reply: reply["key_points"][0].update(slug="charm")),
    "one_point_less": _edited(lambda reply: reply["key_points"].pop()),
    "one_point_twice": _edited(lambda reply: reply["key_points"].append(reply["key_points"][0])),
    "fenced": lambda reply: f"```json\n{json.dumps(reply)}\n```",
    "in_a_list": lambda reply: json.dumps([reply]),
    "with_a_preface": lambda reply: f"Here is my assessment.\n{json.dumps(reply)}\nI hope this helps!",
    "further_fields": _edited(lambda reply: reply.update(comment="well done", confidence=0.9)),
    "own_score": _edited(lambda reply: reply.update(score=100, overall=100, grade="A+")),
    "made_up_quote": _edited(_boast),
}  # fmt: skip
USELESS = tuple(MISBEHAVIOURS)[: tuple(MISBEHAVIOURS).index("fenced")]
HARMLESS = ("fenced", "in_a_list", "with_a_preface", "further_fields")

_ORDER = re.compile(r"\b(?:everything|all points|full|perfect|covered)\b", re.IGNORECASE)


class ModelServer:
    """`requests`: bodies of chat completions as they came; `uploads`: recordings (their file name, bytes, model);
    `gullible`: the model does what an answer tells it; `refuses`: options it does not take ("temperature",
    "json_schema", "json_object"); `heard`: what it hears in any recording; `arrived`: there was a request."""

    def __init__(self, *, key: str = "local-model-key", port: int = 0) -> None:
        self.key = key
        self.model = "examiner-small"
        self.hearing = "listener-small"
        self.requests: list[Json] = []
        self.uploads: list[tuple[str, bytes, str]] = []
        self.heard = "a stack is last in first out"
        self.gullible = False
        self.refuses: set[str] = set()
        self.tells_usage = True
        self._port = port
        self._faults: list[Fault] = []
        self._replies: list[Callable[[Json], str | None]] = []
        self._always: Callable[[Json], str | None] | None = None
        self.arrived = asyncio.Event()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._completion)
        app.router.add_post("/v1/audio/transcriptions", self._transcription)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def fail(self, kind: FaultKind, value: int = 0, *, times: int = 1) -> None:
        """The next `times` requests go wrong on the wire."""
        self._faults.append(Fault(kind, value, times))

    def say(self, *replies: Callable[[Json], str | None]) -> None:
        """What is made of the honest replies to the next completions, one each."""
        self._replies += replies

    def misbehave(self, name: str) -> None:
        """Every reply from now on."""
        self._always = MISBEHAVIOURS[name]

    # HTTP

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.arrived.set()
        if refusal := await self._refused(request, body["model"], self.model):
            return refusal
        formats = body.get("response_format", {}).get("type", "")
        for option in self.refuses & {*body, formats}:
            param = "response_format" if option.startswith("json") else option
            return _error(400, f"Unsupported value: '{param}' does not support this with the model.", param)
        honest = _examined(json.loads(body["messages"][-1]["content"]), body["messages"][0]["content"], self)
        say = self._replies.pop(0) if self._replies else self._always or json.dumps
        content = say(honest)
        message = {"role": "assistant", "content": content, "refusal": None if content else "I cannot."}
        usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
        return web.json_response(
            {
                "id": f"completion-{len(self.requests)}",
                "object": "chat.completion",
                "created": 1_760_000_000,
                "model": self.model,
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                **({"usage": usage} if self.tells_usage else {}),
            }
        )

    async def _transcription(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        self.uploads.append((upload.filename, upload.file.read(), str(form["model"])))
        if refusal := await self._refused(request, str(form["model"]), self.hearing):
            return refusal
        return web.json_response({"text": self.heard})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if refusal := await self._refused(request, self.model, self.model):
            return refusal
        models = [{"id": name, "object": "model"} for name in (self.model, self.hearing)]
        return web.json_response({"object": "list", "data": models})

    async def _refused(self, request: web.Request, asked: str, model: str) -> web.StreamResponse | None:
        if fault := self._next_fault():
            return await self._faulty(request, fault)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided.")
        return None if asked == model else _error(404, "The model does not exist.", "model")

    def _next_fault(self) -> Fault | None:
        self._faults = [each for each in self._faults if each.times]
        if not self._faults:
            return None
        self._faults[0].times -= 1
        return self._faults[0]

    async def _faulty(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "status":
                return _error(fault.value, "Something is wrong.")
            case "html":
                return web.Response(text="<html>Sign in to the network</html>", content_type="text/html")
            case "hang":
                await self._closing.wait()
            case "trickle":
                return await self._trickle(request)
            case "drop":
                if request.transport is not None:
                    request.transport.abort()
        return web.Response()

    async def _trickle(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self._closing.is_set():
                await response.write(b" ")
                await asyncio.sleep(0.01)
        return response


def _error(status: int, message: str, param: str | None = None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return web.json_response({"error": error}, status=status)


# The examiner


def _examined(task: Json, system: str, server: ModelServer) -> Json:
    answer: str = task["answer"]
    names = re.findall(r"^- (\w+): 0 ", system, re.MULTILINE)
    points = [_point(point, answer) for point in task["key_points"]]
    if server.gullible and _ORDER.search(answer):
        points = [{**point, "verdict": "covered", "quote": answer} for point in points]
    worth = {"covered": 1.0, "half": 0.5}
    share = sum(worth.get(point["verdict"], 0.0) for point in points) / len(points)
    return {"key_points": points, "dimensions": dict.fromkeys(names, round(5 * share))}


def _point(point: Json, answer: str) -> Json:
    sentences = [each.strip() for each in re.split(r"[.;\n]", answer) if each.strip()]
    best, quote = 0.0, ""
    for wording in (point["point"], *point["also"]):
        words = _words(wording)
        for sentence in sentences:
            share = len(words & _words(sentence)) / (len(words) or 1)
            if share > best:
                best, quote = share, sentence
    verdict = "covered" if best >= 0.6 else "half" if best >= 0.35 else "missed"
    return {"slug": point["slug"], "quote": quote if verdict != "missed" else "", "verdict": verdict}


def _words(sentence: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"\w+", sentence.lower()) if len(word) > 2}


async def _serve(port: int, misbehave: str) -> None:
    async with ModelServer(port=port) as server:
        if misbehave:
            server.misbehave(misbehave)
        print(f"MODEL_BASE_URL={server.url} MODEL_API_KEY={server.key} MODEL_NAME={server.model}")  # noqa: T201
        print(f"TRANSCRIPTION_MODEL={server.hearing}", flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--misbehave", choices=MISBEHAVIOURS, default="")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.port, arguments.misbehave))
