#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "common/config.hpp"
#include "drivers/profiles.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

// ---- tables -----------------------------------------------------------------------------------

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

constexpr std::array own_conditions{
    wire::ConditionRow{"printer-error",
                       wire::Severity::fault,
                       wire::Action::maintenance,
                       {"打印机报错，未说明原因", "printer reports an error without a cause"}},
};

constexpr std::array<std::string_view, 2> port_schemes{"serial", "tcp"};

/// What a profile's bits may mean beside condition codes.
constexpr std::array<std::string_view, 6> state_words{
    "off-line", "error", "feeding", "feed-button", "drawer-high", "waiting-recovery"};

const wire::ConditionRow* row_of(std::string_view code) {
  const auto own = std::ranges::find(own_conditions, code, &wire::ConditionRow::code);
  return own != own_conditions.end() ? &*own : wire::find_condition(code);
}

// ---- model profiles ---------------------------------------------------------------------------

struct Bit {
  std::size_t byte = 0;
  std::uint8_t any = 0;
  std::string means;
  std::string detail;
};

/// How one reply of a model is read.
struct ReplyTable {
  std::uint8_t idle = 0;
  std::uint8_t mask = 0;
  std::vector<Bit> bits;
};

struct Model {
  std::vector<std::string> polls;
  std::vector<std::string> identify;
  std::map<std::string, ReplyTable, std::less<>> replies;
  double near_end_metres = 0;  ///< what is left when the near-end sensor speaks; 0: not known

  /// Whether this model can say it at all: what it cannot say is not shown as well.
  bool can_say(std::string_view means) const {
    return std::ranges::any_of(polls, [&](const std::string& poll) {
      const auto it = replies.find(poll);
      return it != replies.end() &&
             std::ranges::find(it->second.bits, means, &Bit::means) != it->second.bits.end();
    });
  }
};

std::uint8_t byte_of(config::Reader& from, std::string_view key) {
  return static_cast<std::uint8_t>(from.integer(key, 0, 0, 255));
}

void read_reply(config::Reader from, ReplyTable& out) {
  out.idle = byte_of(from, "idle");
  out.mask = byte_of(from, "mask");
  for (auto& row : from.sections("bits")) {
    Bit bit;
    bit.byte = static_cast<std::size_t>(row.integer("byte", 0, 0, 5));
    bit.any = byte_of(row, "any");
    bit.means = row.required_text("means");
    bit.detail = row.text("detail", "");
    if (row_of(bit.means) == nullptr &&
        std::ranges::find(state_words, bit.means) == state_words.end()) {
      row.object("means", "a condition's code or a word of generic.toml");
    }
    row.done();
    out.bits.push_back(std::move(bit));
  }
  from.done();
}

void read_profile(const config::Document& document, std::vector<config::Problem>& problems,
                  Model& model) {
  config::Reader top{document, problems};
  if (auto polls = top.texts("polls"); !polls.empty()) model.polls = std::move(polls);
  if (auto identify = top.texts("identify"); !identify.empty())
    model.identify = std::move(identify);
  top.texts("answers");  // the simulated printer's
  model.near_end_metres = top.number("near_end_metres", model.near_end_metres, 0, 100);
  for (const std::string_view reply : {"eot1", "eot2", "eot3", "eot4", "full"}) {
    if (!document.root.contains(reply)) continue;
    ReplyTable table;
    read_reply(top.section(reply), table);
    model.replies.insert_or_assign(std::string{reply}, std::move(table));
  }
  top.done();
}

/// generic.toml first, then what `name` says differently.
Result<Model> model_of(std::string_view name) {
  const auto profiles = profiles_of("escpos");
  const auto wanted = std::ranges::find(profiles, name, &Profile::model);
  if (wanted == profiles.end()) {
    std::string known;
    for (const auto& p : profiles) known += (known.empty() ? "" : ", ") + std::string{p.model};
    return Error{Errc::invalid,
                 fmt::format("model = \"{}\": unknown model (known: {})", name, known)};
  }
  const auto base = std::ranges::find(profiles, std::string_view{"generic"}, &Profile::model);
  std::vector<config::Problem> problems;
  Model model;
  for (const auto& profile : {*base, *wanted}) {
    const auto document =
        config::parse(profile.text, std::string{profile.model} + ".toml", problems);
    if (document) read_profile(*document, problems, model);
  }
  if (!problems.empty()) return Error{Errc::invalid, problems.front().in(Lang::en)};
  return model;
}

