"""The operating system's walls, put up by the process that goes behind them: Landlock, seccomp, rlimits (Linux).

None of it can be taken down again, and children inherit it. Each function says whether its wall stands; who calls
decides what that means. Landlock is spoken to directly: three system calls, the same numbers on every architecture.
"""

import contextlib
import ctypes
import errno
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

LINUX = sys.platform == "linux"

# Landlock: the numbers of linux/landlock.h.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = 1 << 2 | 1 << 3  # READ_FILE, READ_DIR
_READ_ONE = 1 << 2  # what a rule on a single file may allow
_WRITE = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8  # WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG
_TRUNCATE = 1 << 14  # ABI 3
_FILES = {1: 13, 2: 14, 3: 15, 4: 15}  # ABI: how many rights on files it knows; 16 from ABI 5

# seccomp: everything that reaches other processes, the network, the kernel's own settings, or starts a program.
_BROAD = (
    "execve execveat fork vfork ptrace process_vm_readv process_vm_writev process_madvise kill tkill pidfd_open"
    " pidfd_getfd pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo kcmp socket connect bind listen accept accept4"
    " mount umount2 move_mount fsopen fsconfig fsmount fspick open_tree mount_setattr pivot_root chroot unshare setns"
    " bpf perf_event_open io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key init_module"
    " finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff open_by_handle_at name_to_handle_at"
    " setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset personality quotactl"
    " acct settimeofday clock_settime clock_adjtime adjtimex iopl ioperm mknod mknodat sethostname setdomainname"
    " syslog vhangup nfsservctl fanotify_init userfaultfd setsid setpgid chmod fchmod fchmodat chown fchown fchownat"
).split()

# What one Python process needs that computes and starts nothing. Everything else is refused, things unknown today too.
_STRICT = (
    "read readv write writev pread64 close fstat newfstatat stat lstat statx lseek access faccessat faccessat2 open"
    " openat getdents64 readlink readlinkat getcwd dup fcntl mmap munmap mremap mprotect madvise brk futex"
    " rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack sched_yield sched_getaffinity getpid gettid getppid getuid"
    " geteuid getgid getegid getrandom clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times"
    " getrusage uname sysinfo exit exit_group restart_syscall rseq set_robust_list arch_prctl poll ppoll select pselect6"
).split()


def limits(
    *, address_space: int = 0, seconds: int = 0, files: int = 64, written: int = 0, stack: int = 0
) -> None:
    """Bytes of address space, seconds of CPU, open files, bytes of a written file, bytes of stack; 0 leaves the first
    two and the last as they are."""
    import resource

    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, files), (resource.RLIMIT_FSIZE, written)]
    if address_space:
        wanted.append((resource.RLIMIT_AS, address_space))
    if seconds:
        wanted.append((resource.RLIMIT_CPU, seconds))
    for what, value in wanted:
        hard = resource.getrlimit(what)[1]
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (bounded, bounded))
    if stack:
        hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
        bounded = stack if hard == resource.RLIM_INFINITY else min(stack, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some sizes; the old one holds then
            resource.setrlimit(resource.RLIMIT_STACK, (bounded, hard))


def die_with_parent() -> None:
    """When the bot is killed, so are we."""
    if LINUX:
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def landlock(*, read: Sequence[str] = (), write: Sequence[str] = ()) -> bool:
    """No file but those beneath `read` (contents only) and `write`; no TCP; no signals and abstract sockets to the
    outside, as far as the kernel knows these. False where there is no Landlock."""
    if not LINUX:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < 1:
        return False
    handled = (1 << _FILES.get(abi, 16)) - 1
    rules = (ctypes.c_uint64 * 3)(handled, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    ruleset = libc.syscall(
        _CREATE, ctypes.byref(rules), ctypes.c_size_t(24 if abi >= 6 else 16 if abi >= 4 else 8), 0
    )
    if ruleset < 0:
        return False
    for paths, rights in ((read, _READ), (write, _READ | _WRITE | (_TRUNCATE if abi >= 3 else 0))):
        for path in paths:
            _allow(libc, ruleset, path, rights)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    stands: bool = libc.syscall(_RESTRICT, ruleset, ctypes.c_uint32(0)) == 0
    os.close(ruleset)
    return stands


def _allow(libc: Any, ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]  # Linux only
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return  # nothing there: nothing to allow
        raise
    if not os.path.isdir(path):  # noqa: PTH112  # pathlib costs 5 ms of a worker's start
        rights &= _READ_ONE | 1 << 1 | _TRUNCATE
    rule = rights.to_bytes(8, sys.byteorder) + descriptor.to_bytes(
        4, sys.byteorder
    )  # packed, hence no struct
    libc.syscall(_ADD, ruleset, 1, rule, 0)
    os.close(descriptor)


def without_packages(stdlib: str) -> list[str]:
    """The standard library's entries but for what is installed into it: the bot may be, with its questions."""
    with os.scandir(stdlib) as entries:
        return [each.path for each in entries if each.name not in ("site-packages", "dist-packages")]


def broad_filter() -> Any:
    """A seccomp filter for a trusted runtime with threads, None without libseccomp. `load()` puts it up."""
    seccomp = _seccomp()
    if seccomp is None:
        return None
    filter_ = seccomp.SyscallFilter(seccomp.ALLOW)
    _refuse(seccomp, filter_, _BROAD)
    here = os.getpid()
    _rule(filter_, seccomp.ERRNO(errno.EPERM), "tgkill", seccomp.Arg(0, seccomp.NE, here))  # abort() may
    _rule(filter_, seccomp.ERRNO(errno.EPERM), "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    # Threads, yes; processes, no. clone3 hides its flags in memory: glibc falls back to clone.
    _rule(filter_, seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, 0x10000, 0))
    _rule(filter_, seccomp.ERRNO(errno.ENOSYS), "clone3")
    return filter_


def strict_filter() -> Any:
    """A seccomp filter that lets one process compute and nothing else, None without libseccomp."""
    seccomp = _seccomp()
    if seccomp is None:
        return None
    filter_ = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in _STRICT:
        _rule(filter_, seccomp.ALLOW, name)
    _rule(filter_, seccomp.ALLOW, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0))
    _rule(filter_, seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.EQ, 0x5401))  # TCGETS: is it a terminal?
    return filter_


def _seccomp() -> Any:
    if not LINUX:
        return None
    import ctypes.util

    # It would ask ldconfig or a compiler in a process of their own; the loader knows the name without them.
    ctypes.util.find_library = lambda name: None if name == "c" else f"lib{name}.so.2"
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):  # RuntimeError, OSError: no libseccomp on this system
        return None
    return pyseccomp


def _refuse(seccomp: Any, filter_: Any, names: Iterable[str]) -> None:
    for name in names:
        _rule(filter_, seccomp.ERRNO(errno.EPERM), name)


def _rule(filter_: Any, action: Any, name: str, *args: Any) -> None:
    # ValueError: a system call this architecture has not, or libseccomp does not know yet.
    with contextlib.suppress(ValueError):
        filter_.add_rule(action, name, *args)
