// What one `kioskctl probe` after the other cannot show of SNMPv3: several sessions in one program,
// and one that outlives its agent. snmp_sessions PORT WRONG_PORT: the same agent and user, with the
// right passphrases and with others. A line on standard input: the agent has begun anew.
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "drivers/catalogue.hpp"
#include "drivers/ports/open.hpp"
#include "drivers/ports/snmp_session.hpp"

namespace {

using namespace kw;
using namespace kw::drivers;
using std::chrono::seconds;

const SystemClock real_clock;
constexpr int rounds = 20;

MonoTime soon() { return real_clock.mono() + seconds{10}; }

/// A wire at which an answer is waited for until it is cancelled.
class Silence final : public Port {
 public:
  Result<void> write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) override {
    return {};
  }
  Result<std::size_t> read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) override {
    std::unique_lock ours{mutex_};
    waited_for_ = true;
    changed_.notify_all();
    changed_.wait(ours, [&] { return cancelled_; });
    return Error{Errc::disconnected, "cancelled"};
  }
  void discard() override {}
  void cancel() noexcept override {
    const std::lock_guard ours{mutex_};
    cancelled_ = true;
    changed_.notify_all();
  }
  MonoTime now() const override { return real_clock.mono(); }

  void await_reader() {
    std::unique_lock ours{mutex_};
    changed_.wait(ours, [&] { return waited_for_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waited_for_ = false;
  bool cancelled_ = false;
};

/// A printer as the agent program has it.
struct Printer {
  explicit Printer(const std::string& at) : address(*PortAddress::parse(at)) {
    std::vector<Error> wrong;
    const auto* card = find("snmp");
    driver = *card->make(Settings::read(card->settings, {}, wrong));
  }

  Result<void> open() {
    auto opened = open_port(address, real_clock, soon());
    if (!opened) return std::move(opened).error();
    port = std::move(*opened);
    return driver->open(*port, soon());
  }
  /// What is wrong with the answer; nothing when there is one.
  std::string asked_once() {
    const auto opened = open();
    const auto status = opened ? driver->poll(soon()) : Result<wire::Status>{opened.error()};
    driver->close();
    port.reset();
    return status ? "" : status.error().text();
  }

  PortAddress address;
  std::unique_ptr<Port> port;
  std::unique_ptr<Driver> driver;
};

/// How many of the rounds did not end so.
void ask_often(const std::string& at, const std::string& expected, int& strange) {
  Printer printer{at};
  for (int i = 0; i < rounds; ++i) {
    const auto wrong = printer.asked_once();
    if (wrong.find(expected) != std::string::npos && wrong.empty() == expected.empty()) continue;
    std::cerr << "expected \"" << expected << "\", got \"" << wrong << "\"\n";
    ++strange;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  Printer held{arguments[1]};
  if (const auto opened = held.open(); !opened) {
    std::cerr << opened.error().text() << '\n';
    return 1;
  }

  // While one waits for an answer, the others are not kept; each asks with its own passphrases.
  Silence silence;
  const SnmpUser user{.name = "kiosk", .level = SnmpUser::Level::no_auth_no_priv};
  const auto session = open_snmp_v3(user, {}, silence);
  if (!session) return 1;
  Errc ended{};
  std::thread waiting{[&] {
    const std::vector<snmp::Oid> names{{1, 3, 6, 1}};
    const auto answer = (*session)->ask(snmp::Pdu::get_next, 0, names, soon());
    if (!answer) ended = answer.error().code();
  }};
  silence.await_reader();
  int strange_right = 0;
  int strange_wrong = 0;
  std::thread right{[&] { ask_often(arguments[1], "", strange_right); }};
  std::thread wrong{[&] { ask_often(arguments[2], "authentication failed", strange_wrong); }};
  right.join();
  wrong.join();
  silence.cancel();
  waiting.join();
  if (ended != Errc::disconnected || strange_right + strange_wrong != 0) return 1;
  if (const auto status = held.driver->poll(soon()); !status) {
    std::cerr << "held: " << status.error().text() << '\n';
    return 1;
  }

  // An agent that begins anew and has forgotten how often it did: one miss, not silence for ever.
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  const auto first = held.driver->poll(soon());
  std::cout << (first ? "answered" : first.error().text()) << std::endl;
  const auto second = held.driver->poll(soon());
  std::cout << (second ? "answered" : second.error().text()) << std::endl;
  held.driver->close();
}
