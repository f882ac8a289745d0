#include "drivers/ports/snmp_address.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "common/filled.hpp"
#include "common/platform/files.hpp"
#include "drivers/ports/messages.hpp"

namespace kw::drivers {
namespace {

constexpr std::size_t longest_community = 255;
constexpr std::size_t longest_user = 32;         // RFC 3414, section 5, usmUserSecurityName
constexpr std::size_t shortest_passphrase = 8;   // RFC 3414, section 11.2
constexpr std::size_t longest_passphrase = 255;  // nobody types more
constexpr std::string_view unproved = "noAuthNoPriv";

constexpr std::array<std::string_view, 3> versions{"1", "2c", "3"};
constexpr std::array<std::string_view, 3> levels{unproved, "authNoPriv", "authPriv"};
constexpr std::array<std::string_view, 5> auths{"SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"};
constexpr std::array<std::string_view, 2> privacies{"AES", "DES"};

bool is_one_of(std::string_view value, std::span<const std::string_view> words) {
  return std::ranges::find(words, value) != words.end();
}

bool printable(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string list_of(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

Bilingual not_one_of(std::string_view name, std::string_view value,
                     std::span<const std::string_view> words) {
  return filled(message::not_one_of, name, value, list_of(words));
}

/// The first option that is not among `known`.
const std::string* stranger(const SnmpOptions& options, std::span<const std::string_view> known) {
  const auto at = std::ranges::find_if(
      options, [&](const auto& option) { return !is_one_of(option.first, known); });
  return at == options.end() ? nullptr : &at->first;
}

std::optional<Bilingual> complete_community(SnmpOptions& options) {
  constexpr std::array<std::string_view, 2> known{"community", "version"};
  if (const auto* name = stranger(options, known)) {
    return filled(message::unknown_option, *name, list_of(known));
  }
  const auto community = options.try_emplace("community", "public").first;
  if (printable(community->second, 1, longest_community)) return std::nullopt;
  return message::bad_community;
}

std::optional<Bilingual> check_proof(SnmpOptions& options, bool hidden) {
  const auto& auth = options.try_emplace("auth", "SHA").first->second;
  if (auth == "MD5") return message::no_md5;
  if (!is_one_of(auth, auths)) return not_one_of("auth", auth, auths);
  if (hidden) {
    const auto& privacy = options.try_emplace("privacy", "AES").first->second;
    if (!is_one_of(privacy, privacies)) return not_one_of("privacy", privacy, privacies);
  }
  const auto secrets = options.find("secrets");
  if (secrets == options.end()) return message::no_secrets;
  if (!secrets->second.starts_with('/')) return message::secrets_path;
  return std::nullopt;
}

std::optional<Bilingual> complete_user(SnmpOptions& options) {
  const auto& level = options.try_emplace("level", "authPriv").first->second;
  if (!is_one_of(level, levels)) return not_one_of("level", level, levels);
  const bool proved = level != unproved;
  const bool hidden = level == "authPriv";
  std::vector<std::string_view> known{"version", "user", "level", "context"};
  if (proved) known.insert(known.end(), {"auth", "secrets"});
  if (hidden) known.push_back("privacy");
  if (const auto* name = stranger(options, known)) {
    return filled(message::unknown_v3_option, *name, level, list_of(known));
  }
  if (!printable(options["user"], 1, longest_user)) return message::bad_user;
  if (!printable(options["context"], 0, longest_user)) return message::bad_context;
  return proved ? check_proof(options, hidden) : std::nullopt;
}

Error bad_secrets(std::string_view what) {
  return Error{Errc::invalid, fmt::format("file of passphrases: {}", what)};
}

Error in_file(const Error& error, const std::string& file) {
  return Error{error.code(), fmt::format("{}: {}", file, error.text())};
}

}  // namespace

SnmpSecrets::~SnmpSecrets() {
  OPENSSL_cleanse(auth.data(), auth.size());
  OPENSSL_cleanse(privacy.data(), privacy.size());
}

std::optional<Bilingual> complete_snmp_options(SnmpOptions& options, bool v3_built_in) {
  const auto& version = options.try_emplace("version", "2c").first->second;
  if (!is_one_of(version, versions)) return not_one_of("version", version, versions);
  if (version != "3") return complete_community(options);
  if (!v3_built_in) return message::no_snmp_v3;
  return complete_user(options);
}

SnmpUser snmp_user(const SnmpOptions& options) {
  const auto text = [&](std::string_view name) {
    const auto at = options.find(name);
    return at == options.end() ? std::string{} : at->second;
  };
  SnmpUser out{.name = text("user"),
               .auth = text("auth"),
               .privacy = text("privacy"),
               .context = text("context"),
               .secrets = text("secrets")};
  const auto level = std::ranges::find(levels, text("level")) - levels.begin();
  out.level = static_cast<SnmpUser::Level>(level);
  return out;
}

Result<SnmpSecrets> parse_snmp_secrets(std::string_view text, SnmpUser::Level level) {
  SnmpSecrets out;
  // Room from the start: moving or growing leaves no copy behind.
  out.auth.reserve(longest_passphrase);
  out.privacy.reserve(longest_passphrase);
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = std::min(line.find('='), line.size());
    const auto name = line.substr(0, equals);
    auto* const into = name == "auth" ? &out.auth : name == "privacy" ? &out.privacy : nullptr;
    if (into == nullptr || equals == line.size()) {
      return bad_secrets(fmt::format("line {} is neither auth=… nor privacy=…", number));
    }
    if (!into->empty()) return bad_secrets(fmt::format("line {}: {} again", number, name));
    const auto size = line.size() - equals - 1;
    if (size < shortest_passphrase || size > longest_passphrase) {
      return bad_secrets(
          fmt::format("line {}: a passphrase has 8 to 255 characters (RFC 3414)", number));
    }
    *into = line.substr(equals + 1);
  }
  if (level != SnmpUser::Level::no_auth_no_priv && out.auth.empty()) {
    return bad_secrets("no line auth=…");
  }
  if (level == SnmpUser::Level::auth_priv && out.privacy.empty()) {
    return bad_secrets("no line privacy=…");
  }
  return out;
}

Result<SnmpSecrets> read_snmp_secrets(const SnmpUser& user) {
  if (user.secrets.empty()) return SnmpSecrets{};
  namespace fs = std::filesystem;
  std::error_code failed;
  const auto rights = fs::status(platform::path_of(user.secrets), failed).permissions();
  constexpr auto others = fs::perms::group_all | fs::perms::others_all;
  if (!failed && rights != fs::perms::unknown && (rights & others) != fs::perms::none) {
    return Error{Errc::refused, user.secrets + ": others may read or change it; chmod 600"};
  }
  auto text = platform::read_file(platform::path_of(user.secrets));
  if (!text) return std::move(text).error();
  auto out = parse_snmp_secrets(*text, user.level);
  OPENSSL_cleanse(text->data(), text->size());
  if (!out) return in_file(out.error(), user.secrets);
  return out;
}

}  // namespace kw::drivers
