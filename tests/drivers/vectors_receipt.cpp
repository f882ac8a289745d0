// Receipt printers against their vectors: ESC/POS by its models, Star line mode, USB printer class.
#include <algorithm>
#include <array>
#include <optional>
#include <regex>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/receipt_printer/escpos/replies.hpp"
#include "drivers/receipt_printer/escpos/status.hpp"
#include "drivers/receipt_printer/escpos/usb_class.hpp"
#include "drivers/receipt_printer/star/asb.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using escpos::Fit;

escpos::Model model_for(const Vector& vector) {
  struct Row {
    std::string_view word;
    std::string_view model;
  };
  constexpr std::array rows{Row{"bt 532c", "better-bt-532c"},
                            Row{"bt 532", "better-bt-532c"},
                            Row{"better", "better-bt-532c"},
                            Row{"k532", "better-bt-532c"},
                            Row{"t080", "snbc-bt-t080"},
                            Row{"bt t080", "snbc-bt-t080"},
                            Row{"m300", "snbc-btp-m300"},
                            Row{"r580", "snbc-btp-r580"},
                            Row{"rs t80", "snbc-btp-r580"},
                            Row{"sprt", "sprt"},
                            Row{"pos58", "sprt"},
                            Row{"kpm", "custom-kpm"},
                            Row{"kpm150h", "custom-kpm"},
                            Row{"kpm210", "custom-kpm"},
                            Row{"kpm300", "custom-kpm"},
                            Row{"vkp80", "custom-kpm"},
                            Row{"custom", "custom-kpm"},
                            Row{"epson", "epson"}};
  const auto words = vector.words();
  const auto row =
      std::ranges::find_if(rows, [&](const Row& r) { return has_word(words, r.word); });
  auto model = escpos::model_of(row == rows.end() ? "generic" : row->model);
  REQUIRE_MESSAGE(bool(model), model.error().text());
  return std::move(*model);
}

/// "EOT 2", "EOT2", "n=2", "10 04 02" of a row; nothing when it does not say.
std::optional<int> eot_of(const Vector& vector) {
  static const std::regex number{
      "\\beot ?n? ?=? ?\\(?([1-8])\\b|\\bn ?= ?([1-8])\\b|10 04 0([1-8])"};
  const auto words = vector.words();
  std::smatch found;
  if (!std::regex_search(words, found, number)) return std::nullopt;
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (found[i].matched) return std::stoi(found[i].str());
  }
  return std::nullopt;
}

void add_signs(const escpos::Model& model, std::vector<escpos::Reply> replies, Outcome& out) {
  for (const auto& reply : replies) {
    for (const auto& bit : model.replies.find(reply.name)->second.bits) {
      out.tells.push_back(bit.means);
    }
  }
  out.tells.emplace_back("ready");
  const auto signs = escpos::signs_of(model, replies);
  for (const auto& sign : signs) out.add(sign.means);
  const auto conditions = escpos::conditions_of(signs);
  for (const auto& condition : conditions) {
    if (!out.says(condition.code)) out.add(condition.code);
  }
  if (conditions.empty()) out.add("ready");
}

/// Real-time replies in the order in which they are asked: one of the number that the row gives,
/// or two to four at once.
Outcome eot_reply(const Vector& vector, const escpos::Model& model) {
  const auto& bytes = vector.bytes;
  std::vector<std::string_view> names{"eot1", "eot2", "eot3", "eot4"};
  if (bytes.size() == 3) names = {"eot1", "eot2", "eot4"};  // what clients of three questions ask
  if (bytes.size() == 2) names = {"eot2", "eot4"};
  const auto number = eot_of(vector);
  if (bytes.size() == 1 && number && *number > 4) {
    Outcome out;  // no model is asked these: nothing to decode them with
    out.taken = (bytes[0] & 0x93) == 0x12;
    return out;
  }
  if (bytes.size() == 1 && number) names = {names[static_cast<std::size_t>(*number) - 1]};
  const auto fits = [&](std::string_view name, std::uint8_t byte) {
    const std::array one{byte};
    return escpos::fit_answer(*escpos::question(name), model, one).kind == Fit::Kind::whole;
  };
  Outcome out;
  out.why = "no reply of this model";
  if (bytes.size() == 1 && !number) {
    // A byte in order with the data (GS r, ESC v) that the row does not name, too.
    out.taken = std::ranges::any_of(names, [&](auto name) { return fits(name, bytes[0]); }) ||
                (!vector.broken() && (bytes[0] & 0x90) == 0);
    return out;
  }
  std::vector<escpos::Reply> replies;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!fits(names[i], bytes[i])) return out;
    replies.push_back({names[i], {bytes[i]}});
  }
  out.taken = true;
  add_signs(model, std::move(replies), out);
  return out;
}

}  // namespace

Outcome escpos_request(const Vector& vector) {
  Outcome out;
  out.tells = {"asked"};
  for (const std::string_view name : {"eot1", "eot2", "eot3", "eot4", "full", "paper-left",
                                      "firmware", "maker", "model", "serial"}) {
    const auto* question = escpos::question(name);
    REQUIRE(question != nullptr);
    const std::span ours{question->request.data(), question->request_length};
    if (!std::ranges::equal(ours, vector.bytes)) continue;
    out.taken = true;
    out.add("asked");
    out.add(std::string{name});
  }
  if (out.taken) return out;
  // Prints, cuts, moves or switches something: there is nothing to encode it with.
  const auto first = vector.bytes.front();
  out.taken = vector.bytes.size() > 1 && (first == 0x10 || first == 0x1b || first == 0x1d);
  out.why = "no command";
  return out;
}

