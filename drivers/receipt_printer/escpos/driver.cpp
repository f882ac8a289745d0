#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "drivers/ports/quiet.hpp"
#include "drivers/receipt_printer/escpos/profile.hpp"
#include "drivers/receipt_printer/escpos/replies.hpp"
#include "drivers/receipt_printer/escpos/status.hpp"
#include "drivers/receipt_printer/escpos/usb_class.hpp"

namespace kw::drivers {
namespace {

using namespace escpos;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view capabilities[] = {"conditions", "media", "components", "consumables",
                                             "identity"};
constexpr std::array settings_table{
    Setting{
        "model",
        SettingType::text,
        "generic",
        {"型号：generic epson snbc-bt-t080 snbc-btp-m300 snbc-btp-r580 better-bt-532c custom-kpm "
         "sprt",
         "model: generic epson snbc-bt-t080 snbc-btp-m300 snbc-btp-r580 better-bt-532c "
         "custom-kpm sprt"}},
    Setting{"timeout_ms",
            SettingType::integer,
            "400",
            {"单次应答的等待时间（毫秒）", "how long one reply may take, in milliseconds"},
            50,
            5000},
    Setting{"identify",
            SettingType::boolean,
            "true",
            {"打开后读取一次型号和序列号（仅限支持的型号）",
             "ask for model and serial number once after opening, where the model can answer"}},
    Setting{"roll_metres",
            SettingType::number,
            "0",
            {"整卷纸的长度（米）；0 表示未知", "length of a full roll in metres; 0: not known"},
            0,
            2000},
};

constexpr std::array<std::string_view, 3> port_schemes{"serial", "tcp", "usb"};

/// Paper left changes slowly, and GS e1 waits in the printer's buffer behind a job.
constexpr Duration identity_every = std::chrono::seconds{60};  // how late a changed unit may show
constexpr Duration paper_left_every = std::chrono::seconds{60};
constexpr Duration paper_left_again = std::chrono::minutes{10};

constexpr Duration line_quiet = std::chrono::milliseconds{100};
/// EOT, ENQ, ACK and NAK: what card readers and keypads answer to what they do not understand.
constexpr std::array<std::uint8_t, 4> controls{0x04, 0x05, 0x06, 0x15};

class Escpos final : public Driver {
 public:
  Escpos(Model model, Duration timeout, bool identify, double roll_metres)
      : model_(std::move(model)),
        timeout_(timeout),
        identify_(identify),
        roll_metres_(roll_metres) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    port_ = &port;
    out_of_step_ = false;
    // The port may be given back after every poll: what hardly changes is not asked each time.
    const bool asked_lately = identity_asked_ && port.now() - *identity_asked_ < identity_every;
    first_.reset();
    class_only_ = false;
    usb_ = dynamic_cast<UsbPort*>(&port);
    if (usb_ != nullptr && !usb_printer::fits(*usb_)) usb_ = nullptr;
    const bool can_tell = usb_ != nullptr || !model_.identify.empty();
    identity_due_ = identify_ && can_tell && !asked_lately;
    auto first = ask(*question("eot1"), deadline);
    if (first) {
      first_ = std::move(*first);
      speaks_ = true;
      return {};
    }
    // One that has answered before is silent now: that its USB chip still answers says little.
    const auto why = first.error().code();
    const bool no_language = why == Errc::timeout || why == Errc::unsupported;
    if (usb_ != nullptr && !speaks_ && no_language) {
      auto status = usb_printer::ask_port_status(*usb_, deadline);
      class_only_ = bool{status};
      if (status) return {};
    }
    if (first.error().code() == Errc::garbled && damaged(deadline)) {
      return Error{
          Errc::garbled,
          "escpos: one byte that is no reply of this model's: another model, or a bad line"};
    }
    if (first.error().code() == Errc::garbled) {
      return Error{Errc::refused, "escpos: not an ESC/POS printer: " + first.error().text()};
    }
    return std::move(first).error().within("escpos");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "escpos: not open"};
    if (class_only_) return poll_class(deadline);
    if (out_of_step_) {
      auto quiet = wait_until_quiet(*port_, timeout_, deadline);
      if (!quiet) return std::move(quiet).error().within("escpos");
      out_of_step_ = false;
    }
    std::vector<Reply> replies;
    for (const auto& name : model_.polls) {
      const Question& asked = *question(name);
      if (asked.name == "paper-left") continue;
      // The answer that told what the device is counts for the poll that follows at once.
      const bool known = first_ && asked.name == "eot1";
      auto bytes =
          known ? Result<Bytes>{std::move(*std::exchange(first_, {}))} : ask(asked, deadline);
      if (!bytes) return std::move(bytes).error().within("escpos");
      replies.push_back({asked.name, std::move(*bytes)});
    }
    const auto signs = signs_of(model_, replies);
    // What is not real-time is answered by a printer that is on-line only; asked off-line it would
    // be answered some time later.
    if (find(signs, "off-line") == nullptr) ask_slow_questions(deadline);

    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.conditions = conditions_of(signs);
    status.device = device_state(signs, status.conditions);
    status.media = media_state(model_, status.conditions);
    status.components = components_of(model_, status.conditions);
    status.consumables.push_back(paper_of(model_, status.conditions, paper_left_, roll_metres_));
    status.identity = identity_;
    return status;
  }

