#include "agent/run.hpp"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include "agent/control/answers.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/poller.hpp"
#include "agent/power.hpp"
#include "agent/uplink/uplink.hpp"
#include "agent/watchdog.hpp"
#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/platform/control_server.hpp"
#include "common/platform/device_nodes.hpp"
#include "common/platform/host_facts.hpp"
#include "common/platform/memory.hpp"
#include "common/platform/service.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent {
namespace {

constexpr auto flush_every = std::chrono::seconds{5};
constexpr auto housekeeping_every = std::chrono::seconds{60};
constexpr auto stop_limit = std::chrono::seconds{5};
constexpr auto farewell_limit = std::chrono::seconds{2};

std::uint64_t fresh_epoch() {
  for (;;) {
    const auto drawn = identity::random_u64();
    if (drawn != 0) return drawn;
  }
}

std::unique_ptr<Outbox> make_outbox(const std::filesystem::path& folder, const AgentConfig& config,
                                    const Clock& clock, const std::string& boot_id) {
  Outbox::Options options;
  options.folder = folder;
  options.ceiling = config.outbox_bytes;
  options.acked_bytes = std::min(options.acked_bytes, config.outbox_bytes / 4);
  options.reserve = std::min(options.reserve, config.outbox_bytes / 4);
  return std::make_unique<Outbox>(options, clock, boot_id, fresh_epoch());
}

SessionFacts facts_of(const AgentConfig& config, const platform::HostFacts& host) {
  SessionFacts out;
  out.boot_id = host.boot_id;
  out.agent_version = KW_VERSION;
  out.hostname = host.hostname;
  out.os = host.os;
  out.configuration_known = config.readable;
  for (const auto& device : config.devices) {
    out.devices.push_back({device.name, device.driver,
                           device.card == nullptr ? "" : std::string{device.card->kind},
                           device.port, device.enabled});
  }
  return out;
}

Uplink::Options uplink_options(const std::filesystem::path& folder, const AgentConfig& config) {
  Uplink::Options out;
  out.folder = folder;
  out.session.heartbeat = config.heartbeat;
  out.session.reply_limit = config.reply_limit;
  out.backoff.first = config.reconnect_first;
  out.backoff.cap = config.reconnect_cap;
  out.backoff.spread = config.reconnect_spread;
  out.seed = identity::random_u64();
  return out;
}

/// Everything that runs, in the order in which it is made.
class Agent {
 public:
  Agent(const std::filesystem::path& folder, const AgentConfig& config)
      : folder_(folder),
        config_(config),
        host_(platform::host_facts()),
        outbox_(make_outbox(folder, config, clock_, host_.boot_id)),
        last_run_(outbox_->last_run()),
        journal_(std::move(outbox_), clock_),
        uplink_(io_.get_executor(), journal_, clock_, uplink_options(folder, config),
                facts_of(config, host_)),
        poller_(config, port_opener(), journal_, board_, clock_, identity::random_u64()),
        answers_(config, journal_, board_, uplink_, clock_, clock_.wall()),
        control_(io_.get_executor(), "status, devices, outbox", answerer()),
        signals_(io_, SIGTERM, SIGINT),
        helper_(1, 0),
        watchdog_(service_, journal_, poll_progress(), clock_) {}

  int run() {
    if (config_.readable) retain();
    journal_.on_appended([this](const Appended& what) {
      asio::post(io_, [this, what] { uplink_.appended(what); });
    });
    journal_.power(power_at_start(last_run_, host_.boot_id));
    for (const auto& problem : config_.problems) {
      journal_.note("bad-configuration", {}, problem.in(config_.language));
      log::error("bad-configuration", {{"problem", problem.in(Lang::en)}});
    }
    if (const auto listening = control_.listen(folder_ / platform::control_name); !listening) {
      log::error("control-unavailable", {{"reason", listening.error()}});
    }
    poller_.start();
    spawn(io_, "uplink", uplink_.run());
    spawn(io_, "housekeeping", keep_house());
    spawn(io_, "stop", stop_when_told());
    spawn(io_, "watchdog", watchdog_.run());
    spawn(io_, "hotplug", look_at_new_ports());
    service_.ready(
        fmt::format("devices={} problems={}", config_.devices.size(), config_.problems.size()));
    log::info("agent-started", {{"devices", config_.devices.size()},
                                {"problems", config_.problems.size()},
                                {"version", KW_VERSION}});
    io_.run();
    return 0;
  }

 private:
  OpenPort port_opener() {
    return [this](const drivers::PortAddress& address, MonoTime deadline) {
      return drivers::open_port(address, clock_, deadline);
    };
  }

  Watchdog::Polls poll_progress() {
    return [this] { return poller_.progress(); };
  }

  platform::ControlServer::Answer answerer() {
    return [this](std::string verb, boost::json::object args) {
      return answers_.answer(std::move(verb), std::move(args));
    };
  }

  /// A device that the collector is about to retire must be reported anew when it comes back.
  void retain() {
    std::vector<std::string> names;
    for (const auto& device : config_.devices) names.push_back(device.name);
    journal_.post([names](Outbox& outbox) { outbox.retain_devices(names); });
  }

  Task<void> keep_house() {
    auto last = clock_.mono();
    bool rested = false;
    for (;;) {
      co_await sleep_for(flush_every);
      journal_.post([](Outbox& outbox) { outbox.flush(); });
      if (clock_.mono() - last < housekeeping_every) continue;
      last = clock_.mono();
      const auto wall = clock_.wall();
      journal_.post([wall](Outbox& outbox) {
        outbox.touch(wall);
        outbox.prune(wall);
      });
      if (!std::exchange(rested, true)) platform::forget_startup();
    }
  }

  Task<void> look_at_new_ports() {
    for (;;) {
      co_await device_nodes_.appeared();
      poller_.port_appeared();
    }
  }

  Task<void> stop_when_told() {
    co_await signals_.async_wait(as_result);
    log::info("agent-stopping");
    service_.stopping();
    control_.stop();
    const auto stop_polling = [this] { return poller_.stop(stop_limit); };
    const bool all_ended = co_await helper_.run(stop_polling);
    const Seen seen{clock_.mono(), clock_.wall()};
    const auto close_run = [seen](Outbox& outbox) {
      outbox.close_run(seen);
      return true;
    };
    co_await journal_.ask(close_run);
    co_await uplink_.finish(farewell_limit);
    const auto settle = [](Outbox& outbox) {
      outbox.flush();
      return true;
    };
    co_await journal_.ask(settle);
    log::info("agent-stopped", {{"clean", all_ended}});
    // A stuck driver's thread still uses what is ours: nothing may be destroyed under it.
    if (!all_ended) std::_Exit(0);
    io_.stop();
  }

  std::filesystem::path folder_;
  const AgentConfig& config_;
  SystemClock clock_;
  platform::HostFacts host_;
  asio::io_context io_{1};
  std::unique_ptr<Outbox> outbox_;  ///< until the journal takes it
  std::optional<LastRun> last_run_;
  Journal journal_;
  Board board_;
  Uplink uplink_;
  Poller poller_;
  Answers answers_;
  platform::ControlServer control_;
  asio::signal_set signals_;
  Worker helper_;
  platform::ServiceNotifier service_ = platform::ServiceNotifier::of_this_process();
  Watchdog watchdog_;
  platform::DeviceNodes device_nodes_{io_.get_executor()};
};

}  // namespace

int run_agent(const std::filesystem::path& folder, const AgentConfig& config) {
  Agent agent{folder, config};
  return agent.run();
}

}  // namespace kw::agent
