"""Makes a Python on Linux or macOS as poor as one on Windows: what POSIX alone has is gone.

Other people's packages, which have ways of their own on Windows, are loaded before: it is this project's own modules
that must do without.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import ModuleType

OTHERS = (
    *("asyncio", "getpass", "http.client", "multiprocessing", "shutil", "subprocess", "tempfile", "uuid"),
    *("boto3", "botocore.httpsession", "click.shell_completion", "click.termui", "rich.live", "rich.status"),
    *("werkzeug.serving", "werkzeug.wrappers"),
)
MODULES = {"crypt", "curses", "fcntl", "grp", "nis", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
NAMES: dict[ModuleType, str] = {
    os: "chown chroot fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp "
    "getpriority getsid getuid initgroups killpg lchown lockf mkfifo mknod nice openpty pathconf posix_spawn "
    "posix_spawnp pread pwrite readv sendfile setegid seteuid setgid setgroups setpgid setpriority setregid setreuid "
    "setsid setuid statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid writev "
    "O_CLOEXEC O_NOFOLLOW O_NONBLOCK",
    signal: "SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGTRAP SIGTSTP "
    "SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm getitimer pause "
    "pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait",
    socket: "AF_UNIX SO_REUSEPORT send_fds recv_fds",
}


class _Absent(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None, /
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname in MODULES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def become(*loaded_before: str) -> None:
    """Take away what Windows hasn't, and call the platform so."""
    for name in (*OTHERS, *loaded_before):
        importlib.import_module(name)
    # What a client needs, botocore loads when it makes the first one.
    sys.modules["boto3"].client("sts", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    for module, names in NAMES.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Absent())
    sys.platform = "win32"
