#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/checked.hpp"
#include "common/i18n.hpp"
#include "common/result.hpp"
#include "common/wire/conditions.hpp"
#include "common/wire/status.hpp"
#include "drivers/port.hpp"
#include "drivers/settings.hpp"

namespace kw::drivers {

/// What an operator's self-test found. Nothing of a card's or a citizen's content is ever in it.
struct SelfTest {
  bool passed = false;
  std::vector<Duration> attempts;  ///< how long each try took
  std::string detail;              ///< facts in the device's terms
};

/// One device, spoken to in its own protocol.
///
/// One thread at a time calls a driver, so it needs no lock. A driver never sleeps past its
/// deadline, logs, writes files, throws or looks at wall time, but to judge a date that it was told
/// (a certificate's end). An Error means "no answer", or another device's: the caller closes the
/// port, reports it after the third miss in a row and opens it again. What the device *says* is
/// wrong with itself is a Status. A health poll makes no device touch a card, paper or a citizen.
class Driver {
 public:
  virtual ~Driver() = default;

  /// Makes contact; also the probe: refuses (Errc::refused) when another kind of device answers.
  virtual Result<void> open(Port& port, MonoTime deadline) = 0;

  /// The device's whole status.
  virtual Result<wire::Status> poll(MonoTime deadline) = 0;

  /// Whether its polls use the port. False: another program holds it all day, and a poll wants no
  /// more than to be told that the device is there; only a self-test opens the port.
  virtual bool polls_port() const { return true; }

  /// Runs the named test of the card's `self_tests` on an operator's order.
  virtual Result<SelfTest> self_test(std::string_view what, MonoTime deadline);

  /// Forgets the port. Called before the port is closed, also after an error.
  virtual void close() noexcept = 0;
};

/// What a driver has been tried with.
enum class Maturity : std::uint8_t {
  simulated,  ///< only our own simulator has spoken to it
  peer,       ///< a program or library that nobody here wrote has; `Card::peers` names it
  field,      ///< a device of metal and plastic has
};

/// A device family, by the name that reports go by and by the one for people.
struct Kind {
  std::string_view name;
  Text title;
};

/// What is known of a driver before any device is attached.
struct Card {
  std::string_view name;  ///< as in `driver = "escpos"`
  std::string_view kind;  ///< the family folder: receipt_printer, host …
  Text title;             ///< 硬件类型 for people
  std::span<const Setting> settings;
  std::span<const wire::ConditionRow>
      conditions;                             ///< the driver's own codes; standard ones in wire
  std::span<const std::string_view> schemes;  ///< port schemes it speaks over; empty: port "-"
  std::span<const std::string_view> self_tests;
  /// The parts of a Status that such a device can fill, by their names in JSON: "conditions",
  /// "media", "components", "consumables", "identity", "measurements".
  std::span<const std::string_view> capabilities;
  wire::Evidence evidence = wire::Evidence::protocol_reply;  ///< what its status rests on at best
  Maturity maturity = Maturity::simulated;
  std::string_view peers = {};  ///< with versions: "CUPS ippeveprinter 2.4.2"; empty: none
  /// Of a driver that serves several families: which one, its setting "kind" says.
  std::span<const Kind> kinds = {};
  /// What is wrong when settings that are well-formed each do not fit together; by convention it
  /// names the setting (see setting_in).
  Checked<std::unique_ptr<Driver>> (*make)(const Settings& settings);
};

std::string_view name(Maturity v);

/// The family of a device that is set so.
Kind kind_of(const Card& card, const Settings& settings);

/// What people call a device of that family and driver.
Text title_of(const Card& card, std::string_view kind);

}  // namespace kw::drivers
