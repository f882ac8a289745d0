#include "agent/local_api/token.hpp"

#include <algorithm>

#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"
#include "common/platform/files.hpp"
#include "common/platform/shared_file.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t token_bytes = 32;

bool is_token(const std::string& text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 2 * token_bytes && std::ranges::all_of(text, hex);
}

}  // namespace

Result<std::string> token_in(const std::string& file, const std::string& readers) {
  const auto path = platform::path_of(file);
  auto found = platform::read_file(path);
  if (found) {
    while (found->ends_with('\n') || found->ends_with('\r')) found->pop_back();
    // Only what is a token for sure gets other rights: a path that was mistyped shares no secret.
    if (!is_token(*found)) return Error{Errc::invalid, file + ": no token in it"};
  } else {
    if (found.error().code() != Errc::missing) return std::move(found).error();
    found = identity::to_hex(identity::random_bytes(token_bytes));
    const auto written = platform::write_file(path, *found + "\n", true);
    if (!written) return written.error();
  }
  const auto shared = platform::share_file(path, readers);
  if (!shared) return shared.error();
  return found;
}

}  // namespace kw::agent
