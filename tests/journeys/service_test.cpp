// The agent under a service manager: a socket that takes its notifications, played by the test.
#include "common/platform/service.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

/// The manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(std::string name) : name_(std::move(name)) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    REQUIRE(name_.size() < sizeof at.sun_path);
    std::memcpy(at.sun_path, name_.data(), name_.size());
    if (name_.front() == '@') at.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + name_.size();
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&at), static_cast<socklen_t>(length)) == 0);
  }
  ~Manager() { close(fd_); }

  const std::string& name() const { return name_; }
  /// The next message, or nothing within `limit`.
  std::optional<std::string> next(std::chrono::milliseconds limit) const {
    pollfd wanted{fd_, POLLIN, 0};
    if (poll(&wanted, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    std::string out(4096, '\0');
    const auto got = recv(fd_, out.data(), out.size(), 0);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }
  /// Takes messages until one begins with `text`.
  bool hears(std::string_view text) const {
    while (const auto message = next(20s)) {
      if (message->starts_with(text)) return true;
    }
    return false;
  }
  /// Nothing comes for `limit`, after what is under way for `first` was taken.
  bool silent(std::chrono::milliseconds first, std::chrono::milliseconds limit) const {
    eventually(20s, [&] { return !next(first); });
    return !next(limit);
  }

 private:
  std::string name_;
  int fd_ = -1;
};

std::vector<pid_t> threads(pid_t process, std::string_view name) {
  std::vector<pid_t> out;
  const std::filesystem::path tasks{"/proc/" + std::to_string(process) + "/task"};
  for (const auto& task : std::filesystem::directory_iterator{tasks}) {
    std::ifstream in{task.path() / "comm"};
    std::string comm;
    std::getline(in, comm);
    if (comm == name) out.push_back(std::stoi(task.path().filename()));
  }
  return out;
}

/// One thread of another process stands still as long as this lives.
class Frozen {
 public:
  explicit Frozen(pid_t thread) : thread_(thread) {
    REQUIRE(ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) == 0);
    REQUIRE(ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) == 0);
    REQUIRE(waitpid(thread_, nullptr, __WALL) == thread_);
  }
  ~Frozen() { ptrace(PTRACE_DETACH, thread_, nullptr, nullptr); }

 private:
  pid_t thread_;
};

}  // namespace

TEST_CASE("notifications reach a socket with a path and one with an abstract name") {
  const TempFolder folder;
  const auto abstract = "@kioskwatch-test-" + std::to_string(getpid());
  for (const auto& name : {(folder / "notify").string(), abstract}) {
    const Manager manager{name};
    const platform::ServiceNotifier service{name, 1s};
    service.ready("two\nlines");
    CHECK(manager.next(20s) == "READY=1\nSTATUS=two");
    service.status("works");
    CHECK(manager.next(20s) == "STATUS=works");
    service.alive();
    CHECK(manager.next(20s) == "WATCHDOG=1");
    service.stopping();
    CHECK(manager.next(20s) == "STOPPING=1");
  }
  // Nobody there: told or not, the service goes on.
  platform::ServiceNotifier{"", {}}.ready("");
  platform::ServiceNotifier{(folder / "nobody").string(), {}}.ready("");
  platform::ServiceNotifier{std::string(300, 'x'), {}}.ready("");
}

TEST_CASE("the watchdog's interval is taken from the environment when it is meant for us") {
  struct Row {
    const char* usec;
    std::string pid;
    std::optional<Duration> expected;
  };
  const auto own = std::to_string(getpid());
  for (const auto& row :
       {Row{"2000000", own, 2s}, Row{"2000000", "", 2s}, Row{"2000000", "1", std::nullopt},
        Row{"0", own, std::nullopt}, Row{"2s", own, std::nullopt}, Row{"", own, std::nullopt}}) {
    CAPTURE(row.usec);
    setenv("WATCHDOG_USEC", row.usec, 1);
    setenv("WATCHDOG_PID", row.pid.c_str(), 1);
    CHECK(platform::ServiceNotifier::of_this_process().watchdog() == row.expected);
  }
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

TEST_CASE("the agent is ready when it answers, alive while it moves, and says that it stops") {
  const TempFolder folder;
  const PrintersRig printers{folder / "printers", 2, 100'000, 1};
  AgentRig agent{folder / "agent", printers.configuration()};
  const Manager manager{(folder / "notify").string()};
  agent.start({"NOTIFY_SOCKET=" + manager.name(), "WATCHDOG_USEC=600000"});
  const auto ready = manager.next(20s);
  REQUIRE(ready);
  CHECK(*ready == "READY=1\nSTATUS=devices=2 problems=0");
  CHECK(agent.unacknowledged() >= 0);  // kioskctl is answered already
  for (int i = 0; i < 3; ++i) CHECK(manager.hears("WATCHDOG=1"));

  const auto pid = agent.process().pid();
  const auto outbox = threads(pid, "outbox");
  const auto workers = threads(pid, "poll");
  REQUIRE(outbox.size() == 1);
  REQUIRE(workers.size() == 2);
  {
    const Frozen one_device{workers[0]};
    for (int i = 0; i < 6; ++i) CHECK(manager.hears("WATCHDOG=1"));
  }
  {
    // The first of these may still be told: an answer is awaited for one interval.
    const Frozen the_outbox{outbox[0]};
    CHECK(manager.silent(600ms, 2s));
  }
  CHECK(manager.hears("WATCHDOG=1"));
  {
    const Frozen io{pid};
    CHECK(manager.silent(600ms, 2s));
  }
  CHECK(manager.hears("WATCHDOG=1"));

  agent.process().signal(SIGTERM);
  CHECK(manager.hears("STOPPING=1"));
  CHECK(agent.stop() == 0);
}
