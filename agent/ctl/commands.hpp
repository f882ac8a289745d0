#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/ctl/command.hpp"

/// The commands of kioskctl, one function each; all return the exit code.
namespace kw::agent::ctl {

int run_status(const Options& options);

struct DevicesArgs {
  std::string device;  ///< empty: every one
};
int run_devices(const Options& options, const DevicesArgs& args);

struct RefillArgs {
  std::string device;
  std::string type;  ///< empty: the device's only consumable
  std::optional<double> amount;
  std::optional<double> capacity;
};
int run_refill(const Options& options, const RefillArgs& args);

int run_outbox(const Options& options);
/// Looks at the file itself, beside a running agent or without one.
int run_outbox_check(const Options& options);
int run_drivers(const Options& options, bool markdown);
int run_doctor(const Options& options);
int run_watch(const Options& options);

struct BundleArgs {
  std::filesystem::path file;  ///< empty: a name of its own in the current folder
};
int run_bundle(const Options& options, const BundleArgs& args);

struct TestArgs {
  std::string device;
  std::string test;  ///< empty: the device's only one
};
int run_test(const Options& options, const TestArgs& args);

struct EventsArgs {
  std::int64_t count = 20;
  std::string device;
  bool samples = false;  ///< measurements too
  bool follow = false;
};
int run_events(const Options& options, const EventsArgs& args);

struct ProbeArgs {
  std::string driver;
  std::string port;
  std::vector<std::string> set;
  std::optional<std::int64_t> deadline_ms;  ///< of each step; none: Probe's own
};
int run_probe(const Options& options, const ProbeArgs& args);

struct DiscoverArgs {
  std::vector<std::string> hosts;  ///< of the network, to be looked at as well
  bool probe = false;              ///< serial ports are asked too
  std::int64_t limit_ms = 1'000;   ///< of each question
};
int run_discover(const Options& options, const DiscoverArgs& args);

struct LinkArgs {
  std::int64_t limit_ms = 5'000;  ///< of each step
};
int run_link(const Options& options, const LinkArgs& args);

}  // namespace kw::agent::ctl
