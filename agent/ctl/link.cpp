// kioskctl link: the first thing wrong between this kiosk and its collector, and what to do.
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>

#include "agent/configuration/rules.hpp"
#include "agent/ctl/commands.hpp"
#include "agent/ctl/link_check.hpp"
#include "agent/ctl/link_messages.hpp"
#include "agent/ctl/link_report.hpp"
#include "agent/uplink/addresses.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr auto prove_limit = std::chrono::seconds{20};  // the agent itself gives up after 15

Task<void> check_into(LinkCheck what, const Clock& clock, std::vector<Check>& out) {
  out = co_await check_link(std::move(what), clock);
}

}  // namespace

LinkReport examine_link(const Options& options, Duration limit, const Clock& clock) {
  LinkReport out;
  const auto lang = options.view.lang;
  const auto identity = load_identity(options.data);
  out.identity = identity_step(identity, lang);
  if (identity) {
    const auto status = platform::ask_control(options.data, "status", {}, answer_limit);
    const auto own = own_config(options, status ? *status : json::object{});
    const auto config = read_in_force(options.data, own).config;
    for (const auto& server : dialling_order(config->collectors, identity->server)) {
      LinkReport::Way way{server, {}};
      asio::io_context io{1};
      const LinkCheck check{*identity, server, config->proxy, limit, lang};
      spawn(io, "link", check_into(check, clock, way.steps));
      io.run();
      out.ways.push_back(std::move(way));
    }
  }
  if (!out.passable()) {
    out.acknowledged = acknowledged_skipped(lang);
    return out;
  }
  const auto began = clock.mono();
  const auto proof = platform::ask_control(options.data, "prove", {}, prove_limit);
  out.acknowledged = acknowledged_step(proof, clock.mono() - began, lang);
  return out;
}

int run_link(const Options& options, const LinkArgs& args) {
  const SystemClock clock;
  const auto report = examine_link(options, std::chrono::milliseconds{args.limit_ms}, clock);
  print(options, to_json(report), link_text(report, options.view));
  return report.first_failed() == nullptr ? well : fault;
}

}  // namespace kw::agent::ctl
