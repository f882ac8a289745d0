// Cabinet boards and UPS against their vectors: Modbus and NUT.
#include <algorithm>
#include <optional>
#include <regex>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/cabinet/modbus/codec.hpp"
#include "drivers/ups/nut/text.hpp"
#include "drivers/ups/nut/variables.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;
using modbus::Request;

/// A frame's fields, by either framing.
struct Frame {
  bool tcp = false;
  std::uint16_t transaction = 0;
  std::uint8_t unit = 0;
  Bytes pdu;
};

std::uint16_t word_at(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

bool is_tcp(const Vector& vector) {
  const auto words = vector.words();
  if (has_any_word(words, {"rtu", "crc"})) return false;
  if (has_any_word(words, {"tcp", "mbap"})) return true;
  return vector.bytes.size() >= 8 && word_at(vector.bytes, 2) == 0 &&
         word_at(vector.bytes, 4) + std::size_t{6} == vector.bytes.size();
}

std::optional<Frame> frame_of(const Vector& vector, Outcome& out) {
  const auto& in = vector.bytes;
  out.why = "no whole frame";
  if (is_tcp(vector)) {
    out.part = in.size() < 8 || word_at(in, 4) + std::size_t{6} > in.size();
    if (in.size() < 8 || word_at(in, 2) != 0) return std::nullopt;
    if (word_at(in, 4) + std::size_t{6} != in.size()) return std::nullopt;
    return Frame{true, word_at(in, 0), in[6], {in.begin() + 7, in.end()}};
  }
  if (in.size() < 4) return std::nullopt;
  const auto sum = modbus::crc16(std::span{in}.first(in.size() - 2));
  if (sum != static_cast<std::uint16_t>(in[in.size() - 2] | in.back() << 8U)) return std::nullopt;
  return Frame{false, 0, in[0], {in.begin() + 1, in.end() - 2}};
}

std::optional<Request> question_of(std::uint8_t function, std::uint16_t address,
                                   std::uint16_t count) {
  if (function < 1 || function > 4) return std::nullopt;
  return Request::read(static_cast<modbus::Table>(function), address, count);
}

/// The answer to the question, by the decoder of the frame.
std::optional<modbus::Reply> decoded(const Frame& frame, const Bytes& bytes,
                                     const Request& question) {
  auto in = bytes;
  if (!frame.tcp) return modbus::take_rtu(in, question, frame.unit);
  auto taken = modbus::take_tcp(in, question, frame.unit, frame.transaction);
  return taken ? std::move(*taken) : std::nullopt;
}

/// "-5.0 C", "41.5 %", "2380 rpm", "12050 mV": each is one of the values, as it is or by a power
/// of ten, with or without a sign.
void hold_figures(const Vector& vector, const modbus::Reply& reply) {
  static const std::regex figure{
      "(-?[0-9]+(?:\\.[0-9]+)?) ?(?:(?:°)?C\\b|%|rpm\\b|mV\\b|V\\b|RH\\b)"};
  const auto& text = vector.meaning;
  for (std::sregex_iterator it{text.begin(), text.end(), figure}, end; it != end; ++it) {
    const double wanted = std::stod((*it)[1].str());
    const bool there = std::ranges::any_of(reply.values, [&](std::uint16_t value) {
      const auto with_sign = static_cast<std::int16_t>(value);
      return std::ranges::any_of(std::initializer_list<double>{1, 10, 100, 1000}, [&](double by) {
        const auto is = [&](double v) { return v / by > wanted - 1e-9 && v / by < wanted + 1e-9; };
        return is(value) || is(with_sign);
      });
    });
    CHECK_MESSAGE(there, (*it)[0].str());
  }
}

}  // namespace

Outcome modbus_request(const Vector& vector) {
  Outcome out;
  const auto frame = frame_of(vector, out);
  if (!frame) return out;
  if (frame->pdu.empty()) return refused("no function");
  out.taken = true;
  out.tells = {"function:"};
  const auto function = frame->pdu[0];
  out.add(fmt::format("function:{}", function));
  // What writes cannot be encoded at all.
  if (frame->pdu.size() != 5) {
    if (function >= 1 && function <= 4) return refused("a question of another length");
    return out;
  }
  const auto question = question_of(function, word_at(frame->pdu, 1), word_at(frame->pdu, 3));
  if (!question) return out;
  CHECK(vector.bytes == (frame->tcp ? modbus::encode_tcp(*question, frame->unit, frame->transaction)
                                    : modbus::encode_rtu(*question, frame->unit)));
  return out;
}

