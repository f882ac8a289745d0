"""The life of the three packages in a bare Debian root: install, run as the units say, upgrade, remove, purge. Called by
packages_test.sh inside its own mount, network and process namespaces: inside.py ROOT FIRST_DEBS SECOND_DEBS"""
import glob
import json
import os
import stat
import subprocess
import sys
import time
import urllib.request

from supervisor import Service, account

root, first, second = sys.argv[1:4]
agent_data = f"{root}/var/lib/kioskwatch"
collector_data = f"{root}/var/lib/kioskwatch-collector"
checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        for log in glob.glob(f"{root}/tmp/*.log"):
            with open(log) as lines:
                print(f"--- {log}\n{lines.read()}", file=sys.stderr)
        sys.exit(f"packages: not so: {what}")


def inside(*command, accept=(0,)):
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["chroot", root, *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check(done.returncode in accept, f"{command} exits with {accept}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def dpkg_install(folder):
    names = [os.path.basename(deb) for deb in glob.glob(f"{folder}/*.deb")]
    check(len(names) == 3, f"three packages in {folder}")
    for name in names:
        with open(f"{folder}/{name}", "rb") as source, open(f"{root}/tmp/{name}", "wb") as copy:
            copy.write(source.read())
    return inside("dpkg", "-i", *[f"/tmp/{name}" for name in names])


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def all_private(folder, uid):
    for place, folders, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            info = os.lstat(path)
            check(info.st_uid == uid, f"{path} belongs to uid {uid}, not {info.st_uid}")
            check(not info.st_mode & 0o077, f"{path} is its owner's alone: {oct(info.st_mode)}")


def until(limit, question, what):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    check(False, what)


def terminal_state():
    try:
        with urllib.request.urlopen("http://127.0.0.1:7080/api/v1/terminals", timeout=5) as answer:
            items = json.load(answer)["items"]
    except OSError:
        return None
    return items[0]["state"] if items else None


def listening():
    ports = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                if fields[3] == "0A":  # LISTEN
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


def outbox():
    return json.loads(inside("kioskctl", "outbox", "--json", accept=(0, 1)))["outbox"]


with open(f"{root}/etc/hosts", "w") as hosts:  # a bare root has none; every installed Debian has
    hosts.write("127.0.0.1 localhost\n")

# ---- install ---------------------------------------------------------------------------------------
said = dpkg_install(first)
check("kiosk-agent enroll" in said and "kiosk-collector init" in said, "the installation says what to do next")
agent_uid = account(root, "kioskwatch")[0]
collector_uid = account(root, "kioskwatch-collector")[0]
check(agent_uid != collector_uid and 0 not in (agent_uid, collector_uid), "two users of their own")
check(mode(agent_data) == 0o700 and os.stat(agent_data).st_uid == agent_uid, "the agent's folder is its own")
check(mode(collector_data) == 0o700 and os.stat(collector_data).st_uid == collector_uid, "so is the collector's")
check(mode(f"{root}/etc/kioskwatch/agent.toml") == 0o640, "agent.toml is not for everybody")
wants = f"{root}/etc/systemd/system/multi-user.target.wants"
for unit in ("kiosk-agent.service", "kiosk-collector.service"):
    check(os.path.lexists(f"{wants}/{unit}"), f"{unit} is enabled")

# ---- run as the units say --------------------------------------------------------------------------
collector = Service(root, "kiosk-collector.service")
check(not collector.condition_holds(), "the collector does not start before init")
inside("kiosk-collector", "init")
all_private(collector_data, collector_uid)
collector.start(f"{root}/tmp/collector.log")
check(collector.await_word("READY=1", 60), "the collector tells that it is ready")
token = inside("kiosk-collector", "token", "new", "--terminal", "GD-PKG-0001").strip()

agent = Service(root, "kiosk-agent.service").start(f"{root}/tmp/agent.log")
check(agent.await_word("READY=1", 60), "the agent is ready although it is not enrolled yet")
inside("kiosk-agent", "enroll", "--server", "https://localhost:7443", "--token", token)
until(60, lambda: terminal_state() == "online", "the running agent takes its new identity and comes online")
all_private(agent_data, agent_uid)
check(listening() == {7443, 7080}, f"nobody but the collector listens: {listening()}")
for name, service in (("kiosk-agent", agent), ("kiosk-collector", collector)):
    with open(f"/proc/{service.pid}/status") as lines:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    check(status["Umask"] == "0077", f"{name} has the unit's umask")
    check(status["NoNewPrivs"] == "1", f"{name} gains no privileges")
    check(service.await_word("WATCHDOG=1", service.watchdog / 2), f"{name} reports to its watchdog")
    check(service.await_word("WATCHDOG=1", service.watchdog / 2), f"{name} goes on reporting in time")

# ---- upgrade ---------------------------------------------------------------------------------------
with open(f"{root}/etc/kioskwatch/agent.toml", "a") as config:
    config.write("# a person's own line\n")
epochs = len(outbox()["epochs"])
check(agent.stop() == 0, "the agent stops well")
check("STOPPING=1" in agent.told, "and says so")
dpkg_install(second)
with open(f"{root}/etc/kioskwatch/agent.toml") as config:
    check("a person's own line" in config.read(), "an edited agent.toml survives the upgrade")
check(collector.running(), "the collector goes on while its files are replaced")
check(collector.stop() == 0, "the collector stops well")
check("STOPPING=1" in collector.told, "and says so")
collector = Service(root, "kiosk-collector.service").start(f"{root}/tmp/collector.log")
check(collector.await_word("READY=1", 60), "the new collector is ready on the old data")
check(terminal_state() is not None, "it still knows the terminal")
agent = Service(root, "kiosk-agent.service").start(f"{root}/tmp/agent.log")
check(agent.await_word("READY=1", 60), "the new agent is ready on the old data")
until(60, lambda: terminal_state() == "online", "the old identity still holds")
until(60, lambda: outbox()["unacknowledged"] == 0, "everything is acknowledged")
check(len(outbox()["epochs"]) > epochs, "the outbox went on, one epoch later")
check(agent.stop() == 0 and collector.stop() == 0, "both stop well")

# ---- a deleted configuration stays deleted ---------------------------------------------------------
os.remove(f"{root}/etc/kioskwatch/agent.toml")
dpkg_install(second)
check(not os.path.exists(f"{root}/etc/kioskwatch/agent.toml"), "dpkg respects that a person deleted agent.toml")
with open(f"{root}/etc/kioskwatch/agent.toml", "w") as config:
    config.write("# anew\n")

# ---- remove and purge ------------------------------------------------------------------------------
inside("dpkg", "--remove", "kiosk-agent", "kiosk-collector", "kioskctl")
check(not os.path.exists(f"{root}/usr/bin/kiosk-agent"), "remove removes the programs")
check(os.path.exists(f"{agent_data}/outbox.db"), "remove keeps the outbox")
check(os.path.exists(f"{root}/etc/kioskwatch/agent.toml"), "remove keeps the configuration")
said = inside("dpkg", "--purge", "kiosk-agent", "kiosk-collector", "kioskctl")
check(not os.path.exists(agent_data), "purge removes the kiosk's identity and outbox")
check(not os.path.exists(f"{root}/etc/kioskwatch"), "purge removes the configuration")
check(os.path.exists(f"{collector_data}/collector.db") and "is kept" in said, "purge keeps work orders and says so")
check(not any(os.path.lexists(f"{wants}/{unit}") for unit in ("kiosk-agent.service", "kiosk-collector.service")),
      "nothing stays enabled")
print(f"packages: {checks} checks passed")
