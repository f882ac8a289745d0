#include "agent/run.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include "agent/commands/commander.hpp"
#include "agent/configuration/messages.hpp"
#include "agent/configuration/reconfigurer.hpp"
#include "agent/consumables/refill_event.hpp"
#include "agent/consumables/supplies.hpp"
#include "agent/control/answers.hpp"
#include "agent/control/following.hpp"
#include "agent/control/verbs.hpp"
#include "agent/hotplug.hpp"
#include "agent/local_api/assistant.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/results.hpp"
#include "agent/power.hpp"
#include "agent/serving.hpp"
#include "agent/uplink/uplink.hpp"
#include "agent/watch.hpp"
#include "agent/watchdog.hpp"
#include "agent/wiring.hpp"
#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/platform/control_server.hpp"
#include "common/platform/host_facts.hpp"
#include "common/platform/memory.hpp"
#include "common/platform/process.hpp"
#include "common/platform/service.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent {
namespace {

constexpr auto flush_every = std::chrono::seconds{5};
constexpr auto housekeeping_every = std::chrono::seconds{60};
constexpr auto stop_limit = std::chrono::seconds{5};
constexpr auto farewell_limit = std::chrono::seconds{2};

/// Everything that runs, in the order in which it is made.
class Agent {
 public:
  Agent(const std::filesystem::path& data, const std::filesystem::path& own_file)
      : data_(data),
        host_(platform::host_facts()),
        helper_(1, 0),
        reconfigurer_(io_.get_executor(), clock_, helper_, data, own_file),
        in_force_(reconfigurer_.decide()),
        outbox_bytes_(in_force_->config->outbox_bytes),
        outbox_(make_outbox(data, *in_force_->config, clock_, host_.boot_id)),
        last_run_(outbox_->last_run()),
        supplies_(clock_, outbox_->supplies()),
        results_(clock_, host_.boot_id, outbox_->notes(result_note)),
        journal_(std::move(outbox_), clock_),
        uplink_(io_.get_executor(), journal_, clock_, uplink_options(data, *in_force_->config),
                facts_of(*in_force_, reconfigurer_.local_only(), host_)),
        watch_(port_opener(), journal_, board_, clock_,
               {&supplies_, &results_, [this] { return serving_.active(); }}),
        answers_(in_force_->config, journal_, board_, uplink_, clock_, clock_.wall(),
                 [this] { return reconfigurer_.status(); }),
        verbs_(
            answers_, journal_, uplink_, clock_, self_tester(),
            [this] { return reconfigurer_.in_force()->text; }, refiller()),
        following_(verbs_, journal_, uplink_, clock_),
        control_(io_.get_executor(), Verbs::list, answerer()),
        assistant_(io_.get_executor(), journal_, serving_, clock_, host_.boot_id,
                   assistant_hands()),
        commander_(io_.get_executor(), journal_, clock_, command_hands(), command_options()),
        signals_(io_),
        watchdog_(service_, journal_, poll_progress(), clock_) {}

