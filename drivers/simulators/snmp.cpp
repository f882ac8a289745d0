#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/simulators/player.hpp"
#include "drivers/simulators/snmp_agent.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;
using snmp::counter;
using snmp::integer;
using snmp::oid;
using snmp::text;

// A laser printer with an SNMP agent (RFC 2790, RFC 3805), written from those and not from the
// driver.

constexpr std::array settings_table{
    Setting{"product", SettingType::text, "Kiosk Laser 300", {"型号名", "model it says it is"}},
    Setting{
        "serial_number", SettingType::text, "KWS0000001", {"应答的序列号", "its serial number"}},
    Setting{"community", SettingType::text, "public", {"团体名", "community it answers to"}},
    Setting{"only_v1", SettingType::boolean, "false", {"只懂 SNMPv1", "knows no SNMPv2c"}},
    Setting{"alerts",
            SettingType::boolean,
            "true",
            {"有告警表；否则只有状态位", "has a table of alerts; otherwise only the state's bits"}},
    Setting{"state_bytes",
            SettingType::integer,
            "2",
            {"状态位的字节数", "bytes of its state's bits"},
            1,
            2},
    Setting{"jam_as_service",
            SettingType::boolean,
            "false",
            {"卡纸和开盖只报 serviceRequested",
             "tells of a jam and of an open cover by serviceRequested only"}},
    Setting{"toner_pages",
            SettingType::integer,
            "4800",
            {"墨粉余量（页，满 6000）", "toner left, in pages of 6000"},
            -3,
            6000},
    Setting{
        "waste_percent",
        SettingType::integer,
        "-2",
        {"废粉盒读数（%）；-2 为未知", "what its waste container reads in percent; -2: unknown"},
        -3,
        100},
    Setting{"paper_sheets",
            SettingType::integer,
            "200",
            {"纸盒剩余（张）；-3 为有纸", "sheets in the tray; -3: some"},
            -3,
            250},
    Setting{"impressions",
            SettingType::integer,
            "1234",
            {"累计印面数", "impressions printed so far"},
            0,
            1000000000},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// What can be wrong, as bit of hrPrinterDetectedErrorState and as alert.
struct Trouble {
  std::string_view name;
  unsigned bit;
  std::int64_t alert;  ///< 0: the agent has none for it
  std::int64_t group;
  std::int64_t part;
  bool stops;
};
constexpr unsigned service_requested = 7;
constexpr unsigned no_bit = 16;
constexpr auto troubles =
    std::to_array<Trouble>({{"media-low", 0, 807, 8, 1, false},
                            {"media-empty", 1, 808, 8, 1, true},
                            {"toner-low", 2, 1104, 11, 1, false},
                            {"toner-empty", 3, 1101, 11, 1, true},
                            {"cover-open", 4, 3, 6, 1, true},
                            {"media-jam", 5, 8, 13, 1, true},
                            {"printer-offline", 6, 0, 5, 1, true},
                            {"service-requested", service_requested, 0, 5, 1, false},
                            {"input-tray-missing", 8, 801, 8, 1, true},
                            {"marker-supply-missing", 10, 1115, 11, 1, true},
                            {"output-area-full", 12, 903, 9, 1, true},
                            {"maintenance-due", 14, 0, 5, 1, false},
                            {"marker-waste-almost-full", no_bit, 1107, 11, 2, false},
                            {"marker-waste-full", no_bit, 1109, 11, 2, true},
                            {"opc-near-eol", no_bit, 1111, 11, 3, false},
                            {"fuser-over-temp", no_bit, 1002, 10, 1, true}});
/// Of the printer's state, and of the wire.
constexpr auto other_conditions = std::to_array<std::string_view>(
    {"printing", "warming-up", "no-reply", "garbage", "slow", "wrong-id", "no-printer"});

class SnmpPlayer final : public Player {
 public:
  explicit SnmpPlayer(const drivers::Settings& settings)
      : product_(settings.text("product")),
        serial_(settings.text("serial_number")),
        alerts_(settings.boolean("alerts")),
        state_bytes_(static_cast<std::size_t>(settings.integer("state_bytes"))),
        jam_as_service_(settings.boolean("jam_as_service")),
        toner_(settings.integer("toner_pages")),
        waste_(settings.integer("waste_percent")),
        sheets_(settings.integer("paper_sheets")),
        impressions_(settings.integer("impressions")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    agent_.community = settings.text("community");
    agent_.only_v1 = settings.boolean("only_v1");
    for (const auto& t : troubles) conditions_.emplace_back(t.name);
    conditions_.insert(conditions_.end(), other_conditions.begin(), other_conditions.end());
    fill();
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    fill();
    return {};  // it sends no traps
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    Answer out;
    if (is_on("slow")) out.after = slow_;
    if (is_on("no-reply")) return out;
    out.bytes = agent_.answer(bytes);
    if (is_on("garbage") && !out.bytes.empty()) out.bytes = {0x30, 0x82, 0xff, 0xff, 0x02, 0x01};
    return out;
  }

  void meet() override {}

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  /// Whether the printer says so in words; a vague one does not of a jam or a cover.
  bool tells(const Trouble& t) const {
    const bool vague = jam_as_service_ && (t.name == "media-jam" || t.name == "cover-open");
    return is_on(t.name) && !vague;
  }

  void put(std::string_view name, snmp::Value value) {
    agent_.table.insert_or_assign(oid(name), std::move(value));
  }

  /// The whole table anew.
  void fill() {
    agent_.table.clear();
    agent_.wrong_id_by = is_on("wrong-id") ? 1 : 0;
    put("1.3.6.1.2.1.1.1.0", text("Kioskwatch simulated device"));
    put("1.3.6.1.2.1.1.3.0", snmp::ticks(4321 * 100));
    if (is_on("no-printer")) return;
    fill_host_resources();
    fill_parts();
    fill_supplies();
    if (alerts_) fill_alerts();
  }

  void fill_host_resources() {
    Bytes state(state_bytes_, 0);
    const auto set_bit = [&](unsigned bit) {
      if (bit / 8 < state.size()) state[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
    };
    bool stops = false;
    bool any = false;
    for (const auto& t : troubles) {
      if (!is_on(t.name)) continue;
      any = true;
      stops = stops || t.stops;
      set_bit(tells(t) ? t.bit : service_requested);
    }
    put("1.3.6.1.2.1.25.3.2.1.2.1", snmp::object(oid("1.3.6.1.2.1.25.3.1.5")));
    put("1.3.6.1.2.1.25.3.2.1.3.1", text(product_));
    put("1.3.6.1.2.1.25.3.2.1.5.1", integer(stops ? 5 : any ? 3 : 2));
    put("1.3.6.1.2.1.25.3.5.1.1.1", integer(is_on("warming-up") ? 5
                                            : stops             ? 1
                                            : is_on("printing") ? 4
                                                                : 3));
    put("1.3.6.1.2.1.25.3.5.1.2.1", snmp::octets(state));
  }

  void fill_parts() {
    put("1.3.6.1.2.1.43.5.1.1.1.1", counter(0));
    put("1.3.6.1.2.1.43.5.1.1.16.1", text("laser"));
    put("1.3.6.1.2.1.43.5.1.1.17.1", text(serial_));
    const bool open = is_on("cover-open") && !jam_as_service_;
    put("1.3.6.1.2.1.43.6.1.1.2.1.1", text("Front cover"));
    put("1.3.6.1.2.1.43.6.1.1.3.1.1", integer(open ? 3 : 4));
    const std::int64_t sheets = is_on("media-empty") ? 0
                                : is_on("media-low") ? std::min<std::int64_t>(sheets_, 12)
                                                     : sheets_;
    struct Tray {
      int row;
      std::int64_t type;
      std::int64_t most;
      std::int64_t level;
      std::string_view name;
    };
    for (const auto& tray : {Tray{1, 3, 250, sheets, "Tray 1"}, Tray{2, 5, 1, 0, "Manual feed"}}) {
      const auto cell = [&](int column, snmp::Value value) {
        put(fmt::format("1.3.6.1.2.1.43.8.2.1.{}.1.{}", column, tray.row), std::move(value));
      };
      cell(2, integer(tray.type));
      cell(3, integer(4));
      cell(6, integer(297000));
      cell(7, integer(210000));
      cell(8, integer(8));
      cell(9, integer(tray.most));
      cell(10, integer(tray.level));
      cell(11, integer(0));
      cell(12, text("iso-a4-white"));
      cell(13, text(tray.name));
    }
    put("1.3.6.1.2.1.43.10.2.1.3.1.1", integer(7));
    put("1.3.6.1.2.1.43.10.2.1.4.1.1", counter(impressions_));
  }

  void fill_supplies() {
    struct Supply {
      std::int64_t colorant;
      std::int64_t kind;  ///< consumed, or filled
      std::int64_t type;
      std::string_view name;
      std::int64_t unit;
      std::int64_t most;
      std::int64_t level;
    };
    const std::int64_t toner = is_on("toner-empty") ? 0
                               : is_on("toner-low") ? std::min<std::int64_t>(toner_, 300)
                                                    : toner_;
    const std::array rows{Supply{1, 3, 21, "Black Toner Cartridge", 7, 6000, toner},
                          Supply{0, 4, 4, "Waste Toner Bottle", 19, 100, waste_},
                          Supply{0, 3, 9, "Drum Unit", 7, 30000, 21000},
                          Supply{0, 3, 15, "Fuser", 7, 100000, -3}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& s = rows[i];
      const auto cell = [&](int column, snmp::Value value) {
        put(fmt::format("1.3.6.1.2.1.43.11.1.1.{}.1.{}", column, i + 1), std::move(value));
      };
      cell(2, integer(1));
      cell(3, integer(s.colorant));
      cell(4, integer(s.kind));
      cell(5, integer(s.type));
      cell(6, text(s.name));
      cell(7, integer(s.unit));
      cell(8, integer(s.most));
      cell(9, integer(s.level));
    }
    put("1.3.6.1.2.1.43.12.1.1.4.1.1", text("black"));
  }

  void fill_alerts() {
    int row = 0;
    for (const auto& t : troubles) {
      if (t.alert == 0 || !tells(t)) continue;
      ++row;
      const auto cell = [&](int column, snmp::Value value) {
        put(fmt::format("1.3.6.1.2.1.43.18.1.1.{}.1.{}", column, row), std::move(value));
      };
      cell(2, integer(t.stops ? 3 : 4));
      cell(3, integer(3));
      cell(4, integer(t.group));
      cell(5, integer(t.part));
      cell(6, integer(-1));
      cell(7, integer(t.alert));
      cell(8, text(t.name));
      cell(9, snmp::ticks(4000));
    }
  }

  std::string product_;
  std::string serial_;
  bool alerts_;
  std::size_t state_bytes_;
  bool jam_as_service_;
  std::int64_t toner_;
  std::int64_t waste_;
  std::int64_t sheets_;
  std::int64_t impressions_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  snmp::Agent agent_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<SnmpPlayer>(settings)};
}

}  // namespace

PlayerCard snmp_player() { return {.protocol = "snmp", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
