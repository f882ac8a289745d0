"""Runs a service as its unit file says, for tests on machines where no systemd runs: ExecStart with EnvironmentFile,
User, Group, SupplementaryGroups, UMask, StateDirectory, ConditionPathExists, NoNewPrivileges, LimitNOFILE (as far as allowed), Type=notify
with NOTIFY_SOCKET, NotifyAccess=main and the watchdog, inside a root folder. What it does not do: namespaces, system call
and device filters; systemd-analyze judges those from the file."""
import configparser
import ctypes
import os
import re
import resource
import shlex
import signal
import socket
import struct
import time

PR_SET_NO_NEW_PRIVS = 38  # prctl(2)
SCM_CREDENTIALS = 2  # unix(7)
SO_PASSCRED = 16


class Manifold(dict):
    """A key that stands twice in a unit file adds to what it said first."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list) and isinstance(self[key], list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def read_unit(path):
    parser = configparser.RawConfigParser(dict_type=Manifold, strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path)
    values = {}
    for section in parser.sections():
        values[section] = {key: value.split("\n") for key, value in parser.items(section)}
    return values


def seconds(text):
    match = re.fullmatch(r"(\d+)(s|min)?", text)
    if not match:
        raise ValueError(f"time span {text!r}")
    return int(match[1]) * (60 if match[2] == "min" else 1)


def account(root, name):
    """uid and gid of a user, by the root's own passwd."""
    with open(f"{root}/etc/passwd") as lines:
        for line in lines:
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2]), int(fields[3])
    raise LookupError(f"no user {name} in {root}")


def group(root, name):
    with open(f"{root}/etc/group") as lines:
        for line in lines:
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2])
    raise LookupError(f"no group {name} in {root}")


class Service:
    """One start of a unit."""

    def __init__(self, root, unit):
        self.root = root
        self.name = unit
        sections = read_unit(f"{root}/lib/systemd/system/{unit}")
        self.unit = sections.get("Unit", {})
        self.service = sections["Service"]
        self.told = []
        self.pid = None

    def one(self, key, default=None):
        return self.service.get(key, [default])[-1]

    def condition_holds(self):
        return all(os.path.exists(self.root + path) for path in self.unit.get("ConditionPathExists", []))

    def environment(self):
        values = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        for entry in self.service.get("EnvironmentFile", []):
            path = self.root + entry.lstrip("-")
            if not os.path.exists(path):
                if entry.startswith("-"):
                    continue
                raise FileNotFoundError(path)
            with open(path) as lines:
                for line in lines:
                    line = line.strip()
                    if line and not line.startswith("#"):
                        key, _, value = line.partition("=")
                        values[key] = value.strip('"')
        return values

    def command(self, environment):
        words = []
        for word in shlex.split(self.one("ExecStart")):
            if word.startswith("$"):
                words.extend(environment.get(word[1:].strip("{}"), "").split())
            else:
                words.append(word)
        return words

    def start(self, log):
        if self.one("Type") != "notify":
            raise ValueError("only Type=notify is known here")
        if not self.condition_holds():
            raise FileNotFoundError(f"{self.name}: condition not met")
        uid, gid = account(self.root, self.one("User"))
        groups = [group(self.root, name) for line in self.service.get("SupplementaryGroups", []) for name in line.split()]
        for name in self.one("StateDirectory", "").split():
            folder = f"{self.root}/var/lib/{name}"
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, uid, gid)
            os.chmod(folder, int(self.one("StateDirectoryMode", "0755"), 8))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"kw-test/{os.getpid()}/{self.name}"
        self.socket.bind("\0" + address)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        environment = self.environment()
        environment["NOTIFY_SOCKET"] = "@" + address
        self.watchdog = seconds(self.one("WatchdogSec"))
        self.pid = os.fork()
        if self.pid == 0:
            try:
                environment["WATCHDOG_USEC"] = str(self.watchdog * 1_000_000)
                environment["WATCHDOG_PID"] = str(os.getpid())
                output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                os.dup2(output, 1)
                os.dup2(output, 2)
                limit = self.one("LimitNOFILE")
                if limit:
                    # systemd may raise it, a test may not.
                    most = min(int(limit), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
                    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
                os.chroot(self.root)
                os.chdir("/")
                os.umask(int(self.one("UMask", "0022"), 8))
                os.setgroups(groups)
                os.setgid(gid)
                os.setuid(uid)
                if self.one("NoNewPrivileges") == "yes":
                    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                command = self.command(environment)
                os.execve(command[0], command, environment)
            except BaseException as why:  # the child must never run the test's code
                os.write(2, f"supervisor: {why}\n".encode())
            finally:
                os._exit(203)  # EXIT_EXEC, as systemd.exec(5) has it
        return self

    def hear(self, limit):
        """The next notification of the main process, or None when none came in time or the process ended."""
        until = time.monotonic() + limit
        while True:
            left = until - time.monotonic()
            if left <= 0 or not self.running():
                return None
            self.socket.settimeout(min(left, 0.5))
            try:
                data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
            except TimeoutError:
                continue
            pid = struct.unpack("iii", ancillary[0][2])[0]
            if pid != self.pid:
                raise PermissionError(f"notification of process {pid}: NotifyAccess=main")
            lines = data.decode().splitlines()
            self.told.extend(lines)
            return lines

    def await_word(self, word, limit):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            lines = self.hear(until - time.monotonic())
            if lines is None:
                break
            if any(line.startswith(word) for line in lines):
                return True
        return False

    def running(self):
        if self.pid is None:
            return False
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self.status = os.waitstatus_to_exitcode(status)
            self.pid = None
        return not ended

    def stop(self):
        """SIGTERM; its exit code. The limit is the unit's own."""
        os.kill(self.pid, signal.SIGTERM)
        until = time.monotonic() + seconds(self.one("TimeoutStopSec"))
        while self.running():
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"{self.name} did not stop within TimeoutStopSec")
            self.hear(0.5)
        return self.status
