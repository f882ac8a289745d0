#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"
#include "drivers/simulators/list.hpp"
#include "drivers/simulators/messages.hpp"
#include "drivers/simulators/scenario.hpp"
#include "drivers/simulators/stage.hpp"

namespace {

using namespace kw;

constexpr int failed = 1;
constexpr int refused = 2;
constexpr int offended = 3;  // a device was asked for what must never be asked of it

devices::Stage* playing = nullptr;

extern "C" void stop_playing(int /*signal*/) {
  if (playing != nullptr) playing->stop();
}

/// A line takes one descriptor or two: as many as the system lets us have.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(Lang lang, const std::string& scenario, const std::string& control,
        const devices::Copies& copies, bool asked) {
  allow_descriptors();
  std::vector<config::Problem> problems;
  auto cast = devices::load_scenario(scenario, problems, copies);
  if (!cast) {
    for (const auto& p : problems) std::cerr << p.in(lang) << '\n';
    if (problems.empty()) std::cerr << cast.error().text() << '\n';
    return refused;
  }
  const SystemClock clock;
  auto stage =
      devices::Stage::set_up(std::move(*cast), control, clock, [](const std::string& line) {
        std::cout << line << '\n' << std::flush;  // flushed: whoever waits for it reads a pipe
      });
  if (!stage) {
    std::cerr << stage.error().text() << '\n';
    return failed;
  }
  if (asked) (*stage)->announce_asked();
  playing = stage->get();
  struct sigaction action{};
  action.sa_handler = stop_playing;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  (*stage)->run();
  playing = nullptr;
  if ((*stage)->offence().empty()) return 0;
  std::cerr << devices::messages::offended.in(lang) << (*stage)->offence() << '\n';
  return offended;
}

/// One line up to its end, or what came before the peer left or five seconds passed.
std::string read_line(int fd) {
  const timeval within{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof within);
  std::string out;
  std::array<char, 512> chunk{};
  while (out.find('\n') == std::string::npos) {
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got <= 0) break;
    out.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return out.substr(0, out.find('\n'));
}

int set(Lang lang, const std::string& control, const std::string& device,
        const std::string& condition, bool on) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, control.c_str(), sizeof at.sun_path - 1);
  const platform::Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    std::cerr << devices::messages::nobody_listens.in(lang) << control << ": "
              << std::strerror(errno) << '\n';
    return failed;
  }
  const auto request = boost::json::serialize(boost::json::object{
                           {"device", device}, {"condition", condition}, {"on", on}}) +
                       "\n";
  const auto sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  const auto reply = sent < 0 ? std::string{} : read_line(fd.get());
  boost::system::error_code bad;
  const auto value = boost::json::parse(reply, bad);
  const auto* object = bad ? nullptr : value.if_object();
  if (object == nullptr) {
    std::cerr << devices::messages::no_answer.in(lang) << control << '\n';
    return failed;
  }
  if (const auto* error = object->if_contains("error"); error != nullptr && error->is_string()) {
    std::cerr << std::string_view{error->get_string()} << '\n';
    return refused;
  }
  std::cout << reply << '\n';
  return 0;
}

std::string text(const Text& t, Lang lang) { return std::string{t.in(lang)}; }

}  // namespace

int main(int argc, char** argv) {
  using namespace kw::devices;
  const Lang lang = lang_of_environment();
  CLI::App app{text(messages::program, lang)};
  app.require_subcommand(1);

  std::string scenario;
  std::string control;
  std::string device;
  std::string condition;
  std::string on_or_off;
  auto* run_command = app.add_subcommand("run", text(messages::run, lang));
  run_command->add_option("SCENARIO", scenario, text(messages::scenario, lang))->required();
  run_command->add_option("--control", control, text(messages::control, lang));
  bool asked = false;
  run_command->add_flag("--asked", asked, text(messages::asked, lang));
  Copies copies;
  std::int64_t stagger_ms = 0;
  run_command->add_option("--kiosks", copies.kiosks, text(messages::kiosks, lang))
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000}));
  run_command->add_option("--stagger-ms", stagger_ms, text(messages::stagger, lang))
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{3'600'000}));
  auto* set_command = app.add_subcommand("set", text(messages::set, lang));
  set_command->add_option("--control", control, text(messages::control, lang))->required();
  set_command->add_option("DEVICE", device, text(messages::device, lang))->required();
  set_command->add_option("CONDITION", condition, text(messages::condition, lang))->required();
  set_command->add_option("on|off", on_or_off, text(messages::on_or_off, lang))
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  bool as_json = false;
  bool as_markdown = false;
  auto* list_command = app.add_subcommand("list", text(messages::list, lang));
  list_command->add_flag("--json", as_json, text(messages::json, lang));
  list_command->add_flag("--markdown", as_markdown, text(messages::markdown, lang));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : refused;
  }
  if (list_command->parsed()) {
    std::cout << (as_json       ? boost::json::serialize(list_json(lang)) + "\n"
                  : as_markdown ? list_markdown()
                                : list_text(lang));
    return 0;
  }
  copies.stagger = std::chrono::milliseconds{stagger_ms};
  if (run_command->parsed()) return run(lang, scenario, control, copies, asked);
  return set(lang, control, device, condition, on_or_off == "on");
}
