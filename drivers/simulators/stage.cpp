#include "drivers/simulators/stage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/simulators/wire.hpp"

namespace kw::devices {
namespace {

namespace json = boost::json;
using platform::Descriptor;
using platform::port_error;

constexpr std::size_t longest_request = 65536;
constexpr std::size_t most_guests = 8;

// What an epoll event is about: a role's index, or one of these, or `guest` and a descriptor.
constexpr std::uint64_t stop_event = std::uint64_t{1} << 32;
constexpr std::uint64_t control_event = std::uint64_t{2} << 32;
constexpr std::uint64_t guest_event = std::uint64_t{3} << 32;

void wait_on(const Descriptor& ready, int fd, std::uint64_t what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = what;
  ::epoll_ctl(ready.get(), EPOLL_CTL_ADD, fd, &event);
}

void wait_no_more(const Descriptor& ready, int fd) {
  ::epoll_ctl(ready.get(), EPOLL_CTL_DEL, fd, nullptr);
}

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
  int watched = -1;         ///< the descriptor that is waited on
  std::size_t answers = 0;  ///< of its answers in `later_`
  bool unplugged = false;
  std::optional<MonoTime> heard = {};  ///< when it was last spoken to
};

/// One client of the control socket.
struct Stage::Guest {
  Descriptor fd;
  std::string heard;
};

/// Something to do at a time: a scripted step, or an answer that takes its time.
struct Stage::Later {
  std::size_t role = 0;
  std::optional<Step> step;
  Bytes answer;
};

Stage::Stage(const Clock& clock, Announce announce)
    : clock_(clock),
      announce_(std::move(announce)),
      ready_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  wait_on(ready_, stop_.get(), stop_event);
}

Stage::~Stage() {
  if (control_) ::unlink(control_path_.c_str());
}

