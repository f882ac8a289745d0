#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/simulators/ipp_wire.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;
using ipp::header;
using ipp::http;
using ipp::Request;
using ipp::Writer;

// A laser printer that speaks IPP (RFC 8010, RFC 8011), written from those and not from the driver.

constexpr std::array settings_table{
    Setting{"maker", SettingType::text, "Kiosk", {"应答的厂商名", "maker it says it is"}},
    Setting{"product", SettingType::text, "Laser 200", {"应答的型号名", "model it says it is"}},
    Setting{
        "serial_number", SettingType::text, "KWL0000001", {"应答的序列号", "its serial number"}},
    Setting{"path", SettingType::text, "/ipp/print", {"打印机的路径", "where it answers"}},
    Setting{"supplies",
            SettingType::text,
            "both",
            {"耗材属性：both、marker、printer-supply 或 none",
             "attributes of supplies it has: both, marker, printer-supply or none"}},
    Setting{"newest_version",
            SettingType::text,
            "2.0",
            {"支持的最高 IPP 版本：2.0 或 1.1", "newest IPP version it knows: 2.0 or 1.1"}},
    Setting{"chunked", SettingType::boolean, "false", {"分块应答", "answers in chunks"}},
    Setting{"toner_percent",
            SettingType::integer,
            "80",
            {"墨粉余量（%）", "toner left, in percent"},
            0,
            100},
    Setting{"waste_percent",
            SettingType::integer,
            "20",
            {"废粉盒已用（%）", "waste container filled, in percent"},
            0,
            100},
    Setting{"paper_sheets",
            SettingType::integer,
            "200",
            {"纸盒剩余（张）", "sheets in the tray"},
            0,
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

/// A printer that has one of these prints no more until somebody comes.
constexpr auto stopping = std::to_array<std::string_view>(
    {"media-empty", "media-jam", "cover-open", "door-open", "interlock-open", "toner-empty",
     "marker-waste-full", "input-tray-missing", "output-area-full", "fuser-over-temp",
     "opc-life-over", "timed-out"});
/// With these it goes on.
constexpr auto warnings = std::to_array<std::string_view>(
    {"media-low", "toner-low", "marker-waste-almost-full", "opc-near-eol"});
/// Switched by people or by a print server, without a suffix.
constexpr auto states = std::to_array<std::string_view>({"paused", "shutdown"});
/// Of the printer's state, and of the wire.
constexpr auto other_conditions =
    std::to_array<std::string_view>({"processing", "stopped", "rejecting-jobs", "busy", "not-found",
                                     "no-reply", "garbage", "slow"});

constexpr int toner_low_at = 15;
constexpr int tray_capacity = 250;

class IppPlayer final : public Player {
 public:
  explicit IppPlayer(const drivers::Settings& settings)
      : maker_(settings.text("maker")),
        product_(settings.text("product")),
        serial_(settings.text("serial_number")),
        path_(settings.text("path")),
        supplies_(settings.text("supplies")),
        only_1_1_(settings.text("newest_version") == "1.1"),
        chunked_(settings.boolean("chunked")),
        toner_(settings.integer("toner_percent")),
        waste_(settings.integer("waste_percent")),
        sheets_(settings.integer("paper_sheets")),
        impressions_(settings.integer("impressions")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    const auto add = [this](auto& list) {
      conditions_.insert(conditions_.end(), list.begin(), list.end());
    };
    add(stopping);
    add(warnings);
    add(states);
    add(other_conditions);
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return {};  // an IPP printer says nothing unasked
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    heard_.append(bytes.begin(), bytes.end());
    std::string said;
    while (auto reply = next_reply()) said += *reply;
    Answer out;
    if (is_on("slow")) out.after = slow_;
    if (is_on("no-reply")) return out;
    // What another service on the same port looks like.
    if (is_on("garbage") && !said.empty()) said = "220 printer FTP server ready\r\n";
    out.bytes.assign(said.begin(), said.end());
    return out;
  }

  std::string_view scheme() const override { return "ipp"; }

  void meet() override {
    heard_.clear();
    continued_ = false;
  }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  template <class List>
  bool any_on(const List& of) const {
    return std::ranges::any_of(of, [this](std::string_view c) { return is_on(c); });
  }

  /// Answers what is heard whole; nothing while there is too little of it.
  std::optional<std::string> next_reply() {
    const auto end = heard_.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    const auto head = heard_.substr(0, end + 2);
    std::size_t length = 0;
    if (const auto given = header(head, "content-length")) {
      std::from_chars(given->data(), given->data() + given->size(), length);
    } else if (header(head, "transfer-encoding")) {
      heard_.clear();
      return http(411, "Length Required", {}, {}, false);
    }
    if (header(head, "expect") == "100-continue" && !continued_) {
      continued_ = true;
      return "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (heard_.size() < end + 4 + length) return std::nullopt;
    const auto body = heard_.substr(end + 4, length);
    heard_.erase(0, end + 4 + length);
    continued_ = false;
    return reply_to(head, body);
  }

  std::string reply_to(std::string_view head, std::string_view body) const {
    if (!head.starts_with("POST ")) return http(405, "Method Not Allowed", {}, {}, false);
    const auto path = head.substr(5, head.find(' ', 5) - 5);
    if (path != path_ || is_on("not-found")) return http(404, "Not Found", {}, {}, false);
    if (header(head, "content-type") != "application/ipp") {
      return http(415, "Unsupported Media Type", {}, {}, false);
    }
    return http(200, "OK", "application/ipp", ipp_reply(ipp::read_request(body)), chunked_);
  }

  std::string ipp_reply(const Request& request) const {
    const bool newer = request.major != 1 && (only_1_1_ || request.major != 2);
    const std::uint8_t major = !newer ? request.major : only_1_1_ ? 1 : 2;
    const std::uint8_t minor = !newer ? request.minor : only_1_1_ ? 1 : 0;
    const auto with = [&](std::uint16_t status) {
      return Writer{major, minor, status, request.id};
    };
    if (newer) return with(ipp::version_not_supported).done();
    if (!request.well_formed) return with(ipp::bad_request).done();
    if (request.operation != 0x000b) return with(ipp::operation_not_supported).done();
    if (is_on("busy")) return with(ipp::server_busy).done();
    auto out = with(ipp::successful_ok);
    out.printer_attributes(request.wanted);
    write_attributes(out);
    return out.done();
  }

  std::int64_t state() const {
    if (any_on(stopping) || any_on(states) || is_on("stopped")) return 5;
    return is_on("processing") ? 4 : 3;
  }

  std::vector<std::string> reasons() const {
    std::vector<std::string> out;
    for (const auto c : stopping) {
      if (is_on(c)) out.push_back(std::string{c} + "-error");
    }
    for (const auto c : warnings) {
      if (is_on(c)) out.push_back(std::string{c} + "-warning");
    }
    for (const auto c : states) {
      if (is_on(c)) out.emplace_back(c);
    }
    if (out.empty()) out.emplace_back("none");
    return out;
  }

  std::int64_t toner() const {
    if (is_on("toner-empty")) return 0;
    return is_on("toner-low") ? std::min<std::int64_t>(toner_, toner_low_at - 3) : toner_;
  }

  std::int64_t waste() const {
    if (is_on("marker-waste-full")) return 100;
    return is_on("marker-waste-almost-full") ? std::max<std::int64_t>(waste_, 95) : waste_;
  }

  std::int64_t sheets() const {
    if (is_on("media-empty")) return 0;
    return is_on("media-low") ? std::min<std::int64_t>(sheets_, 12) : sheets_;
  }

  void write_attributes(Writer& out) const {
    constexpr std::uint8_t integer = 0x21, enumeration = 0x23, octets = 0x30, words = 0x41,
                           name = 0x42, keyword = 0x44, uri = 0x45;
    out.text(words, "printer-make-and-model", maker_ + " " + product_);
    out.text(words, "printer-device-id",
             fmt::format("MFG:{};MDL:{};SN:{};CMD:PWGRaster;", maker_, product_, serial_));
    out.text(uri, "printer-uuid", "urn:uuid:6b1f2f0e-3f0a-4f0e-9f5c-0f6a5b1c2d3e");
    out.text(words, "printer-firmware-string-version", "1.4.2");
    if (supplies_ == "both" || supplies_ == "marker") {
      out.texts(name, "marker-names", {"Black Cartridge", "Waste Bottle"});
      out.texts(keyword, "marker-types", {"toner-cartridge", "waste-toner"});
      out.texts(name, "marker-colors", {"#000000", "none"});
      out.numbers(integer, "marker-levels", {toner(), -3});
      out.numbers(integer, "marker-low-levels", {toner_low_at, 0});
    }
    if (supplies_ == "both" || supplies_ == "printer-supply") {
      out.texts(octets, "printer-supply",
                {fmt::format("index=1;class=receptacleThatIsFilled;type=wasteToner;unit=percent;"
                             "maxcapacity=100;level={};colorantname=unknown;",
                             waste()),
                 fmt::format("index=2;class=supplyThatIsConsumed;type=toner;unit=percent;"
                             "maxcapacity=100;level={};colorantname=black",
                             toner())});
      out.texts(words, "printer-supply-description", {"Waste Bottle", "Black Cartridge"});
    }
    out.texts(octets, "printer-input-tray",
              {fmt::format("type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;"
                           "maxcapacity={};level={};status=0;name=tray-1;",
                           tray_capacity, sheets()),
               "type=sheetFeedManual;mediafeed=0;mediaxfeed=0;maxcapacity=1;level=-2;status=0;"
               "name=manual"});
    out.text(keyword, "media-ready", "iso_a4_210x297mm");
    out.numbers(integer, "printer-impressions-completed", {impressions_});
    out.numbers(integer, "printer-up-time", {4321});
    out.numbers(integer, "queued-job-count", {is_on("processing") ? 1 : 0});
    out.numbers(enumeration, "printer-state", {state()});
    out.texts(keyword, "printer-state-reasons", reasons());
    out.boolean("printer-is-accepting-jobs", !is_on("rejecting-jobs") && !is_on("shutdown"));
  }

  std::string maker_;
  std::string product_;
  std::string serial_;
  std::string path_;
  std::string supplies_;
  bool only_1_1_;
  bool chunked_;
  std::int64_t toner_;
  std::int64_t waste_;
  std::int64_t sheets_;
  std::int64_t impressions_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  std::string heard_;
  bool continued_ = false;  ///< the request that is being heard was told to go on
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  const auto one_of = [&](std::string_view setting,
                          std::initializer_list<std::string_view> values) -> std::optional<Error> {
    const auto& given = settings.text(setting);
    if (std::ranges::find(values, given) != values.end()) return std::nullopt;
    std::string known;
    for (const auto v : values) known.append(known.empty() ? "" : ", ").append(v);
    return Error{Errc::invalid, fmt::format("{} = \"{}\" (known: {})", setting, given, known)};
  };
  if (auto bad = one_of("supplies", {"both", "marker", "printer-supply", "none"})) return *bad;
  if (auto bad = one_of("newest_version", {"2.0", "1.1"})) return *bad;
  return std::unique_ptr<Player>{std::make_unique<IppPlayer>(settings)};
}

}  // namespace

PlayerCard ipp_player() { return {.protocol = "ipp", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
