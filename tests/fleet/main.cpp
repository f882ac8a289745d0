#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/platform/signals.hpp"
#include "tests/fleet/fleet.hpp"
#include "tests/fleet/messages.hpp"

namespace {

using namespace kw;
namespace json = boost::json;

constexpr int failed = 1;
constexpr int refused = 2;

void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

template <class... Args>
std::string say(const Text& text, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

int give_up(const Error& error) {
  std::cerr << error.text() << '\n';
  return failed;
}

json::object figures(const fleet::Histogram& h) {
  return {{"count", h.count()},
          {"p50_us", h.within(0.5).count()},
          {"p99_us", h.within(0.99).count()},
          {"longest_us", h.longest().count()}};
}

json::object told(const fleet::Fleet& of, std::string_view profile, std::size_t kiosks) {
  const auto& t = of.tally();
  json::object why;
  for (const auto& [reason, times] : t.why) why[reason] = times;
  return {{"profile", profile},
          {"kiosks", kiosks},
          {"connected_most", t.connected_most},
          {"sessions", t.sessions},
          {"sessions_lost", t.lost},
          {"put_off", t.put_off},
          {"dials_failed", t.failed},
          {"written", t.written},
          {"acknowledged", t.acknowledged},
          {"unacknowledged", of.unacknowledged()},
          {"forgotten", t.forgotten},
          {"dial", figures(t.dial)},
          {"acknowledgement", figures(t.ack)},
          {"back_after_loss", figures(t.back)},
          {"why", std::move(why)}};
}

struct Asked {
  std::string collector_folder;
  std::string roster = "kiosk-fleet.json";
  std::string prefix = "FLEET";
  int kiosks = 1'000;
  std::vector<std::string> collectors;
  std::string profile = "idle";
  double seconds = 60;
  double ramp = 10;
  double drain = 60;
  double spread = 60;
  double heartbeat = 30;
  double rate = 1;
  std::uint64_t seed = 0;
  std::string ledger;
  bool silence_expected = false;
};

Duration seconds(double s) { return Duration{static_cast<std::int64_t>(s * 1e6)}; }

int enlist(const Asked& asked, Lang lang) {
  const SystemClock clock;
  const auto roster = fleet::enlist(asked.collector_folder, asked.prefix, asked.kiosks, clock);
  if (!roster) return give_up(roster.error());
  if (const auto saved = fleet::save(*roster, asked.roster); !saved) return give_up(saved.error());
  std::cout << say(fleet::messages::enlisted, lang, asked.kiosks, asked.roster) << '\n';
  return 0;
}

int run(const Asked& asked, Lang lang) {
  const auto* profile = fleet::find_profile(asked.profile);
  if (profile == nullptr) {
    std::string names;
    for (const auto& p : fleet::profiles()) {
      names.append(names.empty() ? "" : ", ").append(p.name);
    }
    std::cerr << say(fleet::messages::no_profile, lang, asked.profile, names) << '\n';
    return refused;
  }
  fleet::Fleet::Options options;
  for (const auto& text : asked.collectors) {
    auto endpoint = link::Endpoint::parse(text);
    if (!endpoint) {
      std::cerr << endpoint.error().text() << '\n';
      return refused;
    }
    options.collectors.push_back(std::move(*endpoint));
  }
  auto roster = fleet::load(asked.roster);
  if (!roster) return give_up(roster.error());
  if (roster->members.empty()) {
    std::cerr << say(fleet::messages::too_few, lang, asked.roster) << '\n';
    return refused;
  }
  const auto known = roster->members.size();
  if (asked.kiosks > 0 && static_cast<std::size_t>(asked.kiosks) < known) {
    roster->members.resize(static_cast<std::size_t>(asked.kiosks));
  }
  options.profile = *profile;
  options.lasts = seconds(asked.seconds);
  options.ramp = seconds(asked.ramp);
  options.drain = seconds(asked.drain);
  options.session.heartbeat = seconds(asked.heartbeat);
  options.backoff.spread = seconds(asked.spread);
  options.rate = asked.rate;
  options.seed = asked.seed != 0 ? asked.seed : identity::random_u64();
  if (!asked.ledger.empty()) {
    // What cannot be written is better known before a run than after it.
    const auto writable = fleet::save(fleet::Ledger{}, asked.ledger);
    if (!writable) return give_up(writable.error());
  }
  const SystemClock clock;
  auto of = fleet::Fleet::make(options, *roster, clock);
  if (!of) return give_up(of.error());
  (*of)->run([&](const fleet::Tally& t) {
    std::cerr << say(fleet::messages::progress, lang, t.connected, t.sessions, t.written,
                     t.acknowledged, t.put_off, t.failed)
              << '\n';
  });
  if (!asked.ledger.empty()) {
    const auto saved = fleet::save((*of)->ledger(), asked.ledger);
    if (!saved) return give_up(saved.error());
  }
  std::cout << json::serialize(told(**of, profile->name, roster->members.size())) << std::endl;
  return (*of)->unacknowledged() == 0 && (*of)->tally().forgotten == 0 ? 0 : failed;
}

int check(const Asked& asked) {
  const auto ledger = fleet::load_ledger(asked.ledger);
  if (!ledger) return give_up(ledger.error());
  const auto verdict = fleet::judge(*ledger, asked.collector_folder);
  if (!verdict) return give_up(verdict.error());
  std::cout << json::serialize(json::object{{"kiosks", ledger->lines.size()},
                                            {"events", verdict->events},
                                            {"lost", verdict->lost},
                                            {"duplicated", verdict->duplicated},
                                            {"out_of_order", verdict->out_of_order},
                                            {"altered", verdict->altered},
                                            {"faults", verdict->faults},
                                            {"unfounded_faults", verdict->unfounded},
                                            {"silent_faults", verdict->silent_faults},
                                            {"orders", verdict->orders}})
            << std::endl;
  return verdict->good(asked.silence_expected) ? 0 : failed;
}

int list(Lang lang) {
  for (const auto& p : fleet::profiles()) {
    std::cout << fmt::format("{:<8} {}\n", p.name, say(p.text, lang));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  allow_descriptors();
  log::start(log::Level::error, log::Format::text);
  namespace m = fleet::messages;
  const Lang lang = lang_of_environment();
  Asked asked;
  CLI::App app{say(m::about, lang), "kiosk-fleet"};
  app.require_subcommand(1);

  auto* to_enlist = app.add_subcommand("enlist", say(m::enlist, lang));
  to_enlist->add_option("--collector", asked.collector_folder, say(m::collector_folder, lang))
      ->required()
      ->check(CLI::ExistingDirectory);
  to_enlist->add_option("--kiosks", asked.kiosks, say(m::kiosks, lang))
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  to_enlist->add_option("--prefix", asked.prefix, say(m::prefix, lang))->capture_default_str();
  to_enlist->add_option("--roster", asked.roster, say(m::roster, lang))->capture_default_str();

  auto* to_run = app.add_subcommand("run", say(m::run, lang));
  to_run->add_option("PROFILE", asked.profile, say(m::profile, lang))->required();
  to_run->add_option("--collectors", asked.collectors, say(m::collectors, lang))
      ->required()
      ->delimiter(',');
  to_run->add_option("--roster", asked.roster, say(m::roster, lang))->capture_default_str();
  auto* some = to_run->add_option("--kiosks", asked.kiosks, say(m::kiosks, lang))
                   ->check(CLI::Range(1, 1'000'000));
  const auto time = [&](const char* name, double& value, const Text& text, double most) {
    to_run->add_option(name, value, say(text, lang))
        ->capture_default_str()
        ->check(CLI::Range(0.0, most));
  };
  time("--seconds", asked.seconds, m::seconds, 1e7);
  time("--ramp", asked.ramp, m::ramp, 1e6);
  time("--drain", asked.drain, m::drain, 1e6);
  time("--spread", asked.spread, m::spread, 1e5);
  to_run->add_option("--heartbeat", asked.heartbeat, say(m::heartbeat, lang))
      ->capture_default_str()
      ->check(CLI::Range(1.0, 600.0));
  to_run->add_option("--rate", asked.rate, say(m::rate, lang))
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e4));
  to_run->add_option("--seed", asked.seed, say(m::seed, lang));
  to_run->add_option("--ledger", asked.ledger, say(m::ledger, lang));

  auto* to_check = app.add_subcommand("check", say(m::check, lang));
  to_check->add_option("--collector", asked.collector_folder, say(m::collector_folder, lang))
      ->required()
      ->check(CLI::ExistingDirectory);
  to_check->add_option("--ledger", asked.ledger, say(m::ledger, lang))->required();
  to_check->add_flag("--silence-expected", asked.silence_expected, say(m::silence_expected, lang));

  auto* to_list = app.add_subcommand("profiles", say(m::list, lang));
  CLI11_PARSE(app, argc, argv);
  if (*to_enlist) return enlist(asked, lang);
  if (*to_run) {
    if (some->count() == 0) asked.kiosks = 0;  // all of the roster
    return run(asked, lang);
  }
  if (*to_check) return check(asked);
  if (*to_list) return list(lang);
  return refused;
}
