// kw_simulation: agent, link and collector on a simulated clock, network and disk, from one seed.
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/enroll/identity_files.hpp"
#include "common/log.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/rng.hpp"
#include "tests/simulation/world.hpp"

namespace kw::simulation {
namespace {

namespace fs = std::filesystem;

/// Below it a kind of fault may not have come up by chance.
constexpr std::uint64_t seeds_that_try_all = 50;

struct Options {
  std::uint64_t seeds = 1;
  std::uint64_t from = 1;
  std::optional<std::uint64_t> seed;
  double seconds = 0;
  int max_days = 30;
  bool trace = false;
  bool keep = false;
  std::string sabotage;
  std::string regressions;
};

/// The world's, which the simulation does not replace.
double real_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// A folder in memory that goes with the program.
struct Folder {
  Folder() {
    const fs::path memory = "/dev/shm";
    std::error_code none;
    const auto parent = fs::is_directory(memory, none) ? memory : fs::temp_directory_path();
    path = parent / fmt::format("kw-simulation-{}", getpid());
    fs::create_directories(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code none;
    if (!keep) fs::remove_all(path, none);
  }
  fs::path path;
  bool keep = false;
};

struct StartClock final : Clock {
  WallTime wall() const override { return wall_from(1'780'000'000'000'000); }
  MonoTime mono() const override { return {}; }
};

std::vector<std::uint64_t> read_seeds(const std::string& file) {
  std::vector<std::uint64_t> out;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.front() != '#') out.push_back(std::stoull(line));
  }
  return out;
}

std::string replay(std::uint64_t seed, const Options& options) {
  auto out = fmt::format("kw_simulation --seed {} --trace", seed);
  if (options.max_days != 30) out += fmt::format(" --max-days {}", options.max_days);
  if (!options.sabotage.empty()) out += " --sabotage " + options.sabotage;
  return out;
}

/// Which kinds of fault a run that was long enough has never tried.
std::vector<std::string_view> untried(const Counters& counters) {
  std::vector<std::string_view> out;
  if (counters.seeds < seeds_that_try_all) return out;
  for (const auto& [name, count] : counters.faults()) {
    if (*count == 0) out.push_back(name);
  }
  return out;
}

int run(const Options& options) {
  Folder folder;
  folder.keep = options.keep;
  if (options.keep) std::cout << folder.path.string() << "\n";
  seed_identities(1);
  const StartClock clock;
  fs::create_directories(folder.path / "authority");
  const auto made =
      collector::AuthorityFiles::create(folder.path / "authority", {"collector"}, clock);
  const auto authority = collector::AuthorityFiles::load(folder.path / "authority", clock);
  if (!made || !authority) {
    std::cout << "no authority: " << (made ? authority.error() : made.error()).text() << "\n";
    return 2;
  }
  // TLS is not simulated: what stands in for a kiosk's certificate only has to be one.
  const agent::IdentityFiles identity{
      {"collector", 1}, "K", authority->server(), authority->trust_pem()};
  const auto saved = agent::save_identity(folder.path / "kiosk", identity);
  if (!saved) {
    std::cout << "no identity: " << saved.error().text() << "\n";
    return 2;
  }
  const Setting setting{folder.path,      folder.path / "kiosk", *authority,
                        options.max_days, options.sabotage,      options.trace};

  std::vector<std::uint64_t> seeds;
  if (options.seed) {
    seeds.push_back(*options.seed);
  } else {
    if (!options.regressions.empty()) seeds = read_seeds(options.regressions);
    for (std::uint64_t i = 0; i < options.seeds; ++i) seeds.push_back(options.from + i);
  }
  Counters counters;
  int status = 0;
  const auto until = real_seconds() + options.seconds;
  for (const auto seed : seeds) {
    if (options.seconds > 0 && real_seconds() >= until) break;
    const auto violation = play(seed, setting, counters);
    if (violation.empty()) continue;
    std::cout << fmt::format("seed {} violates {}\nreplay: {}\n", seed, violation,
                             replay(seed, options));
    status = 1;
    break;
  }
  if (status == 0) {
    for (const auto name : untried(counters)) {
      std::cout << fmt::format("{} seeds and never tried: {}\n", counters.seeds, name);
      status = 1;
    }
  }
  std::cout << counters.json() << std::endl;
  return status;
}

}  // namespace
}  // namespace kw::simulation

int main(int argc, char** argv) {
  using namespace kw::simulation;
  Options options;
  CLI::App app{"Agent, link and collector on a simulated clock, network and disk"};
  app.add_option("--seeds", options.seeds, "how many seeds, beside those of --regressions");
  app.add_option("--from", options.from, "the first of them");
  app.add_option("--seed", options.seed, "this one only");
  app.add_option("--seconds", options.seconds, "begin no seed after so many real seconds");
  app.add_option("--max-days", options.max_days, "of one seed")->check(CLI::Range(1, 30));
  app.add_option("--regressions", options.regressions, "a file of seeds that are played first");
  app.add_option("--sabotage", options.sabotage, "break a promise: " + sabotages());
  app.add_flag("--trace", options.trace, "tell what happens, and let the programs log");
  app.add_flag("--keep", options.keep, "leave the files of the last seed behind");
  CLI11_PARSE(app, argc, argv);
  if (!options.sabotage.empty() && !is_sabotage(options.sabotage)) {
    std::cerr << "--sabotage: one of " << sabotages() << "\n";
    return 2;
  }
  // The programs tell what goes wrong, and here much does.
  if (!options.trace && std::freopen("/dev/null", "w", stderr) == nullptr) return 2;
  kw::log::start(options.trace ? kw::log::Level::info : kw::log::Level::error,
                 kw::log::Format::text);
  install_disk();
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::cout << e.what() << std::endl;
    return 2;
  }
}