Outcome modbus_reply(const Vector& vector) {
  Outcome out;
  const auto frame = frame_of(vector, out);
  if (!frame) return out;
  const auto& pdu = frame->pdu;
  if (pdu.size() < 2) return refused("no answer");
  const auto function = static_cast<std::uint8_t>(pdu[0] & 0x7f);
  const bool exception = (pdu[0] & 0x80) != 0;
  out.tells = {"function:", "exception"};
  out.add(fmt::format("function:{}", function));
  if (exception) {
    if (pdu.size() != 2) return refused("an exception of another length");
    out.add("exception");
    out.tells.emplace_back("name:");
    auto name = plain_words(modbus::exception_name(pdu[1]));
    std::ranges::replace(name, ' ', '_');
    out.add("name:" + name);
    out.figures = {fmt::format("exception={}", pdu[1]), fmt::format("code={}", pdu[1])};
  }
  // Answers to what we never ask: their frame is all there is to hold.
  if (function < 1 || function > 4) {
    out.taken = true;
    return out;
  }
  // The question that it answers: as many values as it has.
  const auto bytes = exception ? 2U : pdu[1];
  const auto count = function <= 2 ? bytes * 8U : bytes / 2U;
  const auto question = question_of(function, 0, static_cast<std::uint16_t>(count));
  if (!question) return refused("no values");
  const auto reply = decoded(*frame, vector.bytes, *question);
  if (!reply) return refused("the decoder takes it for no answer");
  out.taken = true;
  CHECK(reply->exception == (exception ? pdu[1] : 0));
  if (!exception) {
    CHECK(reply->values.size() == count);
    if (function >= 3) hold_figures(vector, *reply);
  }
  for (std::size_t bit = 0; bit < vector.bytes.size() * 8 && !frame->tcp; ++bit) {
    auto damaged = vector.bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    CAPTURE(bit);
    CHECK_FALSE(decoded(*frame, damaged, *question).has_value());
  }
  return out;
}

// ---- NUT ----------------------------------------------------------------------------------------

Outcome nut_request(const Vector& vector) {
  std::string line{vector.bytes.begin(), vector.bytes.end()};
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  const auto words = nut::words_of(line);
  if (!words) return refused(words.error().text());
  Outcome out;
  out.taken = !words->empty();
  out.tells = {"question:"};
  if (out.taken) out.add("question:" + words->front());
  return out;
}

Outcome nut_reply(const Vector& vector) {
  std::string text{vector.bytes.begin(), vector.bytes.end()};
  const bool ended = text.ends_with('\n');
  if (vector.broken() && !ended) return refused("no line");
  if (!ended) text += '\n';
  Outcome out;
  std::vector<std::vector<std::string>> rows;
  if (text.starts_with("BEGIN LIST ")) {
    const auto first = text.substr(11, text.find_first_of("\r\n") - 11);
    auto listing = nut::ListingReader{first}.take(text);
    if (!listing) return refused(listing.error().text());
    if (!*listing) return refused("no end of the list");
    rows = std::move((**listing).rows);
  } else if (text.starts_with("ERR ")) {
    const auto listing = nut::ListingReader{"VAR ups"}.take(text);
    if (!listing) return refused(listing.error().text());
    REQUIRE(bool(*listing));
    out.taken = true;
    out.tells = {"error:", "ups-"};
    out.add("error:" + (**listing).error);
    const auto& error = (**listing).error;
    const bool silent = error == "DATA-STALE" || error == "DRIVER-NOT-CONNECTED";
    if (silent) add_facts(nut::unreachable(error), out);
    return out;
  } else {
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      auto line = text.substr(at, end - at);
      if (line.ends_with('\r')) line.pop_back();
      auto words = nut::words_of(line);
      if (!words) return refused(words.error().text());
      if (words->empty()) return refused("an empty line");
      rows.push_back(std::move(*words));
      at = end + 1;
    }
  }
  out.taken = true;
  nut::Variables variables;
  for (const auto& row : rows) {
    if (row.size() == 4 && row[0] == "VAR") variables[row[2]] = row[3];
  }
  for (const auto& [variable, value] : variables) {
    out.figures.push_back(variable + "=" + value);
    const auto quoted = vector.meaning.find('"');
    if (variables.size() == 1 && quoted != std::string::npos && vector.meaning.ends_with('"')) {
      CHECK(vector.meaning.substr(quoted + 1, vector.meaning.size() - quoted - 2) == value);
    }
  }
  if (!variables.contains("ups.status")) return out;
  add_facts(nut::status_of(variables), out);
  out.tells = {"mains", "battery", "ups-", "output:", "device:"};
  return out;
}

}  // namespace kw::drivers