Result<std::unique_ptr<Stage>> Stage::set_up(std::vector<Device> devices,
                                             const std::filesystem::path& control,
                                             const Clock& clock, Announce announce) {
  std::unique_ptr<Stage> stage{new Stage{clock, std::move(announce)}};
  if (!stage->ready_ || !stage->stop_) return port_error(errno, "kiosk-devices");
  stage->roles_.reserve(devices.size());
  for (auto& device : devices) {
    auto line = open_line(device.port);
    if (!line) return std::move(line).error().within(device.name);
    Role role{std::move(device), std::move(*line), {}};
    for (const auto& c : role.device.player->conditions()) {
      role.conditions.emplace(c, Role::State{false, clock.wall()});
    }
    stage->roles_.push_back(std::move(role));
    stage->watch(stage->roles_.back());
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
  listen_for_guests();
  return {};
}

/// As agent.toml takes it, by whatever name a scenario has put the device on its wire.
std::string Stage::port_of(const Role& role) {
  auto out = role.line->address();
  const auto scheme = role.device.player->scheme();
  if (!scheme.empty()) out.replace(0, out.find(':'), scheme);
  return out;
}

std::vector<std::string> Stage::addresses() const {
  std::vector<std::string> out;
  out.reserve(roles_.size());
  for (const auto& role : roles_) out.push_back(port_of(role));
  return out;
}

void Stage::run() {
  const auto start = clock_.mono();
  for (std::size_t i = 0; i < roles_.size(); ++i) {
    const auto& role = roles_[i];
    json::object line{
        {"device", role.device.name}, {"protocol", role.device.protocol}, {"port", port_of(role)}};
    if (role.device.kiosk > 0) line["kiosk"] = role.device.kiosk;
    announce_(json::serialize(line));
    for (const auto& step : role.device.steps) schedule(start + step.after, {i, step, {}});
  }
  std::array<epoll_event, 256> events{};
  for (;;) {
    play_due();
    const int wait =
        later_.empty() ? -1 : platform::poll_wait(clock_.mono(), later_.begin()->first);
    const int count =
        ::epoll_wait(ready_.get(), events.data(), static_cast<int>(events.size()), wait);
    if (count < 0 && errno != EINTR) return;
    for (int i = 0; i < count; ++i) {
      const auto what = events[static_cast<std::size_t>(i)].data.u64;
      if (what == stop_event) {
        std::uint64_t asked = 0;
        [[maybe_unused]] const auto taken = ::read(stop_.get(), &asked, sizeof asked);
        later_.clear();
        for (auto& role : roles_) role.answers = 0;
        return;
      }
      if (what < stop_event) {
        hear(roles_[what]);
      } else if (what == control_event) {
        admit_guest();
      } else if (const auto guest = guests_.find(static_cast<int>(what - guest_event));
                 guest != guests_.end() && !hear_guest(guest->second)) {
        guests_.erase(guest);
      }
    }
    if (!offence_.empty()) return;
    listen_for_guests();
  }
}

/// Waits on the line's descriptor, which is another one after every client.
void Stage::watch(Role& role) {
  if (role.watched >= 0) wait_no_more(ready_, role.watched);
  role.watched = role.line->descriptor();
  const auto index = static_cast<std::uint64_t>(&role - roles_.data());
  if (role.watched >= 0) wait_on(ready_, role.watched, index);
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
  if (condition == unplug) {
    // Also where the line takes no notice: what is unplugged does not answer.
    role->unplugged = on;
    forget_answers(*role);
    const auto plugged = role->line->plug(!on);
    watch(*role);
    if (!plugged) return Error{plugged.error()}.within(device);
  }
  const auto said = role->device.player->set(condition, on);
  state->second = {on, clock_.wall()};
  if (!said.empty()) role->line->send(said);
  auto line = change_line(state->second.since, device, condition, on);
  announce_(line);
  return line;
}

void Stage::schedule(MonoTime due, Later later) {
  if (!later.step) ++roles_[later.role].answers;
  later_.emplace(due, std::move(later));
}

void Stage::play_due() {
  const auto now = clock_.mono();
  while (!later_.empty() && later_.begin()->first <= now) {
    const auto node = later_.extract(later_.begin());
    const Later& due = node.mapped();
    auto& role = roles_[due.role];
    if (due.step) {
      play(due.role, *due.step, node.key());
    } else {
      --role.answers;
      role.line->send(due.answer);
    }
  }
}

/// Counted from when it was due, not from now: a repeated step does not drift.
void Stage::play(std::size_t role, const Step& step, MonoTime due) {
  // Steps were checked against the player when the scenario was read.
  [[maybe_unused]] const auto done = change(roles_[role].device.name, step.condition, step.on);
  if (step.lasts > Duration::zero()) {
    schedule(due + step.lasts, {role, Step{.condition = step.condition, .on = !step.on}, {}});
  }
  if (step.every > Duration::zero() && step.times != 1) {
    auto next = step;
    if (next.times > 0) --next.times;
    schedule(due + step.every, {role, std::move(next), {}});
  }
}

void Stage::forget_answers(Role& role) {
  if (role.answers == 0) return;
  const auto index = static_cast<std::size_t>(&role - roles_.data());
  std::erase_if(later_, [&](const auto& l) { return l.second.role == index && !l.second.step; });
  role.answers = 0;
}

void Stage::hear(Role& role) {
  Bytes bytes;
  switch (role.line->take(bytes)) {
    case Line::Event::nothing:
      return;
    case Line::Event::met:
      watch(role);
      role.device.player->meet();
      return;
    case Line::Event::left:
      watch(role);
      forget_answers(role);
      return;
    case Line::Event::bytes:
      break;
  }
  if (announces_asked_) {
    constexpr Duration quiet = std::chrono::seconds{1};
    const auto now = clock_.mono();
    if (!role.heard || now - *role.heard >= quiet) {
      announce_(json::serialize(json::object{
          {"at_us", micros(clock_.wall())}, {"device", role.device.name}, {"asked", true}}));
    }
    role.heard = now;
  }
  if (role.unplugged) return;
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
    const auto index = static_cast<std::size_t>(&role - roles_.data());
    schedule(clock_.mono() + answer.after, {index, std::nullopt, std::move(answer.bytes)});
  }
}

void Stage::tell(const Role& role, std::string_view key, const std::string& what) {
  announce_(json::serialize(
      json::object{{"at_us", micros(clock_.wall())}, {"device", role.device.name}, {key, what}}));
}

void Stage::admit_guest() {
  Descriptor fd{::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!fd) return;
  const int number = fd.get();
  wait_on(ready_, number, guest_event + static_cast<std::uint64_t>(number));
  guests_.insert_or_assign(number, Guest{std::move(fd), {}});
}

/// The next guest waits outside while there are too many.
void Stage::listen_for_guests() {
  const bool admits = control_ && guests_.size() < most_guests;
  if (admits == admits_) return;
  if (admits) {
    wait_on(ready_, control_.get(), control_event);
  } else {
    wait_no_more(ready_, control_.get());
  }
  admits_ = admits;
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
