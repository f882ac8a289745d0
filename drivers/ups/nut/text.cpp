#include "drivers/ups/nut/text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kw::drivers::nut {
namespace {

constexpr std::size_t longest_line = 2048;
constexpr std::size_t most_words = 32;

/// Never the text itself: on a wrong port it may be a citizen's.
Error garbled(std::string_view what, std::string_view line) {
  return Error{Errc::garbled, fmt::format("{}: {} bytes", what, line.size())};
}

/// Whether `words` are "BEGIN LIST VAR name" or its END.
bool is_frame(const std::vector<std::string>& words, std::string_view which,
              std::string_view what) {
  if (words.size() < 3 || words[0] != which || words[1] != "LIST") return false;
  std::string said;
  for (std::size_t i = 2; i < words.size(); ++i) said += (i == 2 ? "" : " ") + words[i];
  return said == what;
}

}  // namespace

Result<std::vector<std::string>> words_of(std::string_view line) {
  if (line.size() > longest_line) return garbled("a line too long", line);
  std::vector<std::string> out;
  bool quoted = false;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\0') return garbled("a zero byte", line);
    // What a UPS says of itself may hold any (a TAB in its maker's name): no part of the text.
    if (static_cast<unsigned char>(c) < ' ') {
      if (!quoted) return garbled("a control character", line);
      continue;
    }
    if (c == ' ' && !quoted) {
      in_word = false;
      continue;
    }
    if (!in_word) {
      if (out.size() == most_words) return garbled("too many words", line);
      out.emplace_back();
      in_word = true;
    }
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\') {
      if (++i == line.size()) return garbled("nothing after a backslash", line);
      if (static_cast<unsigned char>(line[i]) >= ' ') out.back() += line[i];
    } else {
      out.back() += c;
    }
  }
  if (quoted) return garbled("a quote that does not close", line);
  return out;
}

Result<std::optional<Listing>> ListingReader::take(std::string_view arrived) {
  taken_ += arrived.size();
  if (taken_ > largest_answer) return garbled("an answer too long", arrived);
  while (!arrived.empty()) {
    const auto end = arrived.find('\n');
    rest_ += arrived.substr(0, end);
    if (rest_.size() > longest_line) return garbled("a line too long", rest_);
    if (end == std::string_view::npos) break;
    arrived.remove_prefix(end + 1);
    if (rest_.ends_with('\r')) rest_.pop_back();
    auto words = words_of(rest_);
    if (!words) return std::move(words).error();
    const bool refused = !begun_ && words->size() >= 2 && words->front() == "ERR";
    if (!begun_ && !refused && !is_frame(*words, "BEGIN", what_)) {
      return garbled("not an answer", rest_);
    }
    if (refused || is_frame(*words, "END", what_)) {
      if (!arrived.empty()) return garbled("more than one answer", arrived);
      if (refused) listing_.error = std::move((*words)[1]);
      return std::optional{std::move(listing_)};
    }
    if (begun_) listing_.rows.push_back(std::move(*words));
    begun_ = true;
    rest_.clear();
  }
  return std::optional<Listing>{};
}

bool is_ups_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, plain);
}

}  // namespace kw::drivers::nut
