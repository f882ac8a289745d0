#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "drivers/ports/quiet.hpp"
#include "drivers/receipt_printer/star/asb.hpp"

namespace kw::drivers {
namespace {

using star::Asb;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "consumables"};
constexpr std::array settings_table{
    Setting{"timeout_ms",
            SettingType::integer,
            "400",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
    Setting{"roll_metres",
            SettingType::number,
            "0",
            {"整卷纸的长度（米）；0 表示未知", "length of a full roll in metres; 0: not known"},
            0,
            2000},
};

constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};

/// ESC ACK SOH: the status is sent at once, whatever stands in the buffer.
constexpr std::array<std::uint8_t, 3> status_request{0x1b, 0x06, 0x01};

/// A bit of a status and the condition that it is. Bytes count from 0, so 2 is "printer status 1".
struct Bit {
  std::size_t byte;
  std::uint8_t any;
  std::string_view code;
  std::string_view detail;
};

// Left out: the reception buffer's overflow and the page mode's command error, which the printer
// forgets as soon as it has told them: they are no state.
constexpr std::array bits{
    Bit{2, 0x20, "cover-open", ""},
    Bit{3, 0x04, "unrecoverable-error", "mechanical error"},
    Bit{3, 0x08, "cutter-error", ""},
    Bit{3, 0x20, "unrecoverable-error", ""},
    Bit{3, 0x40, "head-overheated", ""},
    Bit{4, 0x02, "cover-open", "head up"},
    Bit{4, 0x04, "media-jam", "presenter"},
    Bit{4, 0x08, "recoverable-error", "black mark"},
    Bit{5, 0x08, "media-empty", ""},
    Bit{5, 0x06, "media-low", ""},  // inner and outer sensor
};
constexpr std::size_t state_byte = 2;
constexpr std::uint8_t off_line_bit = 0x08;
constexpr std::uint8_t switched_bit = 0x40;
constexpr std::size_t presenter_byte = 8;

/// Where the paper is in a presenter; always 0 without one.
enum class Position : std::uint8_t { none = 0, loop = 1, can_be_taken = 3 };

Position position_of(const Asb& asb) {
  if (asb.size() <= presenter_byte) return Position::none;
  return static_cast<Position>(asb[presenter_byte] >> 1 & 0x07);
}

std::string vendor_code(const Asb& asb, std::size_t byte) {
  return fmt::format("ASB{}={:02x}", byte + 1, asb[byte]);
}

const wire::Condition* find(const wire::Status& status, std::string_view code) {
  const auto it = std::ranges::find(status.conditions, code, &wire::Condition::code);
  return it == status.conditions.end() ? nullptr : &*it;
}

void append(std::string& to, std::string_view more, std::string_view between) {
  if (more.empty() || to.find(more) != std::string::npos) return;
  if (!to.empty()) to += between;
  to += more;
}

void raise(wire::Status& out, std::string_view code, std::string vendor, std::string_view detail) {
  const auto there = std::ranges::find(out.conditions, code, &wire::Condition::code);
  if (there == out.conditions.end()) {
    out.conditions.push_back(
        wire::condition(*wire::find_condition(code), std::move(vendor), std::string{detail}));
    return;
  }
  append(there->vendor_code, vendor, " ");
  append(there->detail, detail, ", ");
}

void judge(const Asb& asb, wire::Status& out) {
  const bool out_of_paper = (asb[5] & 0x08) != 0;
  for (const auto& bit : bits) {
    if ((asb[bit.byte] & bit.any) == 0 || (bit.code == "media-low" && out_of_paper)) continue;
    raise(out, bit.code, vendor_code(asb, bit.byte), bit.detail);
  }
  // A printer goes off-line by itself for any of these but the first.
  const bool explained = std::ranges::any_of(
      out.conditions, [](const wire::Condition& c) { return c.code != "media-low"; });
  const bool switched = (asb[state_byte] & switched_bit) != 0;
  if ((asb[state_byte] & off_line_bit) != 0 && !explained) {
    raise(out, "printer-offline", vendor_code(asb, state_byte),
          switched ? "switched off-line" : "");
  }
  if (position_of(asb) == Position::can_be_taken) {
    raise(out, "output-not-taken", vendor_code(asb, presenter_byte), "");
  }
}

wire::DeviceState device_state(const wire::Status& status) {
  if (find(status, "unrecoverable-error") != nullptr || find(status, "cutter-error") != nullptr) {
    return wire::DeviceState::hardware_error;
  }
  if (find(status, "printer-offline") != nullptr) return wire::DeviceState::offline;
  return wire::DeviceState::online;
}

std::vector<wire::Component> components_of(const wire::Status& status) {
  using enum wire::ComponentState;
  return {{"cover", find(status, "cover-open") != nullptr ? open : closed, true},
          {"cutter", find(status, "cutter-error") != nullptr ? inoperable : ok, true},
          // Cools down by itself, so it is not counted as a needed part that is broken.
          {"head", find(status, "head-overheated") != nullptr ? inoperable : ok, false}};
}

wire::Consumable paper_of(const wire::Status& status, double roll_metres) {
  wire::Consumable out{.type = "receipt_paper", .unit = "metres"};
  out.source = wire::LevelSource::flag;
  if (roll_metres > 0) out.capacity = roll_metres;
  if (find(status, "media-empty") != nullptr) {
    out.state = wire::ConsumableState::out;
    out.available = 0;
    out.percent = 0;
  } else {
    out.state = find(status, "media-low") != nullptr ? wire::ConsumableState::low
                                                     : wire::ConsumableState::full;
  }
  return out;
}

class Star final : public Driver {
 public:
  Star(Duration timeout, double roll_metres) : timeout_(timeout), roll_metres_(roll_metres) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    out_of_step_ = false;
    auto asb = ask(deadline);
    if (asb) return {};
    if (asb.error().code() == Errc::garbled) {
      return Error{Errc::refused, "star: not a printer in Star line mode: " + asb.error().text()};
    }
    return std::move(asb).error().within("star");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "star: not open"};
    const auto asb = ask(deadline);
    if (!asb) return Error{asb.error()}.within("star");
    wire::Status out;
    out.evidence = wire::Evidence::protocol_reply;
    judge(*asb, out);
    out.device = device_state(out);
    out.media = media_of(*asb, out);
    out.components = components_of(out);
    out.consumables.push_back(paper_of(out, roll_metres_));
    return out;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  /// A printer without a presenter says the same as one whose presenter is empty.
  wire::Media media_of(const Asb& asb, const wire::Status& status) {
    const auto position = position_of(asb);
    if (position != Position::none) has_presenter_ = true;
    if (find(status, "media-jam") != nullptr) return wire::Media::jammed;
    if (!has_presenter_) return wire::Media::not_supported;
    const bool there = position == Position::loop || position == Position::can_be_taken;
    return there ? wire::Media::present : wire::Media::not_present;
  }

