// Seeds for the driver targets: what the simulated devices answer to the real drivers.
// `fuzz_seeds DRIVERS CORPUS [DRIVER]` plays every device of DRIVERS/*/*/scenario.toml whose
// protocol, or folder, is a driver's name, well and under each of its conditions, and writes each
// conversation that is like no other to CORPUS/driver-NAME.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "drivers/catalogue.hpp"
#include "drivers/profiles.hpp"
#include "drivers/simulators/scenario.hpp"
#include "tests/fuzz/drivers.hpp"

namespace {

using namespace kw;
namespace fs = std::filesystem;

struct Life {
  fuzz::Bytes input;
  bool polled = false;  ///< the driver got a status
};

/// A driver's life with a player, written down as a fuzzer's input.
Life record(const drivers::Card& card, std::uint8_t first, devices::Player& player) {
  std::vector<fuzz::Piece> said;
  fuzz::Wire wire{[&](fuzz::Input written) {
    auto answer = player.answer(written);
    const bool silent = answer.bytes.empty();
    said.push_back({silent ? fuzz::Piece::silence : fuzz::Piece::at_once, std::move(answer.bytes)});
    return said.back();
  }};
  player.meet();
  const bool polled = fuzz::live(card, fuzz::choice_of(card, first, 0), wire, [] { return false; });
  fuzz::Bytes out{first, 0};
  const auto script = fuzz::input_of(said);
  out.insert(out.end(), script.begin(), script.end());
  return {std::move(out), polled};
}

/// Which profile the device of the scenario is; 0 when the driver has none.
std::size_t profile_of(const drivers::Card& card, std::string_view scenario) {
  const auto profiles = drivers::profiles_of(card.name);
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    if (scenario.find("\"" + std::string{profiles[i].model} + "\"") != std::string_view::npos) {
      return i;
    }
  }
  return 0;
}

int seeds_of(const drivers::Card& card, const fs::path& scenario, const fs::path& folder) {
  std::ifstream in{scenario};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto cast = [&] {
    std::vector<config::Problem> problems;
    auto devices = devices::load_scenario(scenario, problems);
    if (!devices) return std::vector<devices::Device>{};
    const bool own = scenario.parent_path().filename() == card.name;
    std::erase_if(*devices,
                  [&](const devices::Device& d) { return !own && d.protocol != card.name; });
    return std::move(*devices);
  };
  std::set<fuzz::Bytes> known;
  int written = 0;
  const auto keep = [&](const std::string& name, const fuzz::Bytes& input) {
    if (!known.insert(input).second) return;
    fs::create_directories(folder);
    std::ofstream{folder / name, std::ios::binary}.write(
        reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    ++written;
  };
  const auto devices = cast();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto& port = devices[i].port;
    const auto scheme = port.substr(0, port.find(':'));
    const auto first =
        fuzz::first_byte(card, profile_of(card, text), scheme == "pty" ? "serial" : scheme);
    const auto& name = devices[i].name;
    const auto well = record(card, first, *devices[i].player);
    keep(name + "-well", well.input);
    if (!well.polled) {
      std::printf("driver-%.*s: %s gave no status: these seeds lead nowhere\n",
                  static_cast<int>(card.name.size()), card.name.data(), name.c_str());
    }
    for (const auto& condition : devices[i].player->conditions()) {
      const auto again = cast();  // what one condition left behind is not the next one's
      again[i].player->set(condition, true);
      keep(name + "-" + condition, record(card, first, *again[i].player).input);
    }
  }
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: fuzz_seeds DRIVERS CORPUS [DRIVER]\n");
    return 2;
  }
  const std::string only = argc > 3 ? argv[3] : "";
  for (const auto& entry : fs::recursive_directory_iterator{argv[1]}) {
    if (entry.path().filename() != "scenario.toml") continue;
    for (const auto& card : kw::drivers::catalogue()) {
      if (!only.empty() && card.name != only) continue;
      const auto target = "driver-" + std::string{card.name};
      const int written = seeds_of(card, entry.path(), fs::path{argv[2]} / target);
      if (written > 0) std::printf("%s: %d\n", target.c_str(), written);
    }
  }
  return 0;
}
