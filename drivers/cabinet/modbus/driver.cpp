#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "drivers/cabinet/modbus/board.hpp"
#include "drivers/cabinet/modbus/codec.hpp"
#include "drivers/cabinet/modbus/reading.hpp"
#include "drivers/ports/modbus.hpp"
#include "drivers/ports/quiet.hpp"

namespace kw::drivers {
namespace {

using modbus::Reply;
using modbus::Request;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view capabilities[] = {"conditions", "components", "measurements"};
constexpr std::array settings_table{
    Setting{"map",
            SettingType::text,
            "generic",
            {"接线表：generic waveshare-io-8ch xy-md02，或一个 .toml 文件的路径",
             "what is wired where: generic waveshare-io-8ch xy-md02, or the path of a .toml file"}},
    Setting{"unit",
            SettingType::integer,
            "1",
            {"从站地址（单元号）", "unit id of the board (slave address)"},
            0,
            255},
    Setting{"timeout_ms",
            SettingType::integer,
            "500",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
};

constexpr std::array<std::string_view, 2> port_schemes{"modbus+tcp", "modbus+rtu"};

/// What a board that is not well says of itself, as an error: not a status, because the inputs were
/// not told.
std::optional<Error> error_of(std::uint8_t exception) {
  const auto text =
      fmt::format("exception {:02x}, {}", exception, modbus::exception_name(exception));
  switch (exception) {
    case 5:
    case 6:  // not Errc::busy: the board has no time for us, nobody else holds the port
    case 10:
    case 11:
      return Error{Errc::timeout, text};
    default:
      return std::nullopt;
  }
}

/// Never the bytes themselves: on a wrong port they may be a citizen's.
Error no_frame(const Bytes& in) {
  return Error{Errc::garbled, fmt::format("{} bytes and no valid frame in them", in.size())};
}

class Modbus final : public Driver {
 public:
  Modbus(modbus::Board board, std::uint8_t unit, Duration timeout)
      : requests_(board.requests()), judge_(std::move(board)), unit_(unit), timeout_(timeout) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = dynamic_cast<ModbusPort*>(&port);
    if (port_ == nullptr) {
      return Error{Errc::unsupported, "modbus: needs a modbus+tcp or modbus+rtu port"};
    }
    out_of_step_ = false;
    auto first = ask(requests_.front(), deadline);
    if (first) return {};
    if (first.error().code() == Errc::garbled && !damaged_) {
      return Error{Errc::refused, "modbus: not a Modbus device: " + first.error().text()};
    }
    return std::move(first).error().within("modbus");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "modbus: not open"};
    modbus::Image image;
    for (const auto& request : requests_) {
      auto reply = ask(request, deadline);
      if (!reply) return std::move(reply).error().within("modbus");
      image.add(request, *reply);
    }
    return judge_.judge(image);
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  bool on_line() const { return port_->framing() == ModbusPort::Framing::rtu; }

  Result<Reply> ask(const Request& request, MonoTime deadline) {
    if (out_of_step_) {
      auto quiet = wait_until_quiet(*port_, timeout_, deadline);
      if (!quiet) return std::move(quiet).error();
      out_of_step_ = false;
    }
    port_->discard();
    if (on_line()) {
      auto quiet = wait_until_quiet(*port_, port_->silence(), deadline);
      if (!quiet) return std::move(quiet).error();
    }
    const auto until = std::min(deadline, port_->now() + timeout_);
    damaged_ = false;
    ++transaction_;
    auto sent = port_->write(on_line() ? modbus::encode_rtu(request, unit_)
                                       : modbus::encode_tcp(request, unit_, transaction_),
                             until);
    if (!sent) return std::move(sent).error();
    auto reply = await_reply(request, until);
    if (!reply) {
      // A late answer over TCP is known by its transaction; on a line nothing marks it.
      const auto code = reply.error().code();
      out_of_step_ = code == Errc::garbled || (code == Errc::timeout && on_line());
      return reply;
    }
    if (auto bad = error_of(reply->exception)) return std::move(*bad);
    return reply;
  }

  Result<Reply> await_reply(const Request& request, MonoTime until) {
    Bytes in;
    for (;;) {
      std::array<std::uint8_t, 512> chunk{};
      auto got = port_->read(chunk, until);
      if (!got) {
        if (got.error().code() != Errc::timeout) return std::move(got).error();
        damaged_ = on_line() && modbus::has_damaged_rtu(in, request, unit_);
        if (damaged_) return Error{Errc::garbled, "a reply with a wrong CRC: a bad line"};
        if (!in.empty() && on_line()) return no_frame(in);
        return Error{Errc::timeout, fmt::format("no reply from unit {}", unit_)};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      if (on_line()) {
        if (auto reply = modbus::take_rtu(in, request, unit_)) return std::move(*reply);
      } else {
        auto reply = modbus::take_tcp(in, request, unit_, transaction_);
        if (!reply) return std::move(reply).error();
        if (*reply) return std::move(**reply);
      }
      // A device that talks without end keeps every read from timing out.
      if (port_->now() >= until) return no_frame(in);
    }
  }

  std::vector<Request> requests_;
  modbus::Judge judge_;
  std::uint8_t unit_;
  Duration timeout_;

  ModbusPort* port_ = nullptr;
  std::uint16_t transaction_ = 0;
  bool out_of_step_ = false;  ///< an answer to an earlier question may still come
  bool damaged_ = false;      ///< of the last question: an answer came with a wrong CRC
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  auto board = modbus::board_of(settings.text("map"));
  if (!board) return board.wrong();
  return std::unique_ptr<Driver>{std::make_unique<Modbus>(
      std::move(*board), static_cast<std::uint8_t>(settings.integer("unit")),
      std::chrono::milliseconds{settings.integer("timeout_ms")})};
}

}  // namespace

Card modbus_card() {
  return {.name = "modbus",
          .kind = "cabinet",
          .title = {"机柜输入输出板", "cabinet I/O board"},
          .settings = settings_table,
          .conditions = modbus::own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .maturity = Maturity::peer,
          .peers = "pymodbus 3.0.0rc1",
          .make = make};
}

}  // namespace kw::drivers
