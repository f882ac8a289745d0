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
};

/// One device of a scenario, ready to be put on its port.
struct Device {
  std::string name;
  std::string protocol;
  std::string port;  ///< "tcp://127.0.0.1:0" or "pty:/path/of/link"
  std::unique_ptr<Player> player;
  std::vector<Step> steps;
};

/// A scenario file's devices. Every mistake is one problem with file, line and key; then
/// Errc::invalid (Errc::missing when there is no such file).
Result<std::vector<Device>> load_scenario(const std::filesystem::path& path,
                                          std::vector<config::Problem>& problems);
Result<std::vector<Device>> read_scenario(const config::Document& document,
                                          std::vector<config::Problem>& problems);

/// "known: a, b, c".
std::string list_of(const std::vector<std::string>& names);

}  // namespace kw::devices
