#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "drivers/laser_printer/components.hpp"
#include "drivers/laser_printer/ipp/message.hpp"
#include "drivers/laser_printer/ipp/reasons.hpp"
#include "drivers/laser_printer/ipp/supplies.hpp"
#include "drivers/laser_printer/settings.hpp"
#include "drivers/ports/http.hpp"

namespace kw::drivers {
namespace {

using ipp::Message;
using ipp::Refusal;

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions",  "media",    "components",
                                             "consumables", "identity", "measurements"};
constexpr std::array settings_table{laser::toner_warning_percent, laser::paper_warning_sheets};

constexpr std::array<std::string_view, 1> port_schemes{"ipp"};
constexpr std::string_view media_type = "application/ipp";

constexpr std::array<std::string_view, 1> asked_at_open{"printer-state"};
constexpr auto asked_at_poll = std::to_array<std::string_view>({"printer-state",
                                                                "printer-state-reasons",
                                                                "printer-is-accepting-jobs",
                                                                "printer-alert",
                                                                "printer-input-tray",
                                                                "printer-supply",
                                                                "printer-supply-description",
                                                                "marker-names",
                                                                "marker-types",
                                                                "marker-colors",
                                                                "marker-levels",
                                                                "marker-low-levels",
                                                                "media-ready",
                                                                "printer-impressions-completed",
                                                                "printer-pages-completed",
                                                                "printer-media-sheets-completed",
                                                                "printer-up-time",
                                                                "queued-job-count",
                                                                "printer-make-and-model",
                                                                "printer-device-id",
                                                                "printer-uuid",
                                                                "printer-serial-number",
                                                                "printer-firmware-string-version"});

// ---- the other parts of a status --------------------------------------------------------------

wire::DeviceState device_state(const Message& printer, const ipp::Reported& reported) {
  if (reported.says("shutdown") || reported.says("power-down")) return wire::DeviceState::power_off;
  if (reported.has("printer-offline")) return wire::DeviceState::offline;
  if (reported.has("fuser-over-temp") || reported.has("fuser-under-temp")) {
    return wire::DeviceState::hardware_error;
  }
  switch (printer.integer("printer-state").value_or(0)) {
    case ipp::state_idle:
    case ipp::state_stopped:
      return wire::DeviceState::online;
    case ipp::state_processing:
      return wire::DeviceState::device_busy;
    default:
      return wire::DeviceState::unknown;
  }
}

std::vector<wire::Measurement> measurements_of(const Message& printer) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> rows{
      {{"printer-impressions-completed", "printed_impressions"},
       {"printer-pages-completed", "printed_pages"},
       {"printer-media-sheets-completed", "printed_sheets"},
       {"queued-job-count", "queued_jobs"},
       {"printer-up-time", "uptime_seconds"}}};
  std::vector<wire::Measurement> out;
  for (const auto& [attribute, name] : rows) {
    const auto value = printer.integer(attribute);
    if (value && *value >= 0) out.push_back({std::string{name}, static_cast<double>(*value)});
  }
  return out;
}

