#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "common/filled.hpp"
#include "drivers/scanner/menu/menu.hpp"

namespace kw::drivers {
namespace {

using menu::Dialect;
using menu::Found;

constexpr std::string_view capabilities[] = {"components"};
constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};
constexpr std::array<std::string_view, 1> tests{"query"};

constexpr std::array settings_table{
    Setting{"model",
            SettingType::text,
            "newland",
            {"命令格式：newland honeywell mindeo", "its commands: newland honeywell mindeo"}},
    Setting{"query",
            SettingType::text,
            "",
            {"查询的设置项，只能是查询（留空：C11*、CBRENA? 或 0401?）",
             "the setting that is asked, a question only (empty: C11*, CBRENA? or 0401?)"}},
    Setting{"port_is_ours",
            SettingType::boolean,
            "false",
            {"端口没有其他程序使用：每次轮询都查询；否则从不打开端口，只看设备是否存在，"
             "好坏以业务软件的结果为准",
             "no other program uses the port: ask at every poll; if not, the port is never opened, "
             "only looked for, and applications' results say how the scanner does"}},
    Setting{"timeout_ms",
            SettingType::integer,
            "500",
            {"单次应答的等待时间（毫秒）", "how long a reply may take, in milliseconds"},
            50,
            5000},
};

class Scanner final : public Driver {
 public:
  Scanner(const Dialect& dialect, std::string query, std::vector<std::uint8_t> request,
          bool port_is_ours, Duration timeout)
      : dialect_(dialect),
        query_(std::move(query)),
        request_(std::move(request)),
        port_is_ours_(port_is_ours),
        timeout_(timeout) {}

  /// Recognises a scanner only where it may be asked: a port that others use is not even open.
  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    known_ = false;
    if (!port_is_ours_) return {};
    const auto reply = ask(deadline);
    known_ = bool(reply);
    if (reply) return {};
    if (reply.error().code() == Errc::garbled) {
      return Error{Errc::refused,
                   fmt::format("scanner: not a {}: {}", dialect_.name, reply.error().text())};
    }
    return Error{reply.error()}.within("scanner");
  }

  bool polls_port() const override { return port_is_ours_; }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "scanner: not open"};
    wire::Status out;
    out.device = wire::DeviceState::online;
    if (!port_is_ours_) {
      out.evidence = wire::Evidence::presence_only;
      out.components.push_back({"scanner", wire::ComponentState::unknown, true});
      return out;
    }
    // The reply that told what the device is counts for the poll that follows at once.
    if (!std::exchange(known_, false)) {
      const auto reply = ask(deadline);
      if (!reply) return Error{reply.error()}.within("scanner");
    }
    // Whatever it thinks of the question: it is there and answers.
    out.evidence = wire::Evidence::protocol_reply;
    out.components.push_back({"scanner", wire::ComponentState::on, true});
    return out;
  }

  /// In maintenance the port is free, whatever the setting says.
  Result<SelfTest> self_test(std::string_view what, MonoTime deadline) override {
    if (what != tests.front()) return Driver::self_test(what, deadline);
    if (port_ == nullptr) return Error{Errc::disconnected, "scanner: not open"};
    const auto started = port_->now();
    const auto reply = ask(deadline);
    if (!reply) return Error{reply.error()}.within("scanner");
    const auto good = std::ranges::count(*reply, menu::Verdict::good, &menu::Item::verdict);
    SelfTest out;
    out.passed = std::cmp_equal(good, reply->size());
    out.attempts.push_back(port_->now() - started);
    out.detail = fmt::format("{}: {} of {} answered with ACK", query_, good, reply->size());
    return out;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  /// Asks and waits for the echo of what was asked. Codes that are scanned meanwhile are wiped.
  Result<std::vector<menu::Item>> ask(MonoTime deadline) {
    port_->discard();
    const auto until = std::min(deadline, port_->now() + timeout_);
    auto sent = port_->write(request_, until);
    if (!sent) return std::move(sent).error();
    std::vector<std::uint8_t> in;
    in.reserve(2 * menu::longest_reply);
    auto reply = await_reply(in, until);
    OPENSSL_cleanse(in.data(), in.capacity());
    return reply;
  }

  Result<std::vector<menu::Item>> await_reply(std::vector<std::uint8_t>& in, MonoTime until) {
    std::array<std::uint8_t, 256> chunk{};
    std::size_t useless = 0;
    for (;;) {
      const auto got = port_->read(chunk, until);
      if (!got) {
        if (got.error().code() != Errc::timeout) return got.error();
        if (useless == 0 && in.empty()) return Error{Errc::timeout, "no reply to " + query_};
        return Error{Errc::garbled, "what came is no reply to " + query_};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      OPENSSL_cleanse(chunk.data(), chunk.size());
      auto found = menu::find_reply(dialect_, query_, in);
      if (found.kind == Found::Kind::reply) return std::move(found.items);
      in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(found.skip));
      useless += found.skip;
      if (useless > most_useless) return Error{Errc::garbled, "more came than is ever scanned"};
    }
  }

  static constexpr std::size_t most_useless = 16 * 1024;

  const Dialect& dialect_;
  std::string query_;
  std::vector<std::uint8_t> request_;
  bool port_is_ours_;
  Duration timeout_;
  Port* port_ = nullptr;
  bool known_ = false;  ///< it answered `open`, and no poll has said so yet
};

constexpr Text no_model{"model = \"{}\"：没有这个型号（可用：newland, honeywell, mindeo）",
                        "model = \"{}\": unknown (known: newland, honeywell, mindeo)"};
constexpr Text wrong_query{"query：{}", "query: {}"};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  const auto dialects = menu::dialects();
  const auto dialect = std::ranges::find(dialects, settings.text("model"), &Dialect::name);
  if (dialect == dialects.end()) {
    return filled(no_model, settings.text("model"));
  }
  std::string query = settings.text("query");
  if (query.empty()) query = dialect->fallback_query;
  auto request = menu::encode(*dialect, query);
  if (!request) return filled(wrong_query, request.wrong());
  return std::unique_ptr<Driver>{std::make_unique<Scanner>(
      *dialect, std::move(query), std::move(*request), settings.boolean("port_is_ours"),
      std::chrono::milliseconds{settings.integer("timeout_ms")})};
}

}  // namespace

Card scanner_card() {
  return {.name = "scanner",
          .kind = "scanner",
          .title = {"扫描枪", "barcode scanner"},
          .settings = settings_table,
          .conditions = {},
          .schemes = port_schemes,
          .self_tests = tests,
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
