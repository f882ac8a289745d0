// Keypads and scanners against their vectors.
#include <algorithm>
#include <optional>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/keypad/zt588/frame.hpp"
#include "drivers/scanner/menu/menu.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// The text of a vector that is one frame to its last byte; one that differs by a bit is none.
std::optional<Bytes> zt588_text(const Vector& vector, Outcome& out) {
  const auto piece = zt588::first_piece(vector.bytes);
  out.part = piece.kind == zt588::Piece::Kind::part;
  if (piece.kind != zt588::Piece::Kind::frame || piece.length != vector.bytes.size()) {
    out.why = "no whole frame";
    return std::nullopt;
  }
  for (std::size_t bit = 8; bit < vector.bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    auto damaged = vector.bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    const bool letter_case = bit / 8 + 2 >= damaged.size() && bit % 8 == 5;
    if (!letter_case) CHECK(zt588::first_piece(damaged).kind != zt588::Piece::Kind::frame);
  }
  return Bytes{piece.text.begin(), piece.text.end()};
}

/// Rows of "Mindeo or Honeywell style" are the same on the wire but for the storage character.
const menu::Dialect& dialect_of(const Vector& vector) {
  const auto dialects = menu::dialects();
  const bool by_bytes = vector.bytes.front() == 0x7e || vector.bytes.front() == 0x02;
  const bool newland = by_bytes || has_word(plain_words(vector.device), "newland");
  return *std::ranges::find(dialects, newland ? "newland" : "honeywell", &menu::Dialect::name);
}

}  // namespace

Outcome zt588_request(const Vector& vector) {
  Outcome out;
  const auto text = zt588_text(vector, out);
  if (!text) return out;
  out.taken = true;
  out.tells = {"command:"};
  const std::string words{text->begin(), text->end()};
  out.add("command:" + words);
  CHECK(zt588::encode(words) == vector.bytes);
  return out;
}

/// A reply, or an echo or key presses that are no frame.
Outcome zt588_reply(const Vector& vector) {
  Outcome out;
  out.tells = {"keys", "error:", "blank", "input"};
  if (vector.bytes.front() != 0x02) {
    CHECK(zt588::first_piece(vector.bytes).kind == zt588::Piece::Kind::key);
    out.taken = !vector.broken();
    out.add("keys");
    return out;
  }
  const auto text = zt588_text(vector, out);
  if (!text) return out;
  out.taken = true;
  const auto reply = zt588::decode(*text);
  const bool error = !text->empty() && ((*text)[0] & 0xf0) == 0xe0;
  if (error) {
    REQUIRE(bool(reply));
    CHECK(reply->error == (*text)[0]);
    out.add(fmt::format("error:{:02x}", reply->error));
  } else if (reply) {
    CHECK(reply->error == 0);
    if (reply->information.blank) out.add("blank");
    if (reply->information.input_enabled) out.add("input");
  } else {
    out.tells = {"keys", "error:"};  // a short answer to another command
  }
  return out;
}

/// A question is encoded byte for byte; what would write a setting cannot be encoded at all.
Outcome scanner_request(const Vector& vector) {
  const auto& dialect = dialect_of(vector);
  std::string text{vector.bytes.begin(), vector.bytes.end()};
  if (!text.starts_with(dialect.prefix)) return refused("another prefix");
  text.erase(0, dialect.prefix.size());
  if (!text.ends_with(dialect.suffix)) return refused("no suffix");
  text.resize(text.size() - dialect.suffix.size());
  if (text.size() < 2) return refused("no command");
  const char storage = dialect.storage_first ? text.front() : text.back();
  if (dialect.storages.find(storage) == std::string::npos) return refused("no storage");
  text.erase(dialect.storage_first ? text.begin() : text.end() - 1);
  Outcome out;
  out.taken = true;
  out.tells = {"query"};
  const auto made = menu::encode(dialect, text, storage);
  if (dialect.query_letters.find(text.back()) == std::string::npos) {
    CHECK_FALSE(bool(made));
  } else {
    out.add("query");
    CHECK_MESSAGE(bool(made), made.error().text());
    if (made) CHECK(*made == vector.bytes);
  }
  return out;
}

Outcome scanner_reply(const Vector& vector) {
  const auto& dialect = dialect_of(vector);
  const std::string text{vector.bytes.begin(), vector.bytes.end()};
  const auto before = dialect.reply_prefix.size() + (dialect.storage_first ? 1 : 0);
  if (text.size() <= before + 3) return refused("too short");
  const auto query = text.substr(before, 3);
  const auto find = [&](const std::string& in) {
    return menu::find_reply(dialect, query, Bytes{in.begin(), in.end()});
  };
  const auto found = find(text);
  if (found.kind != menu::Found::Kind::reply || found.skip != text.size()) {
    Outcome out = refused("no whole reply");
    out.part = found.kind == menu::Found::Kind::part;
    return out;
  }
  Outcome out;
  out.taken = true;
  out.tells = {"verdict:"};
  std::size_t at = before;
  for (const auto& item : found.items) {
    CHECK(text.compare(at, item.text.size(), item.text) == 0);
    constexpr std::string_view verdicts{"\x06\x15\x05"};
    CHECK(text[at + item.text.size()] == verdicts[static_cast<std::size_t>(item.verdict)]);
    out.add(fmt::format("verdict:{}", static_cast<int>(item.verdict)));
    at += item.text.size() + 2;
    // "C11MIN12": the figure of "min".
    const auto digits = item.text.find_last_not_of("0123456789") + 1;
    if (digits >= 3 && digits < item.text.size()) {
      out.figures.push_back(plain_words(item.text.substr(digits - 3, 3)) + "=" +
                            item.text.substr(digits));
    }
  }
  for (std::size_t n = 0; n < text.size(); ++n) {
    CAPTURE(n);
    CHECK(find(text.substr(0, n)).kind != menu::Found::Kind::reply);
  }
  CHECK(find("6901234567892\r\n" + text).items == found.items);
  return out;
}

}  // namespace kw::drivers