// ---- reading replies --------------------------------------------------------------------------

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const auto b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

/// How the front of what has arrived compares with what is waited for.
struct Fit {
  enum class Kind { whole, part, none } kind;
  std::size_t length = 0;
};
constexpr Fit part{Fit::Kind::part};
constexpr Fit none{Fit::Kind::none};
constexpr Fit whole(std::size_t length) { return {Fit::Kind::whole, length}; }

constexpr std::size_t longest_block = 80;

/// A GS I reply: 5f, text, 00.
Fit fit_block(std::span<const std::uint8_t> in) {
  if (in.front() != 0x5f) return none;
  const auto end = std::ranges::find(in, std::uint8_t{0});
  if (end != in.end()) return whole(static_cast<std::size_t>(end - in.begin()) + 1);
  return in.size() < longest_block ? part : none;
}

/// Bytes that nobody asked for and that are not a reply to DLE EOT: XON, XOFF, an automatic status
/// of four bytes switched on by another program, a late reply to GS I.
Fit fit_stray(std::span<const std::uint8_t> in) {
  if (in.front() == 0x11 || in.front() == 0x13) return whole(1);
  if ((in.front() & 0x93) == 0x10) {
    const auto rest = in.subspan(1, std::min<std::size_t>(in.size() - 1, 3));
    if (std::ranges::any_of(rest, [](std::uint8_t b) { return (b & 0x90) != 0; })) return none;
    return rest.size() == 3 ? whole(4) : part;
  }
  return fit_block(in);
}

Fit fit_full(std::span<const std::uint8_t> in) {
  if (in.front() != 0x10) return none;
  if (in.size() > 1 && in[1] != 0x0f) return none;
  return in.size() >= 6 ? whole(6) : part;
}

/// "510cm".
Fit fit_centimetres(std::span<const std::uint8_t> in) {
  const auto digits =
      std::ranges::find_if_not(in, [](std::uint8_t b) { return b >= '0' && b <= '9'; });
  const auto count = static_cast<std::size_t>(digits - in.begin());
  if (count == 0 || count > 7) return none;
  if (count + 2 > in.size()) return in.size() == count || in[count] == 'c' ? part : none;
  return in[count] == 'c' && in[count + 1] == 'm' ? whole(count + 2) : none;
}

struct Question {
  std::string_view name;
  std::array<std::uint8_t, 3> request;
  std::size_t request_length;
};

constexpr std::array questions{
    Question{"eot1", {0x10, 0x04, 0x01}, 3},     Question{"eot2", {0x10, 0x04, 0x02}, 3},
    Question{"eot3", {0x10, 0x04, 0x03}, 3},     Question{"eot4", {0x10, 0x04, 0x04}, 3},
    Question{"full", {0x10, 0x04, 0x14}, 3},     Question{"paper-left", {0x1d, 0xe1, 0x00}, 2},
    Question{"firmware", {0x1d, 0x49, 0x41}, 3}, Question{"maker", {0x1d, 0x49, 0x42}, 3},
    Question{"model", {0x1d, 0x49, 0x43}, 3},    Question{"serial", {0x1d, 0x49, 0x44}, 3},
};

const Question* question(std::string_view name) {
  const auto it = std::ranges::find(questions, name, &Question::name);
  return it == questions.end() ? nullptr : &*it;
}

Fit fit_answer(const Question& asked, const Model& model, std::span<const std::uint8_t> in) {
  if (asked.name == "full") return fit_full(in);
  if (asked.name == "paper-left") return fit_centimetres(in);
  const auto table = model.replies.find(asked.name);
  if (table == model.replies.end()) return fit_block(in);
  const auto fixed = table->second.idle & table->second.mask;
  return (in.front() & table->second.mask) == fixed ? whole(1) : none;
}

// ---- meaning ----------------------------------------------------------------------------------

struct Reply {
  std::string_view name;  ///< of the question
  Bytes bytes;
};

/// The set bits of all replies, by meaning.
struct Sign {
  std::string means;
  std::string vendor_code;
  std::string detail;
};

void append(std::string& to, std::string_view more, std::string_view between) {
  if (more.empty() || to.find(more) != std::string::npos) return;
  if (!to.empty()) to += between;
  to += more;
}

std::string vendor_code(const Reply& reply) {
  std::string out{reply.name};
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' ? char(c - 32) : c; });
  return out + "=" + hex(reply.bytes);
}

