#include "common/link/ticket_keys.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

#include <openssl/crypto.h>

#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"

namespace kw::link {
namespace {

constexpr std::string_view heading = "kioskwatch-ticket-keys 1";

template <std::size_t N>
bool take(std::istream& line, std::array<unsigned char, N>& into) {
  std::string hex;
  line >> hex;
  auto bytes = identity::from_hex(hex);
  identity::wipe(hex);
  if (!bytes || bytes->size() != N) return false;
  std::memcpy(into.data(), bytes->data(), N);
  identity::wipe(*bytes);
  return true;
}

template <std::size_t N>
std::string hex(const std::array<unsigned char, N>& bytes) {
  return identity::to_hex({reinterpret_cast<const char*>(bytes.data()), N});
}

template <std::size_t N>
void fill(std::array<unsigned char, N>& bytes) {
  auto random = identity::random_bytes(N);
  std::memcpy(bytes.data(), random.data(), N);
  identity::wipe(random);
}

/// A clock that was set back makes keys of the future: they age all the same.
Duration age(const TicketKeys::Key& key, WallTime now) {
  return now >= key.made ? now - key.made : key.made - now;
}

}  // namespace

Result<TicketKeys> TicketKeys::open(const std::filesystem::path& file, WallTime now) {
  TicketKeys keys;
  keys.file_ = file;
  if (!file.empty()) {
    auto text = platform::read_file(file);
    if (text) {
      keys.read(*text);
      identity::wipe(*text);
    } else if (text.error().code() != Errc::missing) {
      return std::move(text).error().within("ticket keys");
    }
  }
  const bool fresh = !keys.keys_.empty() && age(keys.keys_.back(), now) < seals_for;
  if (!fresh) {
    auto made = keys.rotate(now);
    if (!made) return Error{Errc::storage, "ticket keys: " + made.error().text()};
  }
  return keys;
}

TicketKeys::~TicketKeys() {
  for (auto& key : keys_) OPENSSL_cleanse(&key, sizeof key);
}

void TicketKeys::read(const std::string& text) {
  std::istringstream lines{text};
  std::string line;
  bool ok = std::getline(lines, line) && line == heading;
  while (ok && std::getline(lines, line)) {
    std::istringstream words{line};
    std::int64_t made = 0;
    Key key;
    ok =
        (words >> made) && take(words, key.name) && take(words, key.cipher) && take(words, key.mac);
    key.made = wall_from(made);
    if (ok) keys_.push_back(key);
  }
  identity::wipe(line);
  if (!ok) {
    keys_.clear();
    log::warning("ticket-keys-damaged", {{"file", file_.string()}});
  }
}

Result<void> TicketKeys::rotate(WallTime now) {
  std::erase_if(keys_, [now](const Key& key) { return age(key, now) >= opens_for; });
  Key key;
  key.made = now;
  fill(key.name);
  fill(key.cipher);
  fill(key.mac);
  keys_.push_back(key);
  OPENSSL_cleanse(&key, sizeof key);
  if (file_.empty()) return {};
  std::string text{heading};
  text += '\n';
  for (const auto& k : keys_) {
    text += std::to_string(micros(k.made));
    text.append(" ").append(hex(k.name));
    text.append(" ").append(hex(k.cipher));
    text.append(" ").append(hex(k.mac)).append("\n");
  }
  auto written = platform::write_file(file_, text, true);
  identity::wipe(text);
  return written;
}

const TicketKeys::Key& TicketKeys::current(WallTime now) {
  if (age(keys_.back(), now) >= seals_for) {
    auto made = rotate(now);
    // The new key serves from memory all the same: a full disk must not stop handshakes.
    if (!made) log::error("ticket-keys-unsaved", {{"reason", made.error()}});
  }
  return keys_.back();
}

const TicketKeys::Key* TicketKeys::find(const unsigned char* name, WallTime now) const {
  for (const auto& key : keys_) {
    if (std::memcmp(key.name.data(), name, key.name.size()) != 0) continue;
    return age(key, now) < opens_for ? &key : nullptr;
  }
  return nullptr;
}

}  // namespace kw::link
