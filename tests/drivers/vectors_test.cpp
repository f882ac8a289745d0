// Published byte vectors, each through the encoder or decoder of its device. KW_VECTORS=FILE holds
// another file of the same form against them.
#include "tests/drivers/vectors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

namespace kw::drivers {
namespace {

constexpr std::array rules{
    VectorRule{"SAM-V", sdt_request, sdt_reply},
    VectorRule{"(02)", crt310_request, crt310_reply},
    VectorRule{"(F2)", f2_request, f2_reply},
    VectorRule{"ZT588", zt588_request, zt588_reply},
    VectorRule{"Newland", scanner_request, scanner_reply},
    VectorRule{"Honeywell", scanner_request, scanner_reply},
};

const VectorRule* rule_for(const Vector& vector) {
  const auto it = std::ranges::find_if(rules, [&](const VectorRule& rule) {
    return vector.device.find(rule.device) != std::string::npos;
  });
  return it == rules.end() ? nullptr : &*it;
}

/// How many rows were held against a rule.
std::size_t hold(const std::filesystem::path& file) {
  std::size_t held = 0;
  for (const auto& vector : read_vectors(file)) {
    CAPTURE(vector.id);
    CAPTURE(vector.meaning);
    const auto* rule = rule_for(vector);
    REQUIRE_MESSAGE(rule != nullptr, "no rule for device " << vector.device);
    const auto check = vector.to_device ? rule->request : rule->reply;
    if (check == nullptr) continue;
    check(vector);
    ++held;
  }
  return held;
}

}  // namespace

bool Vector::broken() const {
  auto text = meaning;
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  constexpr std::array words{"not well formed", "malformed", "corrupt", "bad checksum",
                             "wrong checksum"};
  return std::ranges::any_of(
      words, [&](const char* word) { return text.find(word) != std::string::npos; });
}

std::vector<Vector> read_vectors(const std::filesystem::path& file) {
  std::vector<Vector> out;
  std::ifstream in{file};
  REQUIRE_MESSAGE(bool(in), file.string());
  std::string line;
  std::getline(in, line);
  CHECK(line.starts_with("id\tdevice\tdir\tbytes_hex\tmeaning"));
  while (std::getline(in, line)) {
    if (line.empty()) continue;
    CAPTURE(line);
    std::istringstream columns{line};
    Vector row;
    std::string direction;
    std::string bytes;
    std::getline(columns, row.id, '\t');
    std::getline(columns, row.device, '\t');
    std::getline(columns, direction, '\t');
    std::getline(columns, bytes, '\t');
    std::getline(columns, row.meaning, '\t');
    row.to_device = direction == "host>dev";
    CHECK((row.to_device || direction == "dev>host"));
    std::istringstream words{bytes};
    for (std::string word; words >> word;) {
      unsigned value = 0;
      const auto read = std::from_chars(word.data(), word.data() + word.size(), value, 16);
      CHECK((read.ec == std::errc{} && read.ptr == word.data() + word.size() && value < 256));
      row.bytes.push_back(static_cast<std::uint8_t>(value));
    }
    CHECK_FALSE(row.bytes.empty());
    out.push_back(std::move(row));
  }
  return out;
}

TEST_CASE("vectors: every published vector passes through its device's encoder or decoder") {
  CHECK(hold(KW_VECTORS_FILE) == 49);
  const char* other = std::getenv("KW_VECTORS");
  if (other != nullptr && *other != '\0') CHECK(hold(other) > 0);
}

}  // namespace kw::drivers
