#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "drivers/laser_printer/components.hpp"
#include "drivers/laser_printer/pjl/status.hpp"
#include "drivers/laser_printer/supplies.hpp"
#include "drivers/laser_printer/text.hpp"

namespace kw::drivers {
namespace {

using pjl::Block;

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "consumables",
                                             "identity"};
constexpr std::array settings_table{
    Setting{"identify",
            SettingType::boolean,
            "true",
            {"连接时询问型号（INFO ID）", "ask the model when it is contacted (INFO ID)"}},
};
constexpr std::array<std::string_view, 1> port_schemes{"tcp"};

/// "Universal Exit Language": whatever was sent before, what follows is PJL; behind it, nothing is
/// a job of its own.
constexpr std::string_view uel = "\x1b%-12345X";
/// Not every printer knows that question.
constexpr Duration identity_patience = std::chrono::milliseconds{500};
constexpr Duration identity_every = std::chrono::seconds{60};  // how late another may show
constexpr std::size_t most_heard = 16 * 1024;

// ---- the parts of a status --------------------------------------------------------------------

laser::Findings findings_of(const pjl::Status& said) {
  laser::Findings out{pjl::own_conditions()};
  for (const int code : said.codes) {
    const auto means = pjl::meaning_of(code, said.display);
    if (means.condition.empty()) continue;
    auto& condition = out.raise(means.condition, std::to_string(code));
    if (means.fault) condition.severity = wire::Severity::fault;
  }
  out.drop_lesser();
  // Off-line with a reason is that reason.
  if (said.online == false && !out.any_fault()) out.raise("printer-offline", "ONLINE=FALSE");
  return out;
}

/// Whether toner and paper are well unless something is said of them. A printer tells one code as a
/// rule: one of a jam hides that the toner is low, and only "ready" and its like (10xxx) do not.
bool tells_of_supplies(const pjl::Status& said, const laser::Findings& findings) {
  return findings.conditions().empty() &&
         std::ranges::all_of(said.codes, [](int code) { return code / 1000 == 10; });
}

wire::DeviceState device_state(const pjl::Status& said, const laser::Findings& findings) {
  if (findings.has("printer-offline")) return wire::DeviceState::offline;
  if (findings.has("unrecoverable-error")) return wire::DeviceState::hardware_error;
  const bool busy = std::ranges::any_of(
      said.codes, [&](int code) { return pjl::meaning_of(code, said.display).busy; });
  return busy ? wire::DeviceState::device_busy : wire::DeviceState::online;
}

// ---- the driver -------------------------------------------------------------------------------

class Pjl final : public Driver {
 public:
  explicit Pjl(bool identify) : identify_(identify) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    auto first = ask_status(deadline);
    if (!first) {
      port_ = nullptr;
      if (first.error().code() == Errc::garbled) {
        return Error{Errc::refused, "pjl: no PJL printer: " + first.error().text()};
      }
      return std::move(first).error().within("pjl");
    }
    first_ = std::move(*first);
    // The port may be given back after every poll: what hardly changes is not asked each time.
    const bool lately = model_asked_ && port.now() - *model_asked_ < identity_every;
    if (identify_ && !lately) ask_model(deadline);
    return {};
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "pjl: not open"};
    // What told that it is a printer counts for the poll that follows at once.
    auto said =
        first_ ? Result<pjl::Status>{std::move(*std::exchange(first_, {}))} : ask_status(deadline);
    if (!said) return std::move(said).error().within("pjl");
    auto findings = findings_of(*said);
    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.device = device_state(*said, findings);
    status.media = findings.has("media-jam") ? wire::Media::jammed : wire::Media::not_supported;
    status.components = laser::components_of(findings);
    // Flags are all there is: a printer that has not called for toner says nothing of how much.
    laser::Supply toner;
    toner.type = "toner";
    const bool told = tells_of_supplies(*said, findings);
    toner.some = told;
    if (findings.has("marker-supply-missing")) toner.flag = laser::Supply::Flag::missing;
    status.consumables = laser::consumables_of({std::move(toner)}, {.flagged = told}, findings, {});
    for (auto& item : status.consumables) {
      if (item.state == wire::ConsumableState::unknown) item.source = wire::LevelSource::unknown;
    }
    status.identity.model = model_;
    status.conditions = findings.conditions();
    return status;
  }

  void close() noexcept override {
    port_ = nullptr;
    first_.reset();
  }

 private:
  Result<pjl::Status> ask_status(MonoTime deadline) {
    const auto block = ask("INFO STATUS", deadline);
    if (!block) return Error{block.error()};
    return pjl::read_status(*block);
  }

  /// A quoted line: "HP LASERJET P2055".
  void ask_model(MonoTime deadline) {
    model_asked_ = port_->now();
    model_.clear();
    const auto block = ask("INFO ID", std::min(deadline, port_->now() + identity_patience));
    if (!block || block->lines.empty()) return;
    constexpr std::size_t longest = 127;
    auto line = std::string_view{block->lines.front()}.substr(0, longest);
    while (!line.empty() && (line.front() == '"' || line.front() == '\'')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == '"' || line.back() == '\'')) line.remove_suffix(1);
    if (line != "?") model_ = laser::readable(line);
  }

  /// One question, behind an echo of its own: what comes before that echo was meant for others.
  Result<Block> ask(std::string_view question, MonoTime deadline) {
    const auto echo = fmt::format("KIOSKWATCH {}-{}", micros(port_->now()), ++asked_);
    const auto request =
        fmt::format("{}@PJL \r\n@PJL ECHO {}\r\n@PJL {}\r\n{}", uel, echo, question, uel);
    port_->discard();
    auto sent = port_->write(std::vector<std::uint8_t>{request.begin(), request.end()}, deadline);
    if (!sent) return std::move(sent).error();
    std::string heard;
    bool echoed = false;
    bool noise = false;
    std::array<std::uint8_t, 1024> chunk{};
    for (std::size_t total = 0; total < most_heard;) {
      const auto got = port_->read(chunk, deadline);
      if (!got && got.error().code() == Errc::timeout) {
        const bool other = noise || (!heard.empty() && heard.find("@PJL") == std::string::npos);
        if (!echoed && other) return Error{Errc::garbled, "it answers, but not in PJL"};
        return Error{Errc::timeout, fmt::format("no answer to {}", question)};
      }
      if (!got) return Error{got.error()};
      total += *got;
      heard.append(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      for (auto end = heard.find('\f'); end != std::string::npos; end = heard.find('\f')) {
        auto block = pjl::read_block(std::string_view{heard}.substr(0, end));
        heard.erase(0, end + 1);
        noise = noise || !block;
        if (!block) continue;
        if (block->head == "ECHO " + echo) echoed = true;
        if (echoed && block->head == question) return block;
      }
    }
    return Error{Errc::garbled, "it talks without end"};
  }

  bool identify_;
  Port* port_ = nullptr;
  std::int64_t asked_ = 0;
  std::string model_;
  std::optional<MonoTime> model_asked_;
  std::optional<pjl::Status> first_;  ///< the answer to `open`, until the first poll
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<Pjl>(settings.boolean("identify"))};
}

}  // namespace

Card pjl_card() {
  return {.name = "pjl",
          .kind = "laser_printer",
          .title = {"激光打印机（PJL）", "laser printer (PJL)"},
          .settings = settings_table,
          .conditions = pjl::own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