  int run() {
    for (const int number : platform::stop_signals()) signals_.add(number);
    const auto& config = *in_force_->config;
    if (config.readable) retain(config);
    journal_.on_appended([this](const Appended& what) {
      asio::post(io_, [this, what] { uplink_.appended(what); });
    });
    journal_.power(power_at_start(last_run_, host_.boot_id));
    tell_problems(config);
    control_.follow("follow", follower());
    control_.follow("bundle", bundler());
    if (const auto listening = control_.listen(data_ / platform::control_name); !listening) {
      log::error("control-unavailable", {{"reason", listening.error()}});
    }
    results_.on_change([this](const std::string& device, std::string kept) {
      keep_result(device, std::move(kept));
    });
    supplies_.on_refill([this](const Supplies::Event& refill) { tell(refill); });
    use_devices(config);
    watch_.start(config);
    hotplug_.use(config);
    answers_.assistant([this] { return assistant_.status(); });
    assistant_.use(config.assistant, config.language, device_names(config));
    commander_.start();
    reconfigurer_.start(configuration_hands());
    uplink_.on({[this](const pb::Command& command) { commander_.received(command); },
                [this](const pb::Configuration& pushed) { reconfigurer_.received(pushed); },
                [this] { reconfigurer_.established(); },
                [this](Duration retry_after) { reconfigurer_.put_off(retry_after); }});
    spawn(io_, "uplink", uplink_.run());
    spawn(io_, "housekeeping", keep_house());
    spawn(io_, "stop", stop_when_told());
    spawn(io_, "watchdog", watchdog_.run());
    spawn(io_, "hotplug", hotplug_.run());
    spawn(io_, "assistant", assistant_.run());
    service_.ready(
        fmt::format("devices={} problems={}", config.devices.size(), config.problems.size()));
    log::info("agent-started", {{"devices", config.devices.size()},
                                {"problems", config.problems.size()},
                                {"configuration", in_force_->pushed() ? "pushed" : "local"},
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
    return [this] { return watch_.progress(); };
  }

  platform::ControlServer::Answer answerer() {
    return [this](std::string verb, boost::json::object args) {
      return verbs_.answer(std::move(verb), std::move(args));
    };
  }

  platform::ControlServer::Follow follower() {
    return [this](boost::json::object args, platform::ControlServer::Lines& to) {
      return following_.run(std::move(args), to);
    };
  }

  platform::ControlServer::Follow bundler() {
    return [this](boost::json::object, platform::ControlServer::Lines& to) {
      return verbs_.bundle(to);
    };
  }

  Verbs::SelfTest self_tester() {
    return [this](std::string device, std::string what, Duration limit, std::optional<Lang> lang) {
      return watch_.self_test(std::move(device), std::move(what), limit, lang);
    };
  }

  /// What was told shows in the device's status at once, where it is polled.
  Verbs::Refill refiller() {
    return [this](const std::string& device, const std::string& type, std::optional<double> amount,
                  std::optional<double> capacity, std::optional<Lang> lang) {
      auto done = supplies_.refill(device, type, amount, capacity, lang);
      if (!done) return done;
      save_supplies(false);
      [[maybe_unused]] const auto asked = watch_.refresh(device);
      return done;
    };
  }

  Commander::Hands command_hands() {
    Commander::Hands out;
    out.refresh = [this](const auto& device) { return watch_.refresh(device); };
    out.self_test = [this](std::string device, std::string what, Duration limit) {
      return watch_.self_test(std::move(device), std::move(what), limit);
    };
    out.bundle = [this] { return verbs_.bundle(); };
    out.upload = [this](link::HttpRequest request, Duration limit) {
      return uplink_.request(std::move(request), limit);
    };
    out.collector_now = [this] { return uplink_.collector_now(); };
    out.language = [this] { return in_force_->config->language; };
    return out;
  }

  Assistant::Hands assistant_hands() {
    Assistant::Hands out;
    out.devices = [this] { return devices_now(); };
    out.device_result = [this](const std::string& device, DeviceResult result, Lang lang) {
      return watch_.report(device, std::move(result), lang);
    };
    out.used = [this](const pb::ConsumableUse& use, Lang lang) {
      return supplies_.used(use.device(), use.type(), use.amount(), use.unit(), lang);
    };
    return out;
  }

  Task<boost::json::array> devices_now() {
    boost::json::object none;
    const auto answer = co_await answers_.answer("devices", std::move(none));
    co_return answer ? answer->at("devices").as_array() : boost::json::array{};
  }

  static Commander::Options command_options() {
    Commander::Options out;
    out.seed = identity::random_u64();
    return out;
  }

  Reconfigurer::Hands configuration_hands() {
    Reconfigurer::Hands out;
    out.apply = [this](std::shared_ptr<const InForce> next) { return apply(std::move(next)); };
    out.report = [this](pb::ConfigurationReport report) { return tell(std::move(report)); };
    out.unreached = [this] { return uplink_.status().last_error; };
    return out;
  }

  Task<void> tell(pb::ConfigurationReport report) {
    pb::Event event;
    *event.mutable_configuration() = std::move(report);
    const Seen seen{clock_.mono(), clock_.wall()};
    const auto append = [&event, seen](Outbox& outbox) {
      outbox.append(event, seen);
      return true;
    };
    co_await journal_.ask(append);
  }

  /// A refill goes into the outbox, and what it changed onto the disk, at once. Any thread.
  void tell(const Supplies::Event& refill) {
    const Seen seen{clock_.mono(), clock_.wall()};
    // The account first: without it the next run would find the same refill again.
    auto rows = supplies_.unsaved(false);
    journal_.post([rows = std::move(rows), event = refill_event(refill), seen](Outbox& outbox) {
      outbox.save_supplies(rows);
      outbox.append(event, seen);
    });
    log::info(
        "refilled",
        {{"device", refill.device}, {"type", refill.type}, {"detected", refill.refilled.detected}});
  }

  /// The application's last word outlives this run. Any thread.
  void keep_result(const std::string& device, std::string kept) {
    Telling telling;
    telling.note = {std::string{result_note} + device, std::move(kept)};
    const Seen seen{clock_.mono(), clock_.wall()};
    journal_.post([telling = std::move(telling), seen](Outbox& outbox) {
      if (outbox.tell(telling, seen).how == Told::How::written) return;
      log::warning("device-result-not-kept", {{"device", telling.note->first}});
    });
  }

  /// What is remembered of devices follows the configuration before anything is polled by it.
  void use_devices(const AgentConfig& config) {
    supplies_.use(config.language);
    if (!config.readable) return;
    supplies_.use(supplied_devices(config));
    results_.retain(device_names(config));
  }

  void save_supplies(bool all) {
    auto rows = supplies_.unsaved(all);
    if (rows.empty()) return;
    journal_.post([rows = std::move(rows)](Outbox& outbox) { outbox.save_supplies(rows); });
  }

  /// Another configuration: everything that depends on one follows, storage apart.
  Task<std::string> apply(std::shared_ptr<const InForce> next) {
    const auto config = next->config;
    use_devices(*config);
    const auto left = co_await watch_.replace(helper_, config, stop_limit);
    hotplug_.use(*config);
    in_force_ = std::move(next);
    answers_.use(config);
    board_.retain(device_names(*config));
    if (config->readable) retain(*config);
    tell_problems(*config);
    assistant_.use(config->assistant, config->language, device_names(*config));
    uplink_.use(uplink_options(data_, *config),
                facts_of(*in_force_, reconfigurer_.local_only(), host_));
    std::string out;
    const auto say = [&](const Text& text, const std::string& what) {
      out.append(out.empty() ? "" : "\n");
      out += fmt::format(fmt::runtime(text.in(config->language)), what);
    };
    if (config->outbox_bytes != outbox_bytes_) say(message::storage_at_restart, {});
    for (const auto& port : left) say(message::port_left, port);
    co_return out;
  }

  void tell_problems(const AgentConfig& config) {
    for (const auto& problem : config.problems) {
      journal_.post_note("bad-configuration", problem.in(config.language));
      log::error("bad-configuration", {{"problem", problem.in(Lang::en)}});
    }
  }

  /// A device that the collector is about to retire must be reported anew when it comes back.
  void retain(const AgentConfig& config) {
    journal_.post([names = device_names(config)](Outbox& outbox) { outbox.retain_devices(names); });
  }

  Task<void> keep_house() {
    auto last = clock_.mono();
    bool rested = false;
    for (;;) {
      co_await sleep_for(flush_every);
      watch_.take_back();
      save_supplies(false);
      journal_.post([](Outbox& outbox) { outbox.flush(); });
      if (clock_.mono() - last < housekeeping_every) continue;
      last = clock_.mono();
      const Seen seen{clock_.mono(), clock_.wall()};
      journal_.post([seen](Outbox& outbox) {
        outbox.touch(seen);
        outbox.prune(seen);
      });
      if (!std::exchange(rested, true)) platform::forget_startup();
    }
  }

  Task<void> stop_when_told() {
    co_await signals_.async_wait(as_result);
    log::info("agent-stopping");
    hotplug_.stop();
    service_.stopping();
    control_.stop();
    assistant_.stop();
    reconfigurer_.stop();
    const bool all_ended = co_await watch_.stop(helper_, stop_limit);
    save_supplies(true);
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

  std::filesystem::path data_;
  SystemClock clock_;
  platform::HostFacts host_;
  asio::io_context io_{1};
  Worker helper_;
  Reconfigurer reconfigurer_;
  std::shared_ptr<const InForce> in_force_;
  std::int64_t outbox_bytes_;       ///< the ceiling that this run began with
  std::unique_ptr<Outbox> outbox_;  ///< until the journal takes it
  std::optional<LastRun> last_run_;
  Supplies supplies_;
  Results results_;
  Journal journal_;
  Board board_;
  Serving serving_;
  Uplink uplink_;
  Watch watch_;
  Answers answers_;
  Verbs verbs_;
  Following following_;
  platform::ControlServer control_;
  Assistant assistant_;
  Commander commander_;
  asio::signal_set signals_;
  platform::ServiceNotifier service_ = platform::ServiceNotifier::of_this_process();
  Watchdog watchdog_;
  Hotplug hotplug_{io_, watch_, journal_, clock_};
};

}  // namespace

int run_agent(const std::filesystem::path& data, const std::filesystem::path& own_file) {
  Agent agent{data, own_file};
  return agent.run();
}

}  // namespace kw::agent