  void close() noexcept override {
    port_ = nullptr;
    usb_ = nullptr;
  }

 private:
  /// What the printer class tells of a printer without real-time status: paper out, an error.
  Result<wire::Status> poll_class(MonoTime deadline) {
    const auto told = usb_printer::ask_port_status(*usb_, deadline);
    if (!told) return Error{told.error()}.within("escpos");
    if (identity_due_) ask_identity(deadline);
    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.identity = identity_;
    status.device = told->selected ? wire::DeviceState::online : wire::DeviceState::offline;
    const auto raise = [&](std::string_view code) {
      status.conditions.push_back(
          wire::condition(*row_of(code), fmt::format("PORT_STATUS={:02x}", told->byte)));
    };
    if (told->paper_empty) {
      raise("media-empty");
    } else if (told->error) {
      raise("printer-error");
    } else if (!told->selected) {
      raise("printer-offline");
    }
    // Without a near-end sensor in it, what is not out is unknown.
    status.consumables.push_back(paper_of({}, status.conditions, std::nullopt, roll_metres_));
    return status;
  }

  /// Sends one question and waits for its answer, which is told by order and length.
  Result<Bytes> ask(const Question& asked, MonoTime deadline) {
    port_->discard();
    lone_misfit_ = false;
    const auto until = std::min(deadline, port_->now() + timeout_);
    auto sent = port_->write(std::span{asked.request}.first(asked.request_length), until);
    if (!sent) return std::move(sent).error();
    auto answer = await_answer(asked, until);
    if (!answer && answer.error().code() != Errc::disconnected) out_of_step_ = true;
    return answer;
  }

  Result<Bytes> await_answer(const Question& asked, MonoTime until) {
    Bytes in;
    std::optional<Bytes> answer;
    for (;;) {
      while (!in.empty()) {
        const auto fit = answer ? fit_stray(in) : fit_either(asked, in);
        if (fit.kind == Fit::Kind::part) break;
        if (fit.kind == Fit::Kind::none) {
          // An unknown terminator may follow the text; nothing else may follow an answer.
          if (answer && asked.name == "paper-left") return std::move(*answer);
          return misfit(asked, in, answer.has_value());
        }
        const auto end = in.begin() + static_cast<std::ptrdiff_t>(fit.length);
        if (!answer && fit_answer(asked, model_, in).kind == Fit::Kind::whole) {
          answer = Bytes{in.begin(), end};
        }
        in.erase(in.begin(), end);
      }
      if (answer && in.empty()) return std::move(*answer);
      std::array<std::uint8_t, 128> chunk{};
      auto got = port_->read(chunk, until);
      if (!got) {
        // Half a stray group behind the answer is noise, not a missing answer.
        if (answer && got.error().code() == Errc::timeout) return std::move(*answer);
        if (got.error().code() != Errc::timeout) return std::move(got).error();
        return Error{Errc::timeout, fmt::format("no reply to {}", asked.name)};
      }
      in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
      // A device that talks without end keeps every read from timing out.
      if (port_->now() >= until) return Error{Errc::garbled, "a line that is never quiet"};
    }
  }

  /// Whether what came instead of the one byte of eot1 was a single one as well: other devices say
  /// more, or one of their control bytes.
  bool damaged(MonoTime deadline) {
    if (!lone_misfit_) return false;
    std::array<std::uint8_t, 16> chunk{};
    const auto more = port_->read(chunk, std::min(deadline, port_->now() + line_quiet));
    return !more && more.error().code() == Errc::timeout;
  }

  Fit fit_either(const Question& asked, std::span<const std::uint8_t> in) const {
    const auto fit = fit_answer(asked, model_, in);
    return fit.kind == Fit::Kind::none ? fit_stray(in) : fit;
  }

