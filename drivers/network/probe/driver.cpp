#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "common/filled.hpp"
#include "drivers/network/probe/ledger.hpp"
#include "drivers/network/probe/methods.hpp"
#include "drivers/ports/none.hpp"
#include "drivers/unanswered.hpp"

namespace kw::drivers {
namespace {

using network::Ledger;
using network::Probe;
using network::Target;
using wire::Action;
using wire::Severity;

constexpr std::string_view capabilities[] = {"conditions", "measurements"};
constexpr std::array settings_table{
    Setting{"method",
            SettingType::text,
            "icmp",
            {"探测方式：icmp、tcp、dns、http、tls", "how to probe: icmp, tcp, dns, http or tls"}},
    Setting{"target",
            SettingType::text,
            "",
            {"探测对象：主机；主机:端口；域名@域名服务器；网址",
             "what to probe: host; host:port; name@server; URL"}},
    Setting{"expect",
            SettingType::text,
            "",
            {"dns：应答中应有的地址，用空格分隔；空表示任意地址",
             "dns: the addresses of the right answer, with spaces between; empty: any"}},
    Setting{"expect_status",
            SettingType::integer,
            "200",
            {"http：正确的状态码", "http: the status that is right"},
            100,
            599},
    Setting{"expect_content",
            SettingType::text,
            "",
            {"http：应答内容中必须出现的文字", "http: text that the answer must contain"}},
    Setting{"timeout_ms",
            SettingType::integer,
            "1000",
            {"多少毫秒无应答算丢失", "milliseconds after which a probe is lost"},
            10,
            60'000},
    Setting{"fallback_port",
            SettingType::integer,
            "80",
            {"icmp：无权发送 ICMP 时改用的 TCP 端口",
             "icmp: the TCP port that is tried where no echo request may be sent"},
            1,
            65'535},
    Setting{
        "latency_limit_ms",
        SettingType::number,
        "0",
        {"24 小时平均时延上限（毫秒）；0：icmp 与 tcp 为标准 6.2.1.2 的 50，其他方式不判断",
         "highest mean latency over 24 h in milliseconds; 0: clause 6.2.1.2's 50 for icmp and tcp, "
         "not judged for others"},
        0,
        60'000},
    Setting{"loss_limit_percent",
            SettingType::number,
            "0.5",
            {"24 小时丢包率上限（%），标准 6.2.1.2",
             "loss over 24 h from which on to warn, in percent, clause 6.2.1.2"},
            0.001,
            100},
    Setting{"expiry_warning_days",
            SettingType::integer,
            "30",
            {"证书到期前多少天报警告", "days before a certificate's end at which to warn"},
            0,
            3'650},
};

constexpr std::array conditions_table{
    wire::ConditionRow{
        "unreachable", Severity::fault, Action::maintenance, {"网络不可达", "cannot be reached"}},
    wire::ConditionRow{"dns-wrong-answer",
                       Severity::fault,
                       Action::configuration,
                       {"域名解析结果不正确", "name resolves wrongly"}},
    wire::ConditionRow{"http-wrong-answer",
                       Severity::fault,
                       Action::software_error,
                       {"接口返回不正确", "service answers wrongly"}},
    wire::ConditionRow{"latency-high",
                       Severity::warning,
                       Action::maintenance,
                       {"网络时延超标", "latency over its limit"}},
    wire::ConditionRow{"loss-high",
                       Severity::warning,
                       Action::maintenance,
                       {"网络丢包超标", "loss over its limit"}},
    wire::ConditionRow{"certificate-expiring",
                       Severity::warning,
                       Action::configuration,
                       {"证书即将到期", "certificate ends soon"}},
    wire::ConditionRow{"certificate-expired",
                       Severity::fault,
                       Action::configuration,
                       {"证书已过期", "certificate has ended"}},
};

wire::Condition of(std::string_view code, std::string vendor_code = {}, std::string detail = {}) {
  const auto row = std::ranges::find(conditions_table, code, &wire::ConditionRow::code);
  return wire::condition(*row, std::move(vendor_code), std::move(detail));
}

/// Of the network alone; a service's answer has its own work in it.
constexpr double standard_latency_ms = 50;

struct Limits {
  Duration timeout;
  double latency_ms = 0;  ///< 0: not judged
  double loss_percent = 0;
  std::chrono::days expiry{};
};

/// Why there was no answer, in words that stay the same from probe to probe.
std::string_view reason(Errc code) {
  switch (code) {
    case Errc::missing:
      return "no such name";
    case Errc::refused:
      return "refused";
    case Errc::garbled:
      return "garbled answer";
    case Errc::disconnected:
      return "disconnected";
    default:
      return "no answer";
  }
}

class NetworkProbe final : public Driver, public Unanswered {
 public:
  NetworkProbe(Target target, std::string shown, const Limits& limits)
      : target_(std::move(target)), shown_(std::move(shown)), limits_(limits) {}

  Result<void> open(Port& port, MonoTime /*deadline*/) override {
    port_ = dynamic_cast<NoPort*>(&port);
    if (port_ == nullptr) return Error{Errc::unsupported, "network_probe: needs port \"-\""};
    return {};
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "network_probe: not open"};
    const auto began = port_->now();
    const auto until = std::min(deadline, began + limits_.timeout);
    auto found = network::probe(target_, sequence_++, port_->clock(), until);
    // Said of this machine, not of the target.
    if (!found && found.error().code() == Errc::unsupported) return std::move(found).error();
    ledger_.note(began, found ? std::optional{found->rtt} : std::nullopt);
    unanswered_.clear();
    if (!found) {
      why_ = reason(found.error().code());
      unanswered_ = shown_ + ": " + found.error().text();
    }
    return status_of(found ? &*found : nullptr);
  }

  std::string unanswered() const override { return unanswered_; }

  void close() noexcept override { port_ = nullptr; }

 private:
  wire::Status status_of(const Probe* found) {
    wire::Status out;
    const auto state = ledger_.state();
    const bool down = state == Ledger::State::down;
    const bool up = state == Ledger::State::up;
    out.device = down ? wire::DeviceState::offline
                 : up ? wire::DeviceState::online
                      : wire::DeviceState::unknown;
    out.evidence = up || down ? wire::Evidence::protocol_reply : wire::Evidence::none;
    if (down) out.conditions.push_back(of("unreachable", std::string{why_}, shown_));
    if (found != nullptr) judge(*found, out);
    // A single lost probe changes nothing that the last answer said.
    if (found == nullptr && !down) std::ranges::copy(said_, std::back_inserter(out.conditions));
    judge_day(out);
    measure(found, out);
    return out;
  }

  void judge(const Probe& found, wire::Status& out) {
    said_.clear();
    if (!found.right) {
      const bool dns = target_.method == Target::Method::dns;
      said_.push_back(of(dns ? "dns-wrong-answer" : "http-wrong-answer", found.answer, shown_));
    }
    if (found.valid_until) {
      const auto left = *found.valid_until - port_->clock().wall();
      // The day of its end, not the days left: the detail must not change by itself.
      const auto day = rfc3339(*found.valid_until).substr(0, 10);
      if (left <= Duration::zero()) {
        said_.push_back(of("certificate-expired", {}, day));
      } else if (left < limits_.expiry) {
        said_.push_back(of("certificate-expiring", {}, day));
      }
    }
    std::ranges::copy(said_, std::back_inserter(out.conditions));
  }

  void judge_day(wire::Status& out) {
    const auto day = ledger_.over_a_day();
    if (!day) return;
    // Said until it is a tenth below its limit: a mean on the edge would change with every probe.
    constexpr double edge = 0.9;
    slow_ = limits_.latency_ms > 0 &&
            day->mean_ms().value_or(0) > limits_.latency_ms * (slow_ ? edge : 1);
    lossy_ = day->loss_percent() >= limits_.loss_percent * (lossy_ ? edge : 1);
    if (slow_) out.conditions.push_back(of("latency-high"));
    if (lossy_) out.conditions.push_back(of("loss-high"));
  }

  void measure(const Probe* found, wire::Status& out) const {
    const auto add = [&out](std::string name, double value) {
      out.measurements.push_back({std::move(name), value});
    };
    const auto ms = [](Duration d) { return static_cast<double>(d.count()) / 1'000.0; };
    // This probe alone: whoever reads sums counts, never percentages.
    add("probes_sent", 1);
    add("probes_lost", found == nullptr ? 1 : 0);
    if (found != nullptr) add("rtt_ms", ms(found->rtt));
    const auto lately = ledger_.lately();
    add("loss_percent_20_probes", lately.loss_percent());
    if (const auto day = ledger_.over_a_day()) {
      add("loss_percent_24h", day->loss_percent());
      if (const auto mean = day->mean_ms()) add("rtt_mean_ms_24h", *mean);
    }
    if (found != nullptr && found->valid_until) {
      const auto left = *found->valid_until - port_->clock().wall();
      add("certificate_days_left",
          std::floor(std::chrono::duration<double, std::ratio<86'400>>{left}.count()));
    }
  }

  Target target_;
  std::string shown_;
  Limits limits_;
  Ledger ledger_;
  std::string_view why_;
  std::string unanswered_;             ///< by the last probe, in the words of its error
  std::vector<wire::Condition> said_;  ///< by the last answer
  bool slow_ = false;
  bool lossy_ = false;
  std::uint16_t sequence_ = 0;
  NoPort* port_ = nullptr;
};

constexpr Text no_address{"expect：\"{}\" 不是地址", "expect: \"{}\" is no address"};

/// The addresses of `text`, each as an answer's are written, in order. Another word is wrong.
Checked<std::vector<std::string>> addresses_in(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto from = text.find_first_not_of(" ,", at);
    if (from == std::string::npos) break;
    const auto end = std::min(text.find_first_of(" ,", from), text.size());
    const auto word = text.substr(from, end - from);
    boost::system::error_code bad;
    const auto address = boost::asio::ip::make_address(word, bad);
    if (bad) return filled(no_address, word);
    out.push_back(address.to_string());
    at = end;
  }
  std::ranges::sort(out);
  return out;
}

/// What is behind a question mark may be somebody's token: it goes to the target alone.
std::string without_query(const std::string& target) { return target.substr(0, target.find('?')); }

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  const auto& shown = settings.text("target");
  auto target = network::read_target(settings.text("method"), shown);
  if (!target) return target.wrong();
  auto expected = addresses_in(settings.text("expect"));
  if (!expected) return expected.wrong();
  target->expect = std::move(*expected);
  target->status = static_cast<int>(settings.integer("expect_status"));
  target->content = settings.text("expect_content");
  if (target->method == Target::Method::icmp) {
    target->port = static_cast<std::uint16_t>(settings.integer("fallback_port"));
  }
  const bool bare = target->method == Target::Method::icmp || target->method == Target::Method::tcp;
  const auto set = settings.number("latency_limit_ms");
  const Limits limits{
      .timeout = std::chrono::milliseconds{settings.integer("timeout_ms")},
      .latency_ms = set > 0 ? set
                    : bare  ? standard_latency_ms
                            : 0,
      .loss_percent = settings.number("loss_limit_percent"),
      .expiry = std::chrono::days{settings.integer("expiry_warning_days")},
  };
  return std::unique_ptr<Driver>{
      std::make_unique<NetworkProbe>(std::move(*target), without_query(shown), limits)};
}

}  // namespace

Card network_probe_card() {
  return {.name = "network_probe",
          .kind = "network",
          .title = {"网络探测", "network probe"},
          .settings = settings_table,
          .conditions = conditions_table,
          .schemes = {},
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
