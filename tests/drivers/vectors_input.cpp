// Keypads and scanners against their vectors.
#include <algorithm>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "drivers/keypad/zt588/frame.hpp"
#include "drivers/scanner/menu/menu.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// The text of a vector that is one frame to its last byte; one that differs by a bit is none.
std::string zt588_text(const Vector& vector) {
  const auto piece = zt588::first_piece(vector.bytes);
  REQUIRE((piece.kind == zt588::Piece::Kind::frame) == !vector.broken());
  if (vector.broken()) return {};
  CHECK(piece.length == vector.bytes.size());
  for (std::size_t bit = 8; bit < vector.bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    auto damaged = vector.bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    const bool letter_case = bit / 8 + 2 >= damaged.size() && bit % 8 == 5;
    if (!letter_case) CHECK(zt588::first_piece(damaged).kind != zt588::Piece::Kind::frame);
  }
  return {piece.text.begin(), piece.text.end()};
}

const menu::Dialect& dialect_of(const Vector& vector) {
  const auto dialects = menu::dialects();
  const bool newland = vector.device.find("Newland") != std::string::npos;
  return *std::ranges::find(dialects, newland ? "newland" : "honeywell", &menu::Dialect::name);
}

}  // namespace

void zt588_request(const Vector& vector) {
  const auto text = zt588_text(vector);
  if (!vector.broken()) CHECK(zt588::encode(text) == vector.bytes);
}

/// A reply, or an echo or key presses that are no frame.
void zt588_reply(const Vector& vector) {
  if (vector.bytes.front() != 0x02) {
    CHECK(zt588::first_piece(vector.bytes).kind == zt588::Piece::Kind::key);
    return;
  }
  const auto text = zt588_text(vector);
  if (vector.broken()) return;
  const auto reply = zt588::decode(Bytes{text.begin(), text.end()});
  const bool error = !text.empty() && (text[0] & 0xf0) == 0xe0;
  if (error) {
    REQUIRE(bool(reply));
    CHECK(reply->error == static_cast<std::uint8_t>(text[0]));
  } else if (reply) {
    CHECK(reply->error == 0);
  }
}

/// A question is encoded byte for byte; what would write a setting cannot be encoded at all.
void scanner_request(const Vector& vector) {
  const auto& dialect = dialect_of(vector);
  std::string text{vector.bytes.begin(), vector.bytes.end()};
  REQUIRE(text.starts_with(dialect.prefix) == !vector.broken());
  if (vector.broken()) return;
  text.erase(0, dialect.prefix.size());
  REQUIRE(text.ends_with(dialect.suffix));
  text.resize(text.size() - dialect.suffix.size());
  REQUIRE(text.size() > 1);
  const char storage = dialect.storage_first ? text.front() : text.back();
  CHECK(dialect.storages.find(storage) != std::string::npos);
  text.erase(dialect.storage_first ? text.begin() : text.end() - 1);
  const auto made = menu::encode(dialect, text, storage);
  if (dialect.query_letters.find(text.back()) == std::string::npos) {
    CHECK_FALSE(bool(made));
  } else {
    REQUIRE_MESSAGE(bool(made), made.error().text());
    CHECK(*made == vector.bytes);
  }
}

void scanner_reply(const Vector& vector) {
  const auto& dialect = dialect_of(vector);
  const std::string text{vector.bytes.begin(), vector.bytes.end()};
  const auto before = dialect.reply_prefix.size() + (dialect.storage_first ? 1 : 0);
  REQUIRE(text.size() > before + 3);
  const auto query = text.substr(before, 3);
  const auto find = [&](const std::string& in) {
    return menu::find_reply(dialect, query, Bytes{in.begin(), in.end()});
  };
  const auto found = find(text);
  REQUIRE((found.kind == menu::Found::Kind::reply) == !vector.broken());
  if (vector.broken()) return;
  CHECK(found.skip == text.size());
  std::size_t at = before;
  for (const auto& item : found.items) {
    CHECK(text.compare(at, item.text.size(), item.text) == 0);
    constexpr std::string_view verdicts{"\x06\x15\x05"};
    CHECK(text[at + item.text.size()] == verdicts[static_cast<std::size_t>(item.verdict)]);
    at += item.text.size() + 2;
  }
  for (std::size_t n = 0; n < text.size(); ++n) {
    CAPTURE(n);
    CHECK(find(text.substr(0, n)).kind != menu::Found::Kind::reply);
  }
  CHECK(find("6901234567892\r\n" + text).items == found.items);
}

}  // namespace kw::drivers
