#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "drivers/ups/nut/text.hpp"
#include "drivers/ups/nut/variables.hpp"

namespace kw::drivers {
namespace {

using nut::Listing;

constexpr std::string_view capabilities[] = {"conditions", "components", "consumables", "identity",
                                             "measurements"};
constexpr std::array settings_table{
    Setting{"ups",
            SettingType::text,
            "",
            {"UPS 在服务器上的名称；留空表示唯一的那一台",
             "name of the UPS on its server; empty: the only one there is"}},
};

constexpr std::array<std::string_view, 2> port_schemes{"nut", "tcp"};
constexpr std::size_t most_names_told = 8;
constexpr std::string_view access_denied = "ACCESS-DENIED";

/// Asks upsd. There is no way from here to a command that changes something.
class Nut final : public Driver {
 public:
  explicit Nut(std::string wanted) : wanted_(std::move(wanted)) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    out_of_step_ = false;
    return choose(deadline);
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "nut: not open"};
    // Nothing marks a line as the answer to an earlier question, but a new connection has none.
    if (out_of_step_) {
      return Error{Errc::disconnected, "nut: an answer is outstanding on this connection"};
    }
    // The server's configuration may have changed under a connection that goes on.
    if (ups_.empty()) {
      if (auto chosen = choose(deadline); !chosen) return std::move(chosen).error();
      if (ups_.empty()) return mistaken_;
    }
    auto listing = list("VAR " + ups_, deadline);
    if (listing && listing->error == "UNKNOWN-UPS") {
      if (auto chosen = choose(deadline); !chosen) return std::move(chosen).error();
      if (ups_.empty()) return mistaken_;
      listing = list("VAR " + ups_, deadline);
    }
    if (!listing) return std::move(listing).error().within("nut");
    const auto& error = listing->error;
    if (error == "DATA-STALE" || error == "DRIVER-NOT-CONNECTED") return nut::unreachable(error);
    if (error == access_denied) return denied();
    if (!error.empty()) return Error{Errc::refused, "nut: LIST VAR: " + shown(error)};
    nut::Variables variables;
    for (auto& row : listing->rows) {
      if (row.size() != 4 || row[0] != "VAR" || row[1] != ups_) {
        return Error{Errc::garbled, "nut: a line of LIST VAR is none"};
      }
      variables.insert_or_assign(std::move(row[2]), std::move(row[3]));
    }
    return nut::status_of(variables);
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  /// NUT's errors are such words; what is none may be anybody's text.
  static std::string shown(std::string_view text) {
    const bool is_word = text.size() <= 40 && std::ranges::all_of(text, [](char c) {
                           return (c >= 'A' && c <= 'Z') || c == '-';
                         });
    return is_word ? std::string{text} : "an unknown error";
  }

  /// A server that answers is no wrong device: the configuration, here or there, names no UPS of
  /// its.
  static wire::Status mistaken(wire::DeviceState device, std::string what_to_do) {
    wire::Status out;
    out.device = device;
    out.evidence = wire::Evidence::protocol_reply;
    out.conditions.push_back(
        wire::condition(*wire::find_condition("bad-configuration"), {}, std::move(what_to_do)));
    return out;
  }

  static wire::Status denied() {
    return mistaken(wire::DeviceState::unknown,
                    "ACCESS-DENIED: the server lets nobody ask from here: permit this computer in "
                    "its configuration");
  }

  /// Sets `ups_`, or `mistaken_` when no UPS of the server's, or not one alone, is meant.
  Result<void> choose(MonoTime deadline) {
    ups_.clear();
    auto listing = list("UPS", deadline);
    if (!listing) {
      if (listing.error().code() == Errc::garbled) {
        return Error{Errc::refused, "nut: not a NUT server: " + listing.error().text()};
      }
      return std::move(listing).error().within("nut");
    }
    if (listing->error == access_denied) {
      mistaken_ = denied();
      return {};
    }
    if (!listing->error.empty()) {
      return Error{Errc::refused, "nut: LIST UPS: " + shown(listing->error)};
    }
    std::vector<std::string> names;
    for (const auto& row : listing->rows) {
      if (row.size() < 2 || row[0] != "UPS" || !nut::is_ups_name(row[1])) {
        return Error{Errc::refused, "nut: not a NUT server: a line of LIST UPS is none"};
      }
      names.push_back(row[1]);
    }
    if (wanted_.empty() && names.size() == 1) {
      ups_ = names.front();
      return {};
    }
    if (std::ranges::find(names, wanted_) != names.end()) {
      ups_ = wanted_;
      return {};
    }
    std::string known;
    for (std::size_t i = 0; i < std::min(names.size(), most_names_told); ++i) {
      known += (i == 0 ? "" : ", ") + names[i];
    }
    using wire::DeviceState;
    if (names.empty()) {
      mistaken_ = mistaken(DeviceState::no_device, "the server has no UPS: add it to its ups.conf");
    } else if (wanted_.empty()) {
      mistaken_ =
          mistaken(DeviceState::unknown, "the server has several UPSs: set ups to one of " + known);
    } else {
      mistaken_ = mistaken(
          DeviceState::no_device,
          fmt::format("the server has no UPS \"{}\": set ups to one of {}", wanted_, known));
    }
    return {};
  }

  Result<Listing> list(const std::string& what, MonoTime deadline) {
    port_->discard();
    const auto question = "LIST " + what + "\n";
    const std::vector<std::uint8_t> bytes{question.begin(), question.end()};
    auto sent = port_->write(bytes, deadline);
    if (!sent) return std::move(sent).error();
    out_of_step_ = true;
    nut::ListingReader reader{what};
    std::array<std::uint8_t, 4096> chunk{};
    for (;;) {
      auto got = port_->read(chunk, deadline);
      if (!got) {
        if (got.error().code() != Errc::timeout) return std::move(got).error();
        return Error{Errc::timeout, "no whole answer to LIST " + what};
      }
      const auto arrived = std::span{chunk}.first(*got);
      auto listing = reader.take({reinterpret_cast<const char*>(arrived.data()), arrived.size()});
      if (!listing) return std::move(listing).error();
      if (!*listing) {
        // A server that talks without end keeps every read from timing out.
        if (port_->now() < deadline) continue;
        return Error{Errc::garbled, "an answer without end to LIST " + what};
      }
      out_of_step_ = false;
      return std::move(**listing);
    }
  }

  std::string wanted_;
  Port* port_ = nullptr;
  std::string ups_;           ///< the chosen one; empty: none could be
  wire::Status mistaken_;     ///< what is told then
  bool out_of_step_ = false;  ///< a question has not been answered wholly
};

constexpr Text no_name{
    "ups = \"{}\"：名称只有字母、数字、点、连字符和下划线",
    "ups = \"{}\": a name has letters, digits, dots, hyphens and underscores only"};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  const auto& ups = settings.text("ups");
  if (!ups.empty() && !nut::is_ups_name(ups)) {
    return filled(no_name, ups);
  }
  return std::unique_ptr<Driver>{std::make_unique<Nut>(ups)};
}

}  // namespace

Card nut_card() {
  return {.name = "nut",
          .kind = "ups",
          .title = {"不间断电源", "UPS"},
          .settings = settings_table,
          .conditions = nut::own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .maturity = Maturity::peer,
          .peers = "NUT upsd and dummy-ups 2.8.0",
          .make = make};
}

}  // namespace kw::drivers
