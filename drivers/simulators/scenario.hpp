#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/config.hpp"
#include "common/result.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {

/// One scripted change, counted from the start of the play.
struct Step {
  Duration after{};
  std::string condition;
  bool on = true;
  Duration lasts{};        ///< switched back after so long; zero: stays
  Duration every{};        ///< and again from its start; zero: once
  std::int64_t times = 0;  ///< how often in all when it is repeated; 0: without end
};

/// One device of a scenario, ready to be put on its port.
struct Device {
  std::string name;
  std::string protocol;
  std::string port;        ///< "tcp://127.0.0.1:0" or "pty:/path/of/link"
  std::int64_t kiosk = 0;  ///< its number; 0: there is only one
  std::unique_ptr<Player> player;
  std::vector<Step> steps;
};

/// How often a scenario is played at once.
struct Copies {
  std::int64_t kiosks = 0;  ///< 0: once, under the devices' own names
  Duration stagger{};       ///< each kiosk's steps begin so much later than those of the one before
};

/// A scenario file's devices. In its text `{kiosk}` stands for the number of the kiosk, from 1.
/// With several kiosks a device's name has that number before it, "17/receipt". Every mistake is
/// one problem with file, line and key; then Errc::invalid (Errc::missing when there is no such
/// file).
Result<std::vector<Device>> load_scenario(const std::filesystem::path& path,
                                          std::vector<config::Problem>& problems,
                                          const Copies& copies = {});
Result<std::vector<Device>> read_scenario(const config::Document& document,
                                          std::vector<config::Problem>& problems);

/// "known: a, b, c".
std::string list_of(const std::vector<std::string>& names);

}  // namespace kw::devices