std::vector<Sign> signs_of(const Model& model, std::span<const Reply> replies) {
  std::vector<Sign> out;
  for (const auto& reply : replies) {
    for (const auto& bit : model.replies.find(reply.name)->second.bits) {
      if (bit.byte >= reply.bytes.size() || (reply.bytes[bit.byte] & bit.any) == 0) continue;
      auto sign = std::ranges::find(out, bit.means, &Sign::means);
      if (sign == out.end()) sign = out.insert(out.end(), Sign{bit.means, {}, {}});
      append(sign->vendor_code, vendor_code(reply), " ");
      append(sign->detail, bit.detail, ", ");
    }
  }
  return out;
}

const Sign* find(const std::vector<Sign>& signs, std::string_view means) {
  const auto it = std::ranges::find(signs, means, &Sign::means);
  return it == signs.end() ? nullptr : &*it;
}

/// A printer goes off-line by itself for these; the others leave it working.
bool stops_printing(std::string_view code) {
  return code != "media-low" && code != "output-not-taken" && code != "link-noise";
}

std::vector<wire::Condition> conditions_of(const std::vector<Sign>& signs) {
  std::vector<wire::Condition> out;
  const auto raise = [&out](std::string_view code, const Sign& sign, std::string detail) {
    out.push_back(wire::condition(*row_of(code), sign.vendor_code, std::move(detail)));
  };
  const bool out_of_paper = find(signs, "media-empty") != nullptr;
  for (const auto& sign : signs) {
    if (row_of(sign.means) == nullptr || (sign.means == "media-low" && out_of_paper)) continue;
    raise(sign.means, sign, sign.detail);
  }
  const bool explained =
      std::ranges::any_of(out, [](const wire::Condition& c) { return stops_printing(c.code); });
  const Sign* error = find(signs, "error");
  const Sign* off_line = find(signs, "off-line");
  if (error != nullptr && !explained) {
    raise("printer-error", *error, {});
  } else if (off_line != nullptr && !explained && find(signs, "feeding") == nullptr) {
    raise("printer-offline", *off_line,
          find(signs, "waiting-recovery") != nullptr ? "waits for on-line recovery" : "");
  }
  return out;
}

bool has(const std::vector<wire::Condition>& conditions, std::string_view code) {
  return std::ranges::find(conditions, code, &wire::Condition::code) != conditions.end();
}

wire::DeviceState device_state(const std::vector<Sign>& signs,
                               const std::vector<wire::Condition>& conditions) {
  if (has(conditions, "unrecoverable-error") || has(conditions, "cutter-error")) {
    return wire::DeviceState::hardware_error;
  }
  if (has(conditions, "printer-offline")) return wire::DeviceState::offline;
  if (find(signs, "feeding") != nullptr) return wire::DeviceState::device_busy;
  return wire::DeviceState::online;
}

wire::Media media_state(const Model& model, const std::vector<wire::Condition>& conditions) {
  if (has(conditions, "media-jam")) return wire::Media::jammed;
  if (!model.can_say("output-not-taken")) return wire::Media::not_supported;
  return has(conditions, "output-not-taken") ? wire::Media::present : wire::Media::not_present;
}

std::vector<wire::Component> components_of(const Model& model,
                                           const std::vector<wire::Condition>& conditions) {
  using enum wire::ComponentState;
  std::vector<wire::Component> out;
  if (model.can_say("cover-open")) {
    out.push_back({"cover", has(conditions, "cover-open") ? open : closed, true});
  }
  if (model.can_say("cutter-error")) {
    out.push_back({"cutter", has(conditions, "cutter-error") ? inoperable : ok, true});
  }
  if (model.can_say("head-overheated")) {
    // Cools down by itself, so it is not counted as a needed part that is broken.
    out.push_back({"head", has(conditions, "head-overheated") ? inoperable : ok, false});
  }
  return out;
}

