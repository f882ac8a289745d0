#include "agent/bundle/mask.hpp"

#include <algorithm>
#include <cctype>

#include "common/secret_names.hpp"

namespace kw::agent {
namespace {

constexpr std::string_view masked = "***";
constexpr std::string_view token_start = "kw1-";

bool in_key(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
         c == '"' || c == '\'';
}

/// A key as it is called; in TOML it may stand in quotes.
std::string_view unquoted(std::string_view key) {
  while (!key.empty() && (key.front() == '"' || key.front() == '\'')) key.remove_prefix(1);
  while (!key.empty() && (key.back() == '"' || key.back() == '\'')) key.remove_suffix(1);
  return key;
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
      if (names_a_secret(unquoted(key))) {
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

bool in_name(char c) { return in_key(c) && c != '"' && c != '\''; }

/// Of a line, where no more is known of a name than what stands behind it. Where a secret's file is
/// stays readable, in a port's option too (drivers/ports/snmp_address.hpp).
bool is_secret_in_line(std::string_view name) {
  return names_a_secret(name) && !name.ends_with("_file") && name != "secrets";
}

/// Where the value that begins at `from` ends: where an address's option does, or at the closing
/// quote if it has one: `quote`, behind a backslash in a text inside of a JSON text.
std::size_t value_end(std::string_view line, std::size_t from, std::string_view quote) {
  const auto ends = quote.empty() ? "& \t\r\n\"'<>" : quote.substr(quote.size() - 1);
  for (auto at = line.find_first_of(ends, from); at < line.size();
       at = line.find_first_of(ends, at + 1)) {
    std::size_t slashes = 0;
    while (at - slashes > from && line[at - slashes - 1] == '\\') ++slashes;
    // The text around it takes one of two, and one for the quote.
    if (quote.empty()) return line[at] == '"' && slashes % 2 == 1 ? at - 1 : at;
    if (quote.size() == 1 && slashes % 2 == 0) return at;
    if (quote.size() == 2 && slashes % 4 == 1) return at - 1;
  }
  return line.size();
}

/// The values of NAME=VALUE, as an option or by itself, and of JSON's "NAME":"VALUE" where the name
/// is a secret's.
std::string mask_named(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size();) {
    const auto begin = i;
    while (i < line.size() && in_name(line[i])) ++i;
    const auto name = line.substr(begin, i - begin);
    out += name;
    if (i == line.size()) break;
    const auto rest = line.substr(i);
    std::string_view mark;
    for (const std::string_view one : {"=\\\"", "=\"", "='", "=", "\":\"", "\": \"", "\\\":\\\""}) {
      if (mark.empty() && rest.starts_with(one)) mark = one;
    }
    if (mark.empty() || !is_secret_in_line(name)) {
      out += line[i++];
      continue;
    }
    out += mark;
    const auto from = i + mark.size();
    const auto quote = mark == "="              ? ""
                       : mark.ends_with("\\\"") ? "\\\""
                                                : mark.substr(mark.size() - 1);
    i = value_end(line, from, quote);
    if (i > from) out += masked;
  }
  return out;
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
  return mask_named(out);
}

std::string mask_configuration(std::string_view toml) { return mask_line(mask_values(toml)); }

}  // namespace kw::agent
