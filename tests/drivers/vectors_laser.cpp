// Laser printers against their vectors: IPP and PJL.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/laser_printer/ipp/message.hpp"
#include "drivers/laser_printer/ipp/reasons.hpp"
#include "drivers/laser_printer/ipp/supplies.hpp"
#include "drivers/laser_printer/pjl/status.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

/// A message with or without HTTP's words in front of it.
Bytes ipp_body(const Bytes& bytes) {
  const auto text = text_of(bytes);
  const auto end = text.find("\r\n\r\n");
  const bool http = text.starts_with("POST ") || text.starts_with("HTTP/");
  if (!http || end == std::string::npos) return bytes;
  return {bytes.begin() + static_cast<std::ptrdiff_t>(end) + 4, bytes.end()};
}

/// The printer that a request asks, and for what, when it is one that our encoder can make: the
/// four attributes in that order, charset and language ours.
struct Asked {
  std::string printer;
  std::vector<std::string_view> wanted;
};
std::optional<Asked> as_ours(const ipp::Message& message) {
  constexpr std::uint16_t get_printer_attributes = 0x000b;
  if (message.status != get_printer_attributes || message.groups.size() != 1) return std::nullopt;
  const auto& attributes = message.groups.front().attributes;
  const std::vector<std::string_view> names{"attributes-charset", "attributes-natural-language",
                                            "printer-uri", "requested-attributes"};
  if (!std::ranges::equal(attributes, names, {}, &ipp::Attribute::name)) return std::nullopt;
  if (attributes[0].values.front().bytes != "utf-8") return std::nullopt;
  if (attributes[1].values.front().bytes != "en") return std::nullopt;
  Asked out{attributes[2].values.front().bytes, {}};
  for (const auto& value : attributes[3].values) out.wanted.push_back(value.bytes);
  return out;
}

}  // namespace

Outcome ipp_request(const Vector& vector) {
  const auto body = ipp_body(vector.bytes);
  const auto message = ipp::parse(body);
  if (!message) return refused(message.error().text());
  Outcome out;
  out.taken = true;
  out.tells = {"operation:"};
  out.add(fmt::format("operation:{:04x}", message->status));
  if (const auto asked = as_ours(*message)) {
    CHECK(ipp::get_printer_attributes(message->major, message->minor, message->request_id,
                                      asked->printer, asked->wanted) == body);
  }
  return out;
}

Outcome ipp_reply(const Vector& vector) {
  const auto body = ipp_body(vector.bytes);
  const auto message = ipp::parse(body);
  if (!message) return refused(message.error().text());
  Outcome out;
  out.taken = true;
  out.tells = {"refused", "status:"};
  out.add(fmt::format("status:{:04x}", message->status));
  if (const auto refusal = ipp::refusal(message->status)) {
    out.add("refused");
    return out;
  }
  out.add(fmt::format("state:{}", message->integer("printer-state").value_or(0)));
  if (message->integer("printer-state")) out.tells.emplace_back("state:");
  ipp::Reported reported{*message};
  for (const auto& item : ipp::consumables_of(*message, reported, {})) {
    out.add(fmt::format("{}:{}", item.type, name(item.state)));
  }
  for (const auto& condition : reported.conditions()) out.add(condition.code);
  if (!message->texts("printer-state-reasons").empty()) {
    out.tells.insert(out.tells.end(),
                     {"media-", "cover-", "door-", "toner-", "marker-", "output-", "input-tray-",
                      "fuser-", "opc-", "interlock-", "paused", "printer-offline"});
    if (reported.conditions().empty()) out.add("nothing-wrong");
    out.tells.emplace_back("nothing-wrong");
  }
  // Nothing that reads a value may need more than the bytes that came.
  for (const auto& group : message->groups) {
    for (const auto& attribute : group.attributes) {
      const auto integers = message->integers(attribute.name);
      CHECK(integers.size() <= attribute.values.size());
      CHECK(message->texts(attribute.name).size() <= attribute.values.size());
      if (integers.size() == 1) {
        out.figures.push_back(fmt::format("{}={}", attribute.name, integers.front()));
      }
    }
  }
  constexpr std::uint8_t end_tag = 0x03;  // what follows it is a document
  for (std::size_t n = 0; n < body.size() && body.back() == end_tag; ++n) {
    CAPTURE(n);
    CHECK_FALSE(bool(ipp::parse(std::span{body}.first(n))));
  }
  return out;
}

// ---- PJL ----------------------------------------------------------------------------------------

Outcome pjl_request(const Vector& vector) {
  auto text = text_of(vector.bytes);
  constexpr std::string_view exit = "\x1b%-12345X";
  while (text.ends_with(exit)) text.resize(text.size() - exit.size());
  const auto block = pjl::read_block(text);
  if (!block) return refused(block.error().text());
  Outcome out;
  out.taken = true;
  out.tells = {"question:"};
  out.add("question:" + block->head.substr(0, block->head.find(' ')));
  return out;
}

Outcome pjl_reply(const Vector& vector) {
  auto text = text_of(vector.bytes);
  // As printed, without what ends or begins it.
  const bool ended = text.find('\f') != std::string::npos;
  if (vector.broken() && !ended) return refused("no form feed");
  text.resize(std::min(text.find('\f'), text.size()));
  if (text.starts_with("CODE")) text.insert(0, "@PJL INFO STATUS\r\n");
  const auto block = pjl::read_block(text);
  if (!block) return refused(block.error().text());
  Outcome out;
  const auto status = pjl::read_status(*block);
  const bool tells_status = block->head == "INFO STATUS" || block->head == "USTATUS DEVICE";
  if (!status && tells_status) return refused(status.error().text());
  out.taken = true;
  if (!status) return out;  // of an echo, an id, a page count
  out.tells = {"cover-", "media-",        "toner-", "printer-", "output-", "marker-",
               "opc-",   "unrecoverable", "ready",  "online",   "busy"};
  bool wrong = false;
  for (const int code : status->codes) {
    const auto means = pjl::meaning_of(code, status->display);
    out.figures.push_back(fmt::format("code={}", code));
    if (means.busy) out.add("busy");
    if (means.condition.empty()) continue;
    out.add(std::string{means.condition});
    wrong = true;
  }
  if (!wrong) out.add("ready");
  if (status->online == true) out.add("online");
  return out;
}

}  // namespace kw::drivers