  /// Never the bytes themselves: on a wrong port they may be a citizen's.
  Error misfit(const Question& asked, const Bytes& in, bool answered) {
    const bool lone = in.size() == 1 && std::ranges::find(controls, in.front()) == controls.end();
    lone_misfit_ = !answered && lone;
    if (answered) return Error{Errc::garbled, fmt::format("more than one reply to {}", asked.name)};
    return Error{Errc::garbled, fmt::format("{} bytes are no reply to {}", in.size(), asked.name)};
  }

  void ask_slow_questions(MonoTime deadline) {
    const bool counts = std::ranges::find(model_.polls, "paper-left") != model_.polls.end();
    if (counts && port_->now() >= paper_left_due_) ask_paper_left(deadline);
    if (identity_due_ && !out_of_step_) ask_identity(deadline);
  }

  void ask_paper_left(MonoTime deadline) {
    auto answer = ask(*question("paper-left"), deadline);
    paper_left_due_ = port_->now() + (answer ? paper_left_every : paper_left_again);
    paper_left_.reset();
    if (!answer) return;  // this model or emulation does not count: the level stays unknown
    const std::string text{answer->begin(), answer->end()};
    int centimetres = 0;
    std::from_chars(text.data(), text.data() + text.size(), centimetres);
    paper_left_ = centimetres / 100.0;
  }

  /// A printer that leaves one of these unanswered is not asked again for a while.
  void ask_identity(MonoTime deadline) {
    identity_due_ = false;
    identity_asked_ = port_->now();
    if (usb_ != nullptr) {
      auto id = usb_printer::ask_device_id(*usb_, deadline);
      if (id) usb_identity_ = std::move(*id);
    }
    if (!class_only_) ask_own_identity(deadline);
    const auto pick = [](const std::string& told, const std::string& by_usb) {
      return told.empty() ? by_usb : told;
    };
    identity_ = {pick(own_identity_.vendor, usb_identity_.vendor),
                 pick(own_identity_.model, usb_identity_.model),
                 pick(own_identity_.serial, usb_identity_.serial),
                 pick(own_identity_.firmware, usb_identity_.firmware)};
  }

  /// An answer that is lost changes nothing: it would look like another unit.
  void ask_own_identity(MonoTime deadline) {
    const std::map<std::string_view, std::string*> fields{{"firmware", &own_identity_.firmware},
                                                          {"maker", &own_identity_.vendor},
                                                          {"model", &own_identity_.model},
                                                          {"serial", &own_identity_.serial}};
    for (const auto& name : model_.identify) {
      const auto answer = ask(*question(name), deadline);
      if (!answer) return;
      std::string& field = *fields.at(name);
      field.assign(answer->begin() + 1, answer->end() - 1);
      std::erase_if(field, [](char c) { return c < ' ' || c > '~'; });
    }
  }

  Model model_;
  Duration timeout_;
  bool identify_;
  double roll_metres_;

  Port* port_ = nullptr;
  UsbPort* usb_ = nullptr;      ///< the same port, when it is a USB printer's
  bool class_only_ = false;     ///< nothing but the printer class's questions is answered
  bool speaks_ = false;         ///< it has answered a real-time question once
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  bool lone_misfit_ = false;    ///< the last question was answered by one byte that does not fit
  std::optional<Bytes> first_;  ///< the answer to eot1 of `open`, until the first poll
  bool identity_due_ = false;
  std::optional<MonoTime> identity_asked_;
  wire::Identity usb_identity_;  ///< as the printer class tells it
  wire::Identity own_identity_;  ///< as the printer's language does
  wire::Identity identity_;      ///< of both
  MonoTime paper_left_due_;
  std::optional<double> paper_left_;
};

constexpr Text unknown_reply{"该型号的资料轮询未知的应答 \"{}\"",
                             "profile polls unknown reply \"{}\""};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  auto model = model_of(settings.text("model"));
  if (!model) return model.wrong();
  for (const auto& name : model->polls) {
    const bool table_needed = name != "paper-left";
    if (question(name) == nullptr || (table_needed && !model->replies.contains(name))) {
      return filled(unknown_reply, name);
    }
  }
  return std::unique_ptr<Driver>{std::make_unique<Escpos>(
      std::move(*model), std::chrono::milliseconds{settings.integer("timeout_ms")},
      settings.boolean("identify"), settings.number("roll_metres"))};
}

}  // namespace

Card escpos_card() {
  return {.name = "escpos",
          .kind = "receipt_printer",
          .title = {"凭条打印机", "receipt printer"},
          .settings = settings_table,
          .conditions = own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
