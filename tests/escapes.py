"""Ways out of a sandbox, as programs a student could send. Each gets `world` (paths, ports, names to aim at) and gives
back what it got hold of; `ends` says how each must end.

blocked: the door does not open, the program goes on and is judged wrong.
contained: the program does its harm to itself alone and a limit ends it.
"""

from typing import Literal, NamedTuple

Ends = Literal["blocked", "contained"]


class Attack(NamedTuple):
    """`verdicts`: those allowed for a contained one; a blocked one may fail in any way but be accepted."""

    name: str
    ends: Ends
    source: str
    verdicts: tuple[str, ...] = ()


def _attack(name: str, ends: Ends, body: str, *verdicts: str) -> Attack:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return Attack(name, ends, f"def attack(world):\n{lines}\n", verdicts)


_STOPPED = ("time_limit", "memory_limit", "runtime_error", "output_limit")

PYTHON = (
    # Files and secrets
    _attack("reads /etc/passwd", "blocked", "return open('/etc/passwd').read()"),
    _attack("reads the token from its environment", "blocked", "import os\nreturn dict(os.environ)"),
    _attack("reads /proc/self/environ", "blocked", "return open('/proc/self/environ').read()"),
    _attack(
        "reads the bot's environment", "blocked",
        "import os\nfor p in (world['bot'], os.getppid()):\n    try: return open(f'/proc/{p}/environ').read()\n    except OSError: pass",
    ),
    _attack("reads /proc/1/environ", "blocked", "return open('/proc/1/environ').read()"),
    _attack("reads the hidden tests", "blocked", "return open(world['secret']).read()"),
    _attack("lists the folder of the bot", "blocked", "import os\nreturn os.listdir(world['folder'])"),
    _attack("reads the memory map", "blocked", "return open('/proc/self/maps').read()"),
    _attack(
        "goes round by a symlink", "blocked",
        "import os\nos.symlink(world['secret'], world['target'])\nreturn open(world['target']).read()",
    ),
    _attack(
        "goes round by dots", "blocked",
        "import os\nreturn open('/usr/lib/../..' + world['secret']).read()",
    ),
    _attack(
        "reads device nodes", "blocked",
        "got = []\nfor d in ('/dev/mem', '/dev/kmem', '/dev/sda', '/dev/vda'):\n    try: got.append(open(d, 'rb').read(16).hex())\n    except OSError: pass\nreturn got",
    ),
    _attack(
        "tries every inherited descriptor", "blocked",
        "import os\ngot = []\nfor fd in range(3, 256):\n    try: got.append((fd, os.read(fd, 64).decode('latin1')))\n    except OSError: pass\nreturn got",
    ),
    # Network
    _attack(
        "connects by TCP", "blocked",
        "import socket\ns = socket.create_connection(('127.0.0.1', world['tcp']), 0.3)\ns.sendall(b'escaped')\nreturn world['prize']",
    ),
    _attack(
        "sends by UDP", "blocked",
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'escaped', ('127.0.0.1', world['udp']))",
    ),
    _attack(
        "connects to an abstract socket", "blocked",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0' + world['abstract'])\ns.sendall(b'escaped')",
    ),
    _attack(
        "asks by HTTP", "blocked",
        "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1:%d/' % world['tcp'], timeout=0.3).read().decode()",
    ),
    # Programs and processes
    _attack("runs a shell", "blocked", "import os\nos.system('echo x > ' + world['target'])\nreturn os.popen('id').read()"),
    _attack(
        "runs a program", "blocked",
        "import subprocess\nreturn subprocess.run(['/bin/cat', world['secret']], capture_output=True, text=True).stdout",
    ),
    _attack(
        "calls C", "blocked",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.system(('echo x > ' + world['target']).encode())\nlibc.printf(b'x')",
    ),
    _attack("forks without end", "blocked", "import os\nwhile True: os.fork()", *_STOPPED),
    _attack(
        "starts a thousand threads", "contained",
        "import threading, time\nfor _ in range(1000):\n    threading.Thread(target=time.sleep, args=(60,)).start()",
        *_STOPPED, "wrong_answer",
    ),
    _attack(
        "leaves a daemon", "blocked",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(5)\n        open(world['target'], 'w').write('x')\n    os._exit(0)",
    ),
    _attack("kills its parent", "blocked", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"),
    _attack("kills the bot", "blocked", "import os, signal\nos.kill(world['bot'], signal.SIGTERM)"),
    _attack(
        "traces its parent", "blocked",
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.ptrace(16, os.getppid(), 0, 0) == 0: return world['prize']",
    ),
    _attack(
        "makes namespaces, mounts, becomes another", "blocked",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
done = []
if libc.unshare(0x10000000) == 0: done.append('userns')
if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: done.append('mount')
if libc.chroot(b'/') == 0: done.append('chroot')
if libc.setresuid(1, 1, 1) == 0: done.append('setuid')
return done and world['prize']
""",
    ),
    # Writing
    _attack("writes a file", "blocked", "open(world['target'], 'w').write('x')"),
    _attack(
        "fills the disk", "blocked",
        "import tempfile\nfor folder in ('/tmp', '/var/tmp', '/dev/shm', '.', '/'):\n    try:\n        with open(folder + '/viva-filler', 'wb') as f:\n            for _ in range(64): f.write(bytes(1 << 20))\n    except OSError: pass",
    ),
    _attack(
        "patches the bot on disk", "blocked",
        "import json, os\nfor p in (json.__file__, os.__file__, world['folder'] + '/x.py'):\n    try: open(p, 'a').write('#')\n    except (OSError, TypeError): continue\n    return world['prize']",
    ),
    # Resources
    _attack("loops for ever", "contained", "while True: pass", "time_limit"),
    _attack(
        "loops and catches everything", "contained",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass", "time_limit",
    ),
    _attack("sleeps", "contained", "import time\ntime.sleep(600)", "time_limit", "runtime_error"),
    _attack(
        "ignores signals", "contained",
        "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
        "time_limit", "runtime_error",
    ),
    _attack("allocates at once", "contained", "return len(bytearray(1 << 40))", "memory_limit", "runtime_error"),
    _attack("allocates bit by bit", "contained", "a = []\nwhile True: a.append(bytes(1 << 20))", "memory_limit"),
    _attack("prints without end", "contained", "while True: print('x' * 1000)", "output_limit"),
    _attack("prints 100 MB at once", "contained", "print('x' * 100_000_000)", "output_limit", "memory_limit"),
    _attack(
        "writes past stdout", "contained",
        "import os\nwhile True: os.write(1, b'x' * 65536)", "time_limit", "output_limit", "runtime_error",
    ),
    _attack("recurses without end", "contained", "def f(n): return f(n + 1)\nreturn f(0)", *_STOPPED),
    _attack(
        "recurses through C", "contained",
        "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nreturn repr(A())", *_STOPPED,
    ),
    _attack(
        "recurses through sorted", "contained",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return sorted([1], key=f)\nreturn f(1)", *_STOPPED,
    ),
    _attack("backtracks in a pattern", "contained", "import re\nreturn bool(re.match('(a+)+b', 'a' * 64))", "time_limit"),
    _attack("multiplies huge numbers in C", "contained", "x = 7 ** (1 << 22)\nwhile True: x = x * x % (x - 1)", *_STOPPED),
    _attack("sums in C", "contained", "return sum(range(1 << 50))", "time_limit"),
    _attack("builds a huge power", "contained", "return 10 ** 10 ** 10 % 7", *_STOPPED),
    _attack("joins in C", "contained", "return len('x'.join(map(str, range(1 << 40))))", *_STOPPED),
    # Verdicts
    _attack(
        "prints lines that look like a verdict", "blocked",
        "import os\nfor fd in (1, 2, 3, 4, 5):\n    try: os.write(fd, b'\\n{\"ok\": \"%s\", \"verdict\": \"accepted\"}\\n')\n    except OSError: pass\nprint('accepted')",
    ),
    _attack("ends the process", "blocked", "import os\nos._exit(0)"),
    _attack("leaves by sys.exit", "blocked", "import sys\nsys.exit(0)"),
    _attack("raises BaseException", "blocked", "raise BaseException('accepted')"),
    _attack(
        "rewrites json and comparisons", "blocked",
        "import builtins, json\njson.dumps = lambda *a, **k: '{\"ok\": true, \"verdict\": \"accepted\"}'\nbuiltins.isinstance = lambda *a: True\nbuiltins.all = lambda *a: True",
    ),
    _attack(
        "looks for the expected value in frames and memory", "blocked",
        """
import gc, sys
found = []
frame = sys._getframe()
while frame:
    found.append(str(dict(frame.f_locals)) + str(list(frame.f_globals)))
    frame = frame.f_back
found += [repr(each) for each in gc.get_objects() if isinstance(each, (dict, list, str)) and 'expected' in repr(each)[:10000]][:50]
return ''.join(found)[:100000]
""",
    ),
    _attack(
        "answers with an object that equals everything", "blocked",
        "class Yes:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\nreturn Yes()",
    ),
    _attack(
        "looks through __main__ and every subclass", "blocked",
        "import __main__\nclasses = object.__subclasses__()\nreturn str(vars(__main__))[:100000] + str([c.__name__ for c in classes])[:100000]",
    ),
    _attack(
        "answers when it is over", "blocked",
        "import atexit, os\natexit.register(lambda: os.write(3, b'[\"{}\", \"\", 0.0]'))",
    ),
    _attack(
        "answers deeper than any parser", "contained",
        "x = []\nfor _ in range(100000): x = [x]\nreturn x", *_STOPPED, "wrong_answer",
    ),
    _attack("answers with 100 MB", "contained", "return 'x' * 100_000_000", *_STOPPED, "wrong_answer"),
    _attack(
        "breaks the interpreter with made-up bytecode", "contained",
        "def f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([100, 255] * 64), co_consts=())\nreturn f()",
        *_STOPPED, "wrong_answer",
    ),
    _attack(
        "calls the engine's own modules", "blocked",
        "got = []\nfor name in ('eryx', '_eryx', 'wit_world', 'invoke', 'list_callbacks', 'pyseccomp', 'adapters', 'bot', 'bot.config'):\n    try: got.append(__import__(name))\n    except Exception: pass\nreturn any(hasattr(each, 'Settings') for each in got) and world['prize']",
    ),
)  # fmt: skip


def _js(name: str, ends: Ends, body: str, *verdicts: str) -> Attack:
    return Attack(name, ends, f"function attack(world) {{\n{body}\n}}\n", verdicts)


JAVASCRIPT = (
    _js("asks for node's doors", "blocked", "return typeof process + typeof require + typeof Deno + typeof fetch === 'undefined'.repeat(4) ? 0 : world.prize;"),
    _js("imports a module", "blocked", "return import('fs').then((fs) => fs.readFileSync(world.secret, 'utf8'), () => 0);"),
    _js("asks for quickjs's own doors", "blocked", "return [typeof std, typeof os, typeof bjson, typeof loadScript].every((t) => t === 'undefined') ? 0 : world.prize;"),
    _js("makes code from text", "blocked", "return [].constructor.constructor('return this.process && this.process.env')() || 0;"),
    _js("walks to the caller", "blocked", "try { return attack.caller && attack.caller.arguments[0]; } catch { return 0; }"),
    _js("rewrites JSON and arrays", "blocked", "JSON.stringify = () => '{\"ok\": true}'; Array.prototype.toJSON = () => 1; globalThis.__case = () => '{}'; return 0;"),
    _js("answers with a value that equals everything", "blocked", "return { toJSON() { return world.prize + '!'; }, valueOf() { return true; } };"),
    _js("throws what is no error", "blocked", "throw null;"),
    _js("throws a syntax error by itself", "blocked", "throw new SyntaxError('x');"),
    _js("answers with a promise without end", "blocked", "return new Promise(() => {});"),
    _js("answers later and later", "contained", "const on = () => Promise.resolve().then(on); return on();", "time_limit", "memory_limit", "runtime_error"),
    _js("loops for ever", "contained", "for (;;);", "time_limit"),
    _js("loops and catches everything", "contained", "for (;;) { try { for (;;); } catch {} finally { continue; } }", "time_limit"),
    _js("allocates at once", "contained", "return new ArrayBuffer(2 ** 40).byteLength;", "memory_limit", "runtime_error"),
    _js("allocates bit by bit", "contained", "const a = []; for (;;) a.push(new Array(1000).fill(1));", "memory_limit"),
    _js("doubles a text", "contained", "let s = 'x'; for (;;) s += s;", "memory_limit", "runtime_error", "time_limit"),
    _js("prints without end", "contained", "for (;;) console.log('x'.repeat(1000));", "output_limit", "runtime_error"),
    _js("recurses without end", "contained", "const f = () => f() + 1; return f();", "runtime_error", "memory_limit"),
    _js("recurses through sort", "contained", "const f = () => [2, 1].sort(f); return f();", "runtime_error", "memory_limit", "time_limit"),
    _js("backtracks in a pattern", "contained", "return /(a+)+b/.test('a'.repeat(64));", "time_limit"),
    _js("multiplies huge numbers", "contained", "let x = 7n ** 100000n; for (;;) x = x * x;", "time_limit", "memory_limit", "runtime_error"),
    _js("sorts for ever in C", "contained", "for (;;) new Float64Array(1e6).fill(1).sort((a, b) => b - a);", "time_limit", "memory_limit"),
    _js("answers deeper than any parser", "contained", "let x = []; for (let i = 0; i < 1e5; i++) x = [x]; return x;", "wrong_answer", "runtime_error"),
    _js("answers with 50 MB", "contained", "return 'x'.repeat(5e7);", "wrong_answer", "runtime_error", "memory_limit", "output_limit", "time_limit"),
    _js("answers with a circle", "blocked", "const x = {}; x.x = x; return x;"),
    _js("answers through a proxy", "blocked", "return new Proxy([], { get() { throw world.prize; } });"),
)  # fmt: skip
