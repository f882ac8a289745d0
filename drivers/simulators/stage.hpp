#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/platform/posix/descriptor.hpp"
#include "common/result.hpp"
#include "drivers/simulators/line.hpp"
#include "drivers/simulators/scenario.hpp"

namespace kw::devices {

/// Plays a scenario's devices on their ports until it is stopped, and takes changes over a
/// unix-domain socket: `{"device":..,"condition":..,"on":true}`, one JSON object a line, answered
/// by the line of the change or `{"error":..}`.
class Stage {
 public:
  /// What happens, one JSON object a call: a device on its port, a change of a condition, a
  /// player's note, an offence.
  using Announce = std::function<void(const std::string& line)>;

  /// Opens every port, and `control` unless it is empty. The error names the device.
  static Result<std::unique_ptr<Stage>> set_up(std::vector<Device> devices,
                                               const std::filesystem::path& control,
                                               const Clock& clock, Announce announce);
  ~Stage();

  /// The devices' ports as agent.toml takes them, in the order of the scenario.
  std::vector<std::string> addresses() const;

  /// From now on a device that is asked after a second of quiet is announced:
  /// `{"at_us":..,"device":..,"asked":true}`.
  void announce_asked() { announces_asked_ = true; }

  /// Plays. Steps count from here. Returns after `stop`, and may be called again; or when a device
  /// was asked for what must never be asked of it.
  void run();

  /// The device and what it was asked, when `run` ended for that; else empty.
  const std::string& offence() const { return offence_; }

  /// Any thread, and a signal handler.
  void stop() noexcept;

  /// Switches a condition; the line of the change. Errc::missing lists what there is; nothing was
  /// changed then. Only the thread in `run` may call it, or nobody runs.
  Result<std::string> change(std::string_view device, std::string_view condition, bool on);

 private:
  struct Role;
  struct Guest;
  struct Later;

  Stage(const Clock& clock, Announce announce);
  static std::string port_of(const Role& role);
  Result<void> open_control(const std::filesystem::path& path);
  void schedule(MonoTime due, Later later);
  void play_due();
  void play(std::size_t role, const Step& step, MonoTime due);
  void forget_answers(Role& role);
  void hear(Role& role);
  void watch(Role& role);
  void listen_for_guests();
  void tell(const Role& role, std::string_view key, const std::string& what);
  void admit_guest();
  bool hear_guest(Guest& guest);
  std::string obey(const std::string& request);

  const Clock& clock_;
  Announce announce_;
  std::vector<Role> roles_;
  std::multimap<MonoTime, Later> later_;  ///< scripted steps and slow answers
  platform::Descriptor ready_;            ///< epoll: hundreds of kiosks are thousands of lines
  platform::Descriptor stop_;
  platform::Descriptor control_;
  std::filesystem::path control_path_;
  std::map<int, Guest> guests_;  ///< by descriptor
  bool announces_asked_ = false;
  bool admits_ = false;  ///< whether the control socket is waited on
  std::string offence_;
};

}  // namespace kw::devices