/// Flags overrule what the printer has counted: at paper end nothing is left, whatever it counted.
wire::Consumable paper_of(const Model& model, const std::vector<wire::Condition>& conditions,
                          std::optional<double> counted_metres, double roll_metres) {
  wire::Consumable paper{.type = "receipt_paper", .unit = "metres"};
  paper.source = wire::LevelSource::flag;
  if (roll_metres > 0) paper.capacity = roll_metres;
  const bool senses_end = model.near_end_metres > 0 && model.can_say("media-low");
  if (senses_end) paper.warning_level = model.near_end_metres;
  if (has(conditions, "media-empty")) {
    paper.state = wire::ConsumableState::out;
    paper.available = 0;
    paper.percent = 0;
    return paper;
  }
  if (has(conditions, "media-low")) {
    paper.state = wire::ConsumableState::low;
  } else if (model.can_say("media-low")) {
    paper.state = wire::ConsumableState::full;
  }
  if (counted_metres) {
    paper.source = wire::LevelSource::counted;
    paper.available = counted_metres;
    if (roll_metres > 0) paper.percent = std::min(100.0, *counted_metres / roll_metres * 100);
  }
  return paper;
}

// ---- the driver -------------------------------------------------------------------------------

/// Paper left changes slowly, and GS e1 waits in the printer's buffer behind a job.
constexpr Duration identity_every = std::chrono::seconds{60};  // how late a changed unit may show
constexpr Duration paper_left_every = std::chrono::seconds{60};
constexpr Duration paper_left_again = std::chrono::minutes{10};

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
    identity_due_ = identify_ && !model_.identify.empty() && !asked_lately;
    first_.reset();
    auto first = ask(*question("eot1"), deadline);
    if (first) {
      first_ = std::move(*first);
      return {};
    }
    if (first.error().code() == Errc::garbled) {
      return Error{Errc::refused, "escpos: not an ESC/POS printer: " + first.error().text()};
    }
    return std::move(first).error().within("escpos");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "escpos: not open"};
    if (out_of_step_) {
      auto quiet = wait_until_quiet(deadline);
      if (!quiet) return std::move(quiet).error().within("escpos");
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

  void close() noexcept override { port_ = nullptr; }

 private:
  /// Sends one question and waits for its answer, which is told by order and length.
  Result<Bytes> ask(const Question& asked, MonoTime deadline) {
    port_->discard();
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
    }
  }

  Fit fit_either(const Question& asked, std::span<const std::uint8_t> in) const {
    const auto fit = fit_answer(asked, model_, in);
    return fit.kind == Fit::Kind::none ? fit_stray(in) : fit;
  }

  static Error misfit(const Question& asked, const Bytes& in, bool answered) {
    const auto shown = hex(std::span{in}.first(std::min<std::size_t>(in.size(), 16)));
    if (answered) {
      return Error{Errc::garbled, fmt::format("more than one reply to {}: {}", asked.name, shown)};
    }
    return Error{Errc::garbled, fmt::format("reply to {} is {}", asked.name, shown)};
  }

  /// After a missed or garbled answer the next byte may belong to any question: listens until the
  /// line has been quiet for as long as an answer may take.
  Result<void> wait_until_quiet(MonoTime deadline) {
    std::array<std::uint8_t, 256> scrap{};
    for (;;) {
      const auto until = port_->now() + timeout_;
      auto got = port_->read(scrap, std::min(until, deadline));
      if (got) {
        if (port_->now() < deadline) continue;
        return Error{Errc::garbled, "the line is never quiet"};
      }
      if (got.error().code() != Errc::timeout) return std::move(got).error();
      if (until > deadline) return Error{Errc::timeout, "no time left to get back into step"};
      out_of_step_ = false;
      return {};
    }
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
    identity_ = {};
    const std::map<std::string_view, std::string*> fields{{"firmware", &identity_.firmware},
                                                          {"maker", &identity_.vendor},
                                                          {"model", &identity_.model},
                                                          {"serial", &identity_.serial}};
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
  bool out_of_step_ = false;    ///< an answer to an earlier question may still come
  std::optional<Bytes> first_;  ///< the answer to eot1 of `open`, until the first poll
  bool identity_due_ = false;
  std::optional<MonoTime> identity_asked_;
  wire::Identity identity_;
  MonoTime paper_left_due_;
  std::optional<double> paper_left_;
};

Result<std::unique_ptr<Driver>> make(const Settings& settings) {
  auto model = model_of(settings.text("model"));
  if (!model) return std::move(model).error().within("escpos");
  for (const auto& name : model->polls) {
    const bool table_needed = name != "paper-left";
    if (question(name) == nullptr || (table_needed && !model->replies.contains(name))) {
      return Error{Errc::invalid, "escpos: profile polls unknown reply \"" + name + "\""};
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
          .conditions = own_conditions,
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .make = make};
}

}  // namespace kw::drivers
