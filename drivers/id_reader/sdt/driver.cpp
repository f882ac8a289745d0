#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/filled.hpp"
#include "drivers/id_reader/sdt/pipes.hpp"
#include "drivers/id_reader/sdt/session.hpp"

namespace kw::drivers {
namespace {

using sdt::Code;
using sdt::PollCommand;
using sdt::TestCommand;

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions", "components", "identity"};
constexpr std::string_view read_test = "read";
constexpr std::string_view self_tests[] = {read_test};
constexpr std::array settings_table{
    Setting{"timeout_ms",
            SettingType::integer,
            "500",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
    Setting{"card_wait_s",
            SettingType::integer,
            "15",
            {"自检时每次读卡等待放卡的时间（秒）",
             "how long each read of a self-test waits for the test card, in seconds"},
            1,
            60},
    Setting{"usb_readers",
            SettingType::text,
            "0400:c35a 10c4:8a1b 2015:0008 9573:4836",
            {"视为 SDT 阅读器的 USB 设备（VID:PID，空格分隔）",
             "USB devices taken for SDT readers, as VID:PID with blanks between them"}},
};

constexpr std::array own_conditions{
    wire::ConditionRow{"sam-error",
                       wire::Severity::warning,
                       wire::Action::maintenance,
                       {"安全模块报错，未说明原因", "security module reports an error of its own"}},
};

constexpr std::array<std::string_view, 3> port_schemes{"serial", "tcp", "usb"};

constexpr int tries = 3;           // one, and two again (section 1.7)
constexpr int noise_reported = 2;  // noisy answers within one poll that make a condition
/// The module's number does not change; asked now and then to notice that the reader was replaced.
constexpr Duration identity_every = std::chrono::hours{1};

// Clause 9, table 1: three reads, three seconds on average.
constexpr int reads = 3;
constexpr Duration read_limit = std::chrono::seconds{3};
constexpr Duration card_reply = std::chrono::seconds{1};
/// 2321 bytes at 9600 baud alone take 2.4 s (section 1.7).
constexpr Duration base_reply = std::chrono::seconds{6};
constexpr Duration between_tries = std::chrono::milliseconds{200};
/// Largest reply that a self-test can get, with room for noise before it.
constexpr std::size_t test_memory = sdt::longest_frame;

std::string vendor_code(Code code) {
  return fmt::format("SW3={:02x}", static_cast<unsigned>(code));
}

/// Codes that say that the request arrived damaged.
bool is_noise(Code code) {
  return code == Code::checksum_error || code == Code::length_error || code == Code::command_error;
}

wire::Condition own(std::string vendor) {
  return wire::condition(own_conditions.front(), std::move(vendor));
}

wire::Condition standard(std::string_view code, std::string vendor, std::string detail = {}) {
  return wire::condition(*wire::find_condition(code), std::move(vendor), std::move(detail));
}

/// What the module says of itself by SW3 of a reply to `PollCommand::status`.
void judge(Code code, wire::Status& status) {
  using wire::ComponentState;
  using wire::DeviceState;
  status.device = DeviceState::online;
  auto sam = ComponentState::unknown;
  switch (code) {
    case Code::ok:
      sam = ComponentState::ok;
      break;
    case Code::sam_self_test_failed:
      status.device = DeviceState::hardware_error;
      sam = ComponentState::inoperable;
      status.conditions.push_back(standard("sam-self-test", vendor_code(code)));
      break;
    case Code::sam_unauthorised:
      status.device = DeviceState::hardware_error;
      sam = ComponentState::inoperable;
      status.conditions.push_back(standard("sam-unauthorised", vendor_code(code)));
      break;
    default:
      if (!is_noise(code)) status.conditions.push_back(own(vendor_code(code)));
      break;
  }
  status.components.push_back({"sam", sam, true});
}

// ---- USB numbers ------------------------------------------------------------------------------

using UsbNumbers = std::pair<std::uint16_t, std::uint16_t>;  // VID, PID

constexpr Text no_numbers{"usb_readers：\"{}\" 不是 VID:PID；示例：0400:c35a",
                          "usb_readers: \"{}\" is not VID:PID; example: 0400:c35a"};

Checked<std::vector<UsbNumbers>> usb_numbers(std::string_view text) {
  std::vector<UsbNumbers> out;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty()) continue;
    UsbNumbers one;
    const auto* const end = word.data() + word.size();
    const auto vendor = std::from_chars(word.data(), end, one.first, 16);
    const bool goes_on = vendor.ec == std::errc{} && vendor.ptr != end && *vendor.ptr == ':';
    const auto product = goes_on ? std::from_chars(vendor.ptr + 1, end, one.second, 16) : vendor;
    if (!goes_on || product.ec != std::errc{} || product.ptr != end) {
      return filled(no_numbers, word);
    }
    out.push_back(one);
  }
  return out;
}

// ---- the driver -------------------------------------------------------------------------------

class Sdt final : public Driver {
 public:
  Sdt(Duration timeout, Duration card_wait, std::vector<UsbNumbers> usb_readers)
      : timeout_(timeout), card_wait_(card_wait), usb_readers_(std::move(usb_readers)) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    first_.reset();
    out_of_step_ = false;
    pipes_.reset();
    if (auto* usb = dynamic_cast<UsbPort*>(&port); usb != nullptr) {
      const UsbNumbers numbers{usb->facts().vendor, usb->facts().product};
      if (std::ranges::find(usb_readers_, numbers) == usb_readers_.end()) {
        return Error{Errc::refused, fmt::format("sdt: {:04x}:{:04x} is not among usb_readers",
                                                numbers.first, numbers.second)};
      }
      if (sdt::FourPipes::fits(*usb)) port_ = &pipes_.emplace(*usb);
    }
    sdt::PollSession session{*port_};
    auto heard = listen(session, deadline);
    if (heard) {
      first_ = *heard;
      return {};
    }
    if (heard.error().code() == Errc::garbled) {
      return Error{Errc::refused,
                   "sdt: no SDT reader, or another baud rate: " + heard.error().text()};
    }
    return std::move(heard).error().within("sdt");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "sdt: not open"};
    sdt::PollSession session{*port_};
    auto heard = first_ ? Result<Heard>{*std::exchange(first_, {})} : listen(session, deadline);
    if (!heard) return std::move(heard).error().within("sdt");
    if (heard->code) ask_identity(session, *heard, deadline);

    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    if (heard->code) {
      judge(*heard->code, status);
    } else {
      status.device = wire::DeviceState::online;
      status.components.push_back({"sam", wire::ComponentState::unknown, true});
    }
    if (heard->noise >= noise_reported) {
      status.conditions.push_back(standard("link-noise", heard->noise_code));
    }
    status.identity = identity_;
    return status;
  }

  Result<SelfTest> self_test(std::string_view what, MonoTime deadline) override {
    if (what != read_test) return Driver::self_test(what, deadline);
    if (port_ == nullptr) return Error{Errc::disconnected, "sdt: not open"};
    first_.reset();
    auto memory = platform::LockedMemory::make(test_memory);
    if (!memory) return std::move(memory).error().within("sdt");
    sdt::TestSession session{*port_, *memory};
    return read_thrice(session, deadline);
  }

  void close() noexcept override {
    port_ = nullptr;
    pipes_.reset();
  }

 private:
  /// What came back to a status request, after as many tries as it took.
  struct Heard {
    std::optional<Code> code;  ///< nothing: only damaged answers came
    int noise = 0;
    std::string noise_code;
  };

  /// Asks for the module's state. An Error: not once was there something like a reply.
  Result<Heard> listen(sdt::PollSession& session, MonoTime deadline) {
    Heard out;
    Error last{Errc::timeout, "no reply"};
    for (int i = 0; i < tries && port_->now() < deadline; ++i) {
      if (out_of_step_) {
        auto quiet = session.wait_until_quiet(deadline);
        if (!quiet) return std::move(quiet).error();
        out_of_step_ = false;
      }
      const auto reply =
          session.ask(PollCommand::status, std::min(deadline, port_->now() + timeout_));
      if (!reply) {
        last = reply.error();
        if (last.code() != Errc::timeout && last.code() != Errc::garbled) return last;
        out_of_step_ = true;
        if (session.framed()) {
          ++out.noise;
          out.noise_code = "CHK";
        }
        continue;
      }
      if (!is_noise(reply->code())) {
        out.code = reply->code();
        return out;
      }
      ++out.noise;
      out.noise_code = vendor_code(reply->code());
    }
    if (out.noise > 0) return out;
    return last;
  }

  /// The module's number, now and then. A module that refuses may say why in the refusal.
  void ask_identity(sdt::PollSession& session, Heard& heard, MonoTime deadline) {
    const auto now = port_->now();
    if (identity_asked_ && now - *identity_asked_ < identity_every) return;
    const auto reply = session.ask(PollCommand::sam_id, std::min(deadline, now + timeout_));
    if (!reply) {
      // Tried again at the next poll; what comes late must not be taken for its answer.
      out_of_step_ = true;
      return;
    }
    identity_asked_ = now;
    identity_ = {};
    if (reply->code() == Code::ok) {
      auto id = sdt::sam_id(reply->data);
      if (id)
        identity_ = {.vendor = {}, .model = "SAM-V", .serial = std::move(*id), .firmware = {}};
    } else if (heard.code == Code::ok && (reply->code() == Code::sam_self_test_failed ||
                                          reply->code() == Code::sam_unauthorised)) {
      heard.code = reply->code();
    }
  }

  /// One read of the test card.
  struct Read {
    bool complete = false;
    std::string code;  ///< SW3 of what ended it, "checksum" or "timeout"
    Duration took{};
    Duration receiving{};
    std::size_t frame_bytes = 0;
    sdt::BaseLengths lengths;
  };

  Result<SelfTest> read_thrice(sdt::TestSession& session, MonoTime deadline) {
    std::vector<Read> done;
    while (std::ssize(done) < reads) {
      const auto until = std::min(deadline, port_->now() + card_wait_);
      auto read = read_once(session, until);
      if (!read) {
        out_of_step_ = true;
        return std::move(read).error().within("sdt");
      }
      done.push_back(std::move(*read));
      if (!done.back().complete) break;
    }
    // Half a reply may still be on its way: it must neither meet a poll nor stay in a buffer.
    auto quiet = session.pause(between_tries);
    if (!quiet) return std::move(quiet).error().within("sdt");
    return result_of(done);
  }

  /// Waits for a card and reads it. A card that lies there since an earlier read is not found a
  /// second time, but can be read (section 1.8): so it is tried whatever the search says. An Error:
  /// the port is gone.
  Result<Read> read_once(sdt::TestSession& session, MonoTime until) {
    Read out;
    out.code = "timeout";
    const auto ask = [&](TestCommand command, Duration limit) {
      auto told = session.ask(command, std::min(until, port_->now() + limit));
      if (told) {
        out.code = fmt::format("{:02x}", static_cast<unsigned>(told->code));
      } else {
        out.code = told.error().code() == Errc::garbled ? "checksum" : "timeout";
      }
      return told;
    };
    const auto gone = [](const auto& told) {
      return !told && told.error().code() != Errc::timeout && told.error().code() != Errc::garbled;
    };
    while (port_->now() < until) {
      const auto started = port_->now();
      const auto found = ask(TestCommand::find_card, card_reply);
      if (gone(found)) return found.error();
      const auto selected = ask(TestCommand::select_card, card_reply);
      if (gone(selected)) return selected.error();
      const auto base = ask(TestCommand::read_base, base_reply);
      if (gone(base)) return base.error();
      if (base && base->lengths) {
        out.complete = true;
        out.took = port_->now() - started;
        out.receiving = base->receiving;
        out.frame_bytes = base->frame_bytes;
        out.lengths = *base->lengths;
        return out;
      }
      // Without a card, that is what is to be told, not what became of the read.
      if (found && found->code == Code::no_card) out.code = "80";
      auto paused = session.pause(std::min<Duration>(between_tries, until - port_->now()));
      if (!paused) return std::move(paused).error();
    }
    return out;
  }

  static SelfTest result_of(const std::vector<Read>& done) {
    SelfTest out;
    std::vector<std::string> codes;
    std::vector<std::size_t> lengths;
    Duration all{};
    Duration receiving{};
    for (const auto& read : done) {
      codes.push_back(read.code);
      if (!read.complete) continue;
      out.attempts.push_back(read.took);
      lengths.push_back(read.frame_bytes);
      all += read.took;
      receiving = std::max(receiving, read.receiving);
    }
    const auto complete = out.attempts.size();
    const auto mean = complete == 0 ? Duration{} : all / static_cast<Duration::rep>(complete);
    out.passed = complete == static_cast<std::size_t>(reads) && mean <= read_limit;
    out.detail = fmt::format("reads={}/{} codes={}", complete, reads, fmt::join(codes, ","));
    if (complete > 0) {
      const auto& parts = done.front().lengths;
      // A line of low baud rate takes most of the time by itself.
      out.detail += fmt::format(
          " mean_ms={} limit_ms={} receiving_ms={} bytes={} text={} photo={} checksum=ok",
          mean.count() / 1'000, read_limit.count() / 1'000, receiving.count() / 1'000,
          fmt::join(lengths, ","), parts.text, parts.photo);
    }
    return out;
  }

  Duration timeout_;
  Duration card_wait_;
  std::vector<UsbNumbers> usb_readers_;

  std::optional<sdt::FourPipes> pipes_;  ///< around the port, where the reader has them
  Port* port_ = nullptr;
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  std::optional<Heard> first_;  ///< what `open` heard, until the first poll
  std::optional<MonoTime> identity_asked_;
  wire::Identity identity_;
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  auto readers = usb_numbers(settings.text("usb_readers"));
  if (!readers) return readers.wrong();
  return std::unique_ptr<Driver>{std::make_unique<Sdt>(
      std::chrono::milliseconds{settings.integer("timeout_ms")},
      std::chrono::seconds{settings.integer("card_wait_s")}, std::move(*readers))};
}

}  // namespace

Card sdt_card() {
  return {.name = "sdt",
          .kind = "id_reader",
          .title = {"二代证阅读器", "ID card reader"},
          .settings = settings_table,
          .conditions = own_conditions,
          .schemes = port_schemes,
          .self_tests = self_tests,
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