Outcome escpos_reply(const Vector& vector) {
  const auto model = model_for(vector);
  const auto words = vector.words();
  const auto& bytes = vector.bytes;
  Outcome out;
  const auto whole = [&](Fit fit) {
    out.taken = fit.kind == Fit::Kind::whole && fit.length == bytes.size();
    out.part = fit.kind == Fit::Kind::part;
    if (!out.taken) out.why = "no answer of that kind";
  };
  const bool polled = std::ranges::find(model.polls, "full") != model.polls.end();
  if (polled && bytes.size() >= 2 && bytes[0] == 0x10 && bytes[1] == 0x0f) {
    whole(escpos::fit_answer(*escpos::question("full"), model, bytes));
    if (out.taken) add_signs(model, {{"full", bytes}}, out);
    return out;
  }
  if (bytes.back() == 'm' || has_word(words, "remaining paper")) {
    whole(escpos::fit_answer(*escpos::question("paper-left"), model, bytes));
    return out;
  }
  if (bytes.front() == 0x5f) {
    whole(escpos::fit_answer(*escpos::question("model"), model, bytes));
    return out;
  }
  // In order with the data, and asked by no driver: only their form can be held.
  const bool in_order = has_any_word(words, {"gs r", "esc v", "1d 72", "1b 76"});
  const bool one_id = has_any_word(words, {"gs i", "1d 49"});
  if (bytes.size() == 1 && (in_order || one_id)) {
    out.taken = one_id || (bytes[0] & 0x90) == 0;
    return out;
  }
  const bool automatic = has_any_word(words, {"asb", "gs a", "automatic status", "xon", "xoff"});
  if (automatic || (bytes.size() == 4 && (bytes[0] & 0x93) == 0x10)) {
    whole(escpos::fit_stray(bytes));
    return out;
  }
  // Blocks of other functions: a head of their own, text, 00 (output devices, section 1.4).
  constexpr std::string_view heads = "\x35\x37\x3b\x3d";
  if (heads.find(static_cast<char>(bytes.front())) != std::string_view::npos && bytes.size() > 1) {
    out.taken = std::ranges::find(bytes, std::uint8_t{0}) == bytes.end() - 1;
    return out;
  }
  if (bytes.size() > 4) return refused("no answer that a printer gives");
  return eot_reply(vector, model);
}

// ---- Star ---------------------------------------------------------------------------------------

Outcome star_request(const Vector& vector) {
  Outcome out;
  auto made = make_driver("star");
  REQUIRE(bool(made));
  FakePort port;
  CHECK_FALSE(bool((*made)->open(port, port.now() + std::chrono::seconds{2})));
  REQUIRE_FALSE(port.written().empty());
  out.tells = {"asked"};
  if (port.written().front() == vector.bytes) out.add("asked");
  const auto first = vector.bytes.front();
  out.taken = out.says("asked") || first == 0x1b || first == 0x1d || first == 0x04;
  out.why = "no command";
  return out;
}

Outcome star_reply(const Vector& vector) {
  auto in = vector.bytes;
  auto asb = star::take_asb(in);
  if (!asb) return refused(asb.error().text());
  if (!*asb || !in.empty()) {
    Outcome out = refused("no whole status");
    out.part = !in.empty();
    return out;
  }
  Outcome out;
  out.taken = true;
  CHECK((*asb)->size() == star::asb_length((**asb)[0], (**asb)[1]));
  const auto status = status_by("star", {}, **asb);
  REQUIRE_MESSAGE(bool(status), status.error().text());
  add_facts(*status, out);
  out.tells = {"cover-open", "media-",          "cutter-", "unrecoverable", "recoverable",
               "head-",      "printer-offline", "output-", "ready",         "receipt_paper:"};
  if (status->conditions.empty()) out.add("ready");
  out.figures = {fmt::format("length={}", (*asb)->size())};
  return out;
}

// ---- USB printer class --------------------------------------------------------------------------

Outcome usb_printer_request(const Vector& vector) {
  Outcome out;
  constexpr std::size_t setup_packet = 8;
  out.taken = vector.bytes.size() == setup_packet;
  out.why = "no setup packet";
  return out;
}

Outcome usb_printer_reply(const Vector& vector) {
  Outcome out;
  if (vector.bytes.size() == 1) {
    const auto status = usb_printer::decode_port_status(vector.bytes);
    if (!status) return refused(status.error().text());
    out.taken = true;
    out.tells = {"paper_empty", "selected", "error", "ready"};
    if (status->paper_empty) out.add("paper_empty");
    if (status->selected) out.add("selected");
    if (status->error) out.add("error");
    if (!status->paper_empty && status->selected && !status->error) out.add("ready");
    return out;
  }
  const auto identity = usb_printer::decode_device_id(vector.bytes);
  if (!identity) return refused(identity.error().text());
  out.taken = true;
  const std::string text{vector.bytes.begin(), vector.bytes.end()};
  CHECK(text.find(identity->vendor) != std::string::npos);
  CHECK(text.find(identity->model) != std::string::npos);
  return out;
}

}  // namespace kw::drivers
