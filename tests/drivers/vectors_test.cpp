// Published byte vectors, each through the encoder or decoder of its device. KW_VECTORS=FILE holds
// another file of the same form against them.
#include "tests/drivers/vectors.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <doctest/doctest.h>

namespace kw::drivers {
namespace {

bool has_any_of(std::string_view text, std::string_view words) {
  while (!words.empty()) {
    const auto end = std::min(words.find('|'), words.size());
    if (has_word(text, words.substr(0, end))) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

/// By the device's column, or else by how the row's id begins.
const Family* family_of(const Vector& vector) {
  const auto device = plain_words(vector.device);
  const auto by_device = std::ranges::find_if(
      families(), [&](const Family& family) { return has_any_of(device, family.devices); });
  if (by_device != families().end()) return &*by_device;
  const auto id = plain_words(vector.id);
  const auto begins = id.substr(0, id.find(' '));
  const auto by_id = std::ranges::find_if(
      families(), [&](const Family& family) { return has_word(family.ids, begins); });
  return by_id == families().end() ? nullptr : &*by_id;
}

struct Count {
  std::size_t rows = 0;
  std::size_t broken = 0;  ///< refused, as they must be
  std::size_t words = 0;   ///< of meanings, held against what the decoder says
};

void hold(const Vector& vector, const Family& family, Count& count) {
  const auto outcome = (vector.to_device ? family.request : family.reply)(vector);
  CAPTURE(outcome.why);
  ++count.rows;
  if (vector.broken()) {
    CHECK_FALSE(outcome.taken);
    ++count.broken;
    return;
  }
  // The first bytes of a longer frame are a frame's beginning, and no more.
  const bool beginning = has_any_word(plain_words(vector.meaning), {"first", "beginning", "start"});
  CHECK((outcome.taken || (beginning && outcome.part)));
  count.words += hold_meaning(vector, family, outcome);
}

/// How many rows were held against a rule: all that the file has.
std::size_t hold(const std::filesystem::path& file) {
  std::map<std::string_view, Count> counts;
  const auto vectors = read_vectors(file);
  for (const auto& vector : vectors) {
    CAPTURE(vector.id);
    CAPTURE(vector.device);
    CAPTURE(vector.meaning);
    const auto* family = family_of(vector);
    CHECK_MESSAGE(family != nullptr, "no family for this device");
    if (family != nullptr) hold(vector, *family, counts[family->name]);
  }
  std::size_t rows = 0;
  for (const auto& [name, count] : counts) {
    MESSAGE(file.filename().string() << ": " << std::string{name} << ": " << count.rows
                                     << " rows, of them refused as they must be " << count.broken
                                     << "; words of meanings that hold: " << count.words);
    rows += count.rows;
  }
  CHECK(rows == vectors.size());
  return rows;
}

}  // namespace

TEST_CASE("vectors: every published vector passes through its device's encoder or decoder") {
  CHECK(hold(KW_VECTORS_FILE) >= 49);
}

TEST_CASE("vectors: those that the documents print, and more of every family") {
  CHECK(hold(std::filesystem::path{KW_VECTORS_FILE}.replace_filename("vectors_more.tsv")) >= 360);
}

TEST_CASE("vectors: another file of the same form, when KW_VECTORS names one") {
  const char* other = std::getenv("KW_VECTORS");
  if (other != nullptr && *other != '\0') CHECK(hold(other) > 0);
}

TEST_CASE("vectors: what a row says of its bytes, and what its bytes say, are told apart") {
  const auto broken = [](const char* meaning) {
    Vector row;
    row.meaning = meaning;
    return row.broken();
  };
  for (const char* meaning :
       {"bad BCC", "wrong CRC", "truncated", "bad length", "Invalid: LRC", "status, wrong checksum",
        "vendor pseudo-frame (10 bytes, NOT well formed)", "line noise", "CRC mismatch",
        "reply without ETX", "corrupted frame", "shorter than its own length", "garbled",
        "must be rejected", "LRC wrong", "BCC error", "length does not match", "incorrect XOR",
        "length too long"}) {
    CAPTURE(meaning);
    CHECK(broken(meaning));
  }
  for (const char* meaning :
       {"checksum error in request", "illegal data value", "length error", "command error",
        "noise before a whole frame", "communication error", "bad value", "invalid command",
        "wrong length in request", "first 10 bytes of SAM-id reply (16 data bytes)"}) {
    CAPTURE(meaning);
    CHECK_FALSE(broken(meaning));
  }
}

}  // namespace kw::drivers