/// The value of an IEEE 1284 device id's key, by any of its names.
std::string device_id(std::string_view id, std::initializer_list<std::string_view> keys) {
  while (!id.empty()) {
    const auto end = std::min(id.find(';'), id.size());
    auto pair = id.substr(0, end);
    id.remove_prefix(std::min(end + 1, id.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    const auto colon = pair.find(':');
    if (colon == std::string_view::npos) continue;
    if (std::ranges::find(keys, pair.substr(0, colon)) == keys.end()) continue;
    return std::string{pair.substr(colon + 1)};
  }
  return {};
}

wire::Identity identity_of(const Message& printer) {
  wire::Identity out;
  const auto id = printer.text("printer-device-id");
  out.vendor = device_id(id, {"MFG", "MANUFACTURER"});
  out.model = device_id(id, {"MDL", "MODEL"});
  const auto whole = printer.text("printer-make-and-model");
  if (out.model.empty()) {
    out.model = whole;
    if (!out.vendor.empty() && out.model.starts_with(out.vendor + " ")) {
      out.model.erase(0, out.vendor.size() + 1);
    }
  }
  // The UUID is made for the printer or from its serial number: it stays with this one printer.
  constexpr std::string_view urn = "urn:uuid:";
  out.serial = device_id(id, {"SN", "SERN", "SERIALNUMBER"});
  if (out.serial.empty()) out.serial = printer.text("printer-serial-number");
  if (out.serial.empty()) {
    out.serial = printer.text("printer-uuid");
    if (out.serial.starts_with(urn)) out.serial.erase(0, urn.size());
  }
  out.firmware = printer.text("printer-firmware-string-version");
  return out;
}

// ---- the driver -------------------------------------------------------------------------------

/// What an HTTP status means here; nothing for 200.
std::optional<Refusal> http_refusal(const HttpAnswer& answer) {
  using enum Refusal::Kind;
  const auto said = fmt::format("HTTP status {}", answer.status);
  const auto wrongly = [&](Refusal::Kind kind, std::string_view what_to_do) {
    return Refusal{kind, Error{Errc::refused, fmt::format("{}: {}", said, what_to_do)}};
  };
  switch (answer.status) {
    case 200:
      break;
    case 401:
    case 403:
      return wrongly(mistake, ipp::wants_login);
    case 404:
      return wrongly(absent, ipp::no_printer_here);
    case 426:
      return wrongly(mistake, ipp::wants_tls);
    case 408:
      return Refusal{error, Error{Errc::timeout, said}};
    case 429:
    case 503:
      return Refusal{busy, Error{Errc::timeout, said}};
    default:
      return Refusal{error, Error{answer.status >= 500 ? Errc::garbled : Errc::refused, said}};
  }
  if (!answer.type.starts_with(media_type)) {
    return Refusal{error,
                   Error{Errc::garbled, fmt::format("the answer is \"{}\", not IPP", answer.type)}};
  }
  return std::nullopt;
}

/// The status of a printer that answers and does not tell of itself.
wire::Status untold(const Refusal& why) {
  wire::Status out;
  out.evidence = wire::Evidence::protocol_reply;
  if (why.kind == Refusal::Kind::busy) {
    out.device = wire::DeviceState::device_busy;
    out.conditions.push_back(wire::condition(ipp::answers_nothing, why.error.text()));
  } else {
    if (why.kind == Refusal::Kind::absent) out.device = wire::DeviceState::no_device;
    out.conditions.push_back(
        wire::condition(*wire::find_condition("bad-configuration"), {}, why.error.text()));
  }
  return out;
}

class Ipp final : public Driver {
 public:
  explicit Ipp(const laser::Limits& limits) : limits_(limits) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = dynamic_cast<HttpPort*>(&port);
    if (port_ == nullptr) return Error{Errc::unsupported, "ipp: needs an ipp port"};
    auto printer = ask(asked_at_open, deadline);
    // A printer it is all the same: what is wrong is its status.
    if (!printer && told_instead()) return {};
    if (!printer && printer.error().code() == Errc::garbled) {
      return Error{Errc::refused, "ipp: not an IPP printer: " + printer.error().text()};
    }
    if (!printer) return std::move(printer).error().within("ipp");
    return {};
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "ipp: not open"};
    const auto printer = ask(asked_at_poll, deadline);
    if (!printer && told_instead()) return untold(*refusal_);
    if (!printer) return Error{printer.error()}.within("ipp");
    ipp::Reported reported{*printer};
    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.device = device_state(*printer, reported);
    status.media = reported.has("media-jam") ? wire::Media::jammed : wire::Media::not_supported;
    status.components = laser::components_of(reported);
    status.consumables = ipp::consumables_of(*printer, reported, limits_);
    status.measurements = measurements_of(*printer);
    status.identity = identity_of(*printer);
    status.conditions = reported.conditions();
    return status;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  bool told_instead() const { return refusal_ && refusal_->kind != Refusal::Kind::error; }

  Error keep(Refusal refusal) {
    auto out = refusal.error;
    refusal_ = std::move(refusal);
    return out;
  }

  /// One Get-Printer-Attributes; again with version 1.1 when the printer knows no 2.0.
  Result<Message> ask(std::span<const std::string_view> wanted, MonoTime deadline) {
    refusal_.reset();
    auto printer = ask_once(wanted, deadline);
    if (printer && printer->status == ipp::version_not_supported && version_ == ipp_2_0) {
      version_ = ipp_1_1;
      printer = ask_once(wanted, deadline);
    }
    if (!printer) return printer;
    if (auto refused = ipp::refusal(printer->status)) return keep(std::move(*refused));
    if (!printer->integer("printer-state")) {
      return Error{Errc::garbled, "the answer has no printer-state"};
    }
    return printer;
  }

  Result<Message> ask_once(std::span<const std::string_view> wanted, MonoTime deadline) {
    const auto request = ipp::get_printer_attributes(version_.first, version_.second, ++request_,
                                                     port_->uri(), wanted);
    auto answer = port_->post(media_type, request, deadline);
    if (!answer) return std::move(answer).error();
    if (auto refused = http_refusal(*answer)) return keep(std::move(*refused));
    auto printer = ipp::parse(answer->body);
    if (printer && printer->request_id != request_) {
      return Error{Errc::garbled, "the answer is to another request"};
    }
    return printer;
  }

  using Version = std::pair<std::uint8_t, std::uint8_t>;
  static constexpr Version ipp_2_0{2, 0};
  static constexpr Version ipp_1_1{1, 1};

  laser::Limits limits_;
  HttpPort* port_ = nullptr;
  Version version_ = ipp_2_0;  ///< kept: a printer does not learn
  std::uint32_t request_ = 0;
  std::optional<Refusal> refusal_;  ///< of the last question
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<Ipp>(laser::limits_of(settings))};
}

}  // namespace

Card ipp_card() {
  return {.name = "ipp",
          .kind = "laser_printer",
          .title = {"激光打印机", "laser printer"},
          .settings = settings_table,
          .conditions = ipp::own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .maturity = Maturity::peer,
          .peers = "CUPS ippeveprinter 2.4.2",
          .make = make};
}

}  // namespace kw::drivers
