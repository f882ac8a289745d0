#include "drivers/simulators/stage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace kw::devices {
namespace {

namespace json = boost::json;
using platform::Descriptor;
using platform::port_error;

constexpr std::size_t longest_request = 65536;
constexpr std::size_t most_guests = 8;

std::string change_line(WallTime at, std::string_view device, std::string_view condition, bool on) {
  return json::serialize(json::object{
      {"at_us", micros(at)}, {"device", device}, {"condition", condition}, {"on", on}});
}

std::string error_line(std::string_view text) {
  return json::serialize(json::object{{"error", text}});
}

}  // namespace

/// A device on its port.
struct Stage::Role {
  Device device;
  std::unique_ptr<Line> line;
  struct State {
    bool on = false;
    WallTime since;
  };
  std::map<std::string, State, std::less<>> conditions;
};

/// One client of the control socket.
struct Stage::Guest {
  Descriptor fd;
  std::string heard;
};

/// Something to do at a time: a scripted step, or an answer that takes its time.
struct Stage::Later {
  MonoTime due;
  std::size_t role = 0;
  std::optional<Step> step;
  Bytes answer;
};

Stage::Stage(const Clock& clock, Announce announce)
    : clock_(clock),
      announce_(std::move(announce)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Stage::~Stage() {
  if (control_) ::unlink(control_path_.c_str());
}

Result<std::unique_ptr<Stage>> Stage::set_up(std::vector<Device> devices,
                                             const std::filesystem::path& control,
                                             const Clock& clock, Announce announce) {
  std::unique_ptr<Stage> stage{new Stage{clock, std::move(announce)}};
  stage->roles_.reserve(devices.size());
  for (auto& device : devices) {
    auto line = open_line(device.port);
    if (!line) return std::move(line).error().within(device.name);
    Role role{std::move(device), std::move(*line), {}};
    for (const auto& c : role.device.player->conditions()) {
      role.conditions.emplace(c, Role::State{false, clock.wall()});
    }
    stage->roles_.push_back(std::move(role));
  }
  if (!control.empty()) {
    auto opened = stage->open_control(control);
    if (!opened) return std::move(opened).error();
  }
  return stage;
}

Result<void> Stage::open_control(const std::filesystem::path& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof at.sun_path) {
    return Error{Errc::invalid, text + ": too long for a socket's path"};
  }
  std::memcpy(at.sun_path, text.c_str(), text.size() + 1);
  Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const auto* address = reinterpret_cast<const sockaddr*>(&at);
  if (!fd) return port_error(errno, text);
  int bound = ::bind(fd.get(), address, sizeof at);
  if (bound != 0 && errno == EADDRINUSE) {
    // A socket left behind by a program that was killed answers nobody.
    const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(probe.get(), address, sizeof at) == 0) {
      return Error{Errc::busy, text + ": another kiosk-devices listens there"};
    }
    ::unlink(text.c_str());
    bound = ::bind(fd.get(), address, sizeof at);
  }
  if (bound != 0 || ::listen(fd.get(), 8) != 0) return port_error(errno, text);
  control_ = std::move(fd);
  control_path_ = path;
  return {};
}

std::vector<std::string> Stage::addresses() const {
  std::vector<std::string> out;
  out.reserve(roles_.size());
  for (const auto& role : roles_) out.push_back(role.line->address());
  return out;
}

void Stage::run() {
  const auto start = clock_.mono();
  for (std::size_t i = 0; i < roles_.size(); ++i) {
    const auto& role = roles_[i];
    announce_(json::serialize(json::object{{"device", role.device.name},
                                           {"protocol", role.device.protocol},
                                           {"port", role.line->address()}}));
    for (const auto& step : role.device.steps) schedule({start + step.after, i, step, {}});
  }
  for (;;) {
    play_due();
    std::vector<pollfd> fds;
    fds.reserve(roles_.size() + guests_.size() + 2);
    fds.push_back({stop_.get(), POLLIN, 0});
    for (const auto& role : roles_) fds.push_back({role.line->descriptor(), POLLIN, 0});
    for (const auto& guest : guests_) fds.push_back({guest.fd.get(), POLLIN, 0});
    if (control_ && guests_.size() < most_guests) fds.push_back({control_.get(), POLLIN, 0});

    const int wait = later_.empty() ? -1 : platform::poll_wait(clock_.mono(), later_.front().due);
    if (::poll(fds.data(), fds.size(), wait) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) {
      std::uint64_t asked = 0;
      [[maybe_unused]] const auto taken = ::read(stop_.get(), &asked, sizeof asked);
      later_.clear();
      return;
    }
    std::size_t at = 1;
    for (auto& role : roles_) {
      if (fds[at++].revents != 0) hear(role);
    }
    if (!offence_.empty()) return;
    std::vector<std::size_t> gone;
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      if (fds[at++].revents != 0 && !hear_guest(guests_[i])) gone.push_back(i);
    }
    for (auto it = gone.rbegin(); it != gone.rend(); ++it) {
      guests_.erase(guests_.begin() + static_cast<std::ptrdiff_t>(*it));
    }
    if (at < fds.size() && fds[at].revents != 0) admit_guest();
  }
}

