#include "tests/torture/target.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>

#include <fmt/format.h>

#include "collector/app.hpp"
#include "tests/fleet/events.hpp"

namespace kw::torture {

void give_up(const std::string& why) {
  std::fprintf(stderr, "torture: %s\n", why.c_str());
  std::exit(2);
}

long pss_kib(pid_t pid) {
  std::ifstream in{fmt::format("/proc/{}/smaps_rollup", pid)};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("Pss:")) return std::stol(line.substr(4));
  }
  return -1;
}

Target::Target(const std::string& prefix, int kiosks) {
  const auto data = folder_ / "collector";
  if (const auto made = collector::init(data, {}, clock_); !made) give_up(made.error().text());
  auto roster = fleet::enlist(data, prefix, kiosks, clock_);
  if (!roster) give_up(roster.error().text());
  roster_ = std::move(*roster);
  collector_ = tests::Process{{tests::program("kiosk-collector"), "run", "--data", data.string(),
                               "--agents", "127.0.0.1:0", "--people", "127.0.0.1:0"},
                              folder_ / "out"};
  std::smatch found;
  std::string text;
  const std::regex ready{R"((127\.0\.0\.1:\d+).*http://(127\.0\.0\.1:\d+)/)"};
  up_ = tests::eventually(std::chrono::seconds{30}, [&] {
    text = said();
    return std::regex_search(text, found, ready);
  });
  if (!up_) return;
  agents_ = *link::Endpoint::parse(found[1]);
  people_ = *link::Endpoint::parse(found[2]);
}

std::string Target::said() const {
  std::ifstream in{folder_ / "out"};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::shared_ptr<const link::ClientTls> Target::tls(std::size_t kiosk) const {
  auto made =
      link::ClientTls::make({.own = roster_.members.at(kiosk).own, .trust_pem = roster_.trust_pem});
  if (!made) give_up(made.error().text());
  return *made;
}

fleet::Kiosk::Options Target::honest(std::size_t kiosk, std::uint64_t seed) const {
  fleet::Kiosk::Options out;
  out.code = roster_.members.at(kiosk).code;
  out.collector = agents_;
  out.tls = tls(kiosk);
  out.facts.boot_id = "honest";
  out.facts.devices = fleet::devices();
  out.backoff.spread = std::chrono::seconds{1};
  out.seed = seed;
  return out;
}

fleet::Verdict Target::verdict(const fleet::Kiosk& kiosk) const {
  const auto& shelf = kiosk.shelf();
  const fleet::Ledger ledger{
      {{kiosk.code(), shelf.epoch(), shelf.last(), shelf.acked(), shelf.chain(), shelf.falls()}}};
  auto out = fleet::judge(ledger, folder_ / "collector");
  if (!out) give_up(out.error().text());
  out->lost += shelf.last() - shelf.acked();
  return *out;
}

}  // namespace kw::torture