  Result<Asb> ask(MonoTime deadline) {
    if (out_of_step_) {
      auto quiet = wait_until_quiet(*port_, timeout_, deadline);
      if (!quiet) return std::move(quiet).error();
      out_of_step_ = false;
    }
    port_->discard();
    const auto until = std::min(deadline, port_->now() + timeout_);
    auto sent = port_->write(status_request, until);
    if (!sent) return std::move(sent).error();
    auto asb = await_status(until);
    if (!asb && asb.error().code() != Errc::disconnected) out_of_step_ = true;
    return asb;
  }

  Result<Asb> await_status(MonoTime until) {
    Bytes in;
    for (;;) {
      std::array<std::uint8_t, 128> chunk{};
      auto got = port_->read(chunk, until);
      if (!got) {
        if (got.error().code() != Errc::timeout) return std::move(got).error();
        return Error{Errc::timeout, "no status"};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      auto asb = star::take_asb(in);
      if (!asb) return std::move(asb).error();
      if (*asb) return std::move(**asb);
      // A device that talks without end (XON) keeps every read from timing out.
      if (port_->now() >= until) return Error{Errc::garbled, "a line that is never quiet"};
    }
  }

  Duration timeout_;
  double roll_metres_;

  Port* port_ = nullptr;
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  bool has_presenter_ = false;  ///< paper has been seen in one
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<Star>(
      std::chrono::milliseconds{settings.integer("timeout_ms")}, settings.number("roll_metres"))};
}

}  // namespace

Card star_card() {
  return {.name = "star",
          .kind = "receipt_printer",
          .title = {"凭条打印机（Star）", "receipt printer (Star)"},
          .settings = settings_table,
          .conditions = {},
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