void Stage::stop() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
}

Result<std::string> Stage::change(std::string_view device, std::string_view condition, bool on) {
  const auto role =
      std::ranges::find_if(roles_, [&](const Role& r) { return r.device.name == device; });
  if (role == roles_.end()) {
    std::vector<std::string> known;
    known.reserve(roles_.size());
    for (const auto& r : roles_) known.push_back(r.device.name);
    return Error{Errc::missing,
                 "no device \"" + std::string{device} + "\" (" + list_of(known) + ")"};
  }
  const auto state = role->conditions.find(condition);
  if (state == role->conditions.end()) {
    return Error{Errc::missing, std::string{device} + ": no condition \"" + std::string{condition} +
                                    "\" (" + list_of(role->device.player->conditions()) + ")"};
  }
  // The answer to a change that changes nothing says since when it has been so.
  if (state->second.on == on) return change_line(state->second.since, device, condition, on);
  const auto said = role->device.player->set(condition, on);
  state->second = {on, clock_.wall()};
  if (!said.empty()) role->line->send(said);
  auto line = change_line(state->second.since, device, condition, on);
  announce_(line);
  return line;
}

void Stage::schedule(Later later) {
  const auto at = std::ranges::upper_bound(later_, later.due, {}, &Later::due);
  later_.insert(at, std::move(later));
}

void Stage::play_due() {
  const auto now = clock_.mono();
  while (!later_.empty() && later_.front().due <= now) {
    const Later due = std::move(later_.front());
    later_.erase(later_.begin());
    auto& role = roles_[due.role];
    if (!due.step) {
      role.line->send(due.answer);
    } else {
      // Steps were checked against the player when the scenario was read.
      [[maybe_unused]] const auto done =
          change(role.device.name, due.step->condition, due.step->on);
    }
  }
}

void Stage::hear(Role& role) {
  Bytes bytes;
  const auto index = static_cast<std::size_t>(&role - roles_.data());
  const auto forget_answers = [&] {
    std::erase_if(later_, [&](const Later& l) { return l.role == index && !l.step; });
  };
  switch (role.line->take(bytes)) {
    case Line::Event::nothing:
      return;
    case Line::Event::met:
      role.device.player->meet();
      return;
    case Line::Event::left:
      forget_answers();
      return;
    case Line::Event::bytes:
      break;
  }
  auto answer = role.device.player->answer(bytes);
  if (!answer.note.empty()) tell(role, "note", answer.note);
  if (!answer.offence.empty()) {
    tell(role, "offence", answer.offence);
    offence_ = role.device.name + ": " + answer.offence;
  }
  if (answer.bytes.empty()) return;
  if (answer.after <= Duration::zero()) {
    role.line->send(answer.bytes);
  } else {
    schedule({clock_.mono() + answer.after, index, std::nullopt, std::move(answer.bytes)});
  }
}

void Stage::tell(const Role& role, std::string_view key, const std::string& what) {
  announce_(json::serialize(
      json::object{{"at_us", micros(clock_.wall())}, {"device", role.device.name}, {key, what}}));
}

void Stage::admit_guest() {
  Descriptor fd{::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (fd) guests_.push_back({std::move(fd), {}});
}

bool Stage::hear_guest(Guest& guest) {
  std::array<char, 4096> chunk{};
  const auto got = ::read(guest.fd.get(), chunk.data(), chunk.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  guest.heard.append(chunk.data(), static_cast<std::size_t>(got));
  for (auto end = guest.heard.find('\n'); end != std::string::npos; end = guest.heard.find('\n')) {
    const auto reply = obey(guest.heard.substr(0, end)) + "\n";
    guest.heard.erase(0, end + 1);
    if (::send(guest.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL) !=
        static_cast<std::ptrdiff_t>(reply.size())) {
      return false;  // does not read its answers
    }
  }
  return guest.heard.size() <= longest_request;
}

std::string Stage::obey(const std::string& request) {
  boost::system::error_code bad;
  const auto value = json::parse(request, bad);
  const auto* object = bad ? nullptr : value.if_object();
  const auto* device = object != nullptr ? object->if_contains("device") : nullptr;
  const auto* condition = object != nullptr ? object->if_contains("condition") : nullptr;
  const auto* on = object != nullptr ? object->if_contains("on") : nullptr;
  if (device == nullptr || !device->is_string() || condition == nullptr ||
      !condition->is_string() || on == nullptr || !on->is_bool()) {
    return error_line("expected {\"device\":\"…\",\"condition\":\"…\",\"on\":true}");
  }
  const auto done = change(std::string_view{device->get_string()},
                           std::string_view{condition->get_string()}, on->get_bool());
  return done ? *done : error_line(done.error().text());
}

}  // namespace kw::devices
