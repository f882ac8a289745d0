#include "agent/bundle/mask.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace kw::agent {
namespace {

constexpr std::string_view masked = "***";
constexpr std::array<std::string_view, 7> secret_words{
    "password", "passwd", "passphrase", "secret", "token", "community", "credential"};
constexpr std::string_view token_start = "kw1-";

bool in_key(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
         c == '"' || c == '\'';
}

bool speaks_of_secret(std::string_view key) {
  std::string lower;
  for (const char c : key) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::ranges::any_of(secret_words,
                             [&](std::string_view word) { return lower.find(word) != lower.npos; });
}

/// Where the quoted text that begins at `at` ends: past its closing quote, or the text's end.
std::size_t past_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const auto triple = std::string(3, quote);
  const bool many = text.substr(at, 3) == triple;
  for (auto i = at + (many ? 3 : 1); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (many && text.substr(i, 3) == triple) {
      return i + 3;
    } else if (!many && (text[i] == quote || text[i] == '\n')) {
      return text[i] == quote ? i + 1 : i;
    }
  }
  return text.size();
}

/// Where the value that begins at `at` ends.
std::size_t past_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"' || text[at] == '\'') return past_quoted(text, at);
  if (text[at] != '[' && text[at] != '{') {
    return std::min(text.find_first_of(",}]#\r\n", at), text.size());
  }
  int depth = 0;
  for (auto i = at; i < text.size();) {
    if (text[i] == '"' || text[i] == '\'') {
      i = past_quoted(text, i);
      continue;
    }
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') --depth;
    ++i;
    if (depth == 0) return i;
  }
  return text.size();
}

/// A value with the user of its address masked. Up to the last '@' whatever stands before it: a
/// password with a '/' is a mistake in an address, and a password all the same.
std::string mask_user(std::string_view value) {
  const auto scheme = value.find("://");
  const auto at = value.rfind('@');
  if (scheme == value.npos || at == value.npos || at < scheme) return std::string{value};
  std::string out{value.substr(0, scheme + 3)};
  return out.append(masked).append(value.substr(at));
}

/// Masks the values of a text, or of one comment's inside.
std::string mask_values(std::string_view text, bool comment = false) {
  std::string out;
  std::string key;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '#' && !comment) {
      // A comment is text of its own: an apostrophe in it opens nothing behind it.
      const auto end = std::min(text.find('\n', i), text.size());
      out += '#';
      out += mask_values(text.substr(i + 1, end - i - 1), true);
      i = end;
      key.clear();
    } else if (c == '=') {
      out += c;
      ++i;
      while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) out += text[i++];
      const auto end = past_value(text, i);
      if (speaks_of_secret(key)) {
        out.append("\"").append(masked).append("\"");
        i = end;
      } else if (i < text.size() && (text[i] == '"' || text[i] == '\'')) {
        out += mask_user(text.substr(i, end - i));
        i = end;
      }
      key.clear();
    } else if (in_key(c)) {
      key += c;
      out += c;
      ++i;
    } else {
      if (c != ' ' && c != '\t') key.clear();
      out += c;
      ++i;
    }
  }
  return out;
}

/// Up to where an address's authority reaches.
std::size_t authority_end(std::string_view text, std::size_t from) {
  return std::min(text.find_first_of("/ \t\r\n\"'<>,", from), text.size());
}

}  // namespace

std::string mask_line(std::string_view line) {
  std::string out;
  std::size_t done = 0;
  for (auto at = line.find("://"); at != line.npos; at = line.find("://", at + 3)) {
    const auto begin = at + 3;
    const auto end = authority_end(line, begin);
    const auto user = line.substr(begin, end - begin).rfind('@');
    if (user == line.npos) continue;
    out.append(line.substr(done, begin - done)).append(masked);
    done = begin + user;
  }
  out.append(line.substr(done));
  for (auto at = out.find(token_start); at != out.npos; at = out.find(token_start, at)) {
    auto end = at;
    while (end < out.size() && in_key(out[end]) && out[end] != '"' && out[end] != '\'') ++end;
    out.replace(at, end - at, masked);
  }
  // SNMP's password, in an address: snmp://host?version=1&community=…
  constexpr std::string_view community = "community=";
  for (auto at = out.find(community); at != out.npos; at = out.find(community, at)) {
    at += community.size();
    const char before = at == community.size() ? ' ' : out[at - community.size() - 1];
    if (before != '?' && before != '&') continue;
    const auto end = std::min(out.find_first_of("& \t\r\n\"'<>", at), out.size());
    out.replace(at, end - at, masked);
  }
  return out;
}

std::string mask_configuration(std::string_view toml) { return mask_line(mask_values(toml)); }

}  // namespace kw::agent
