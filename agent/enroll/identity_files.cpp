#include "agent/enroll/identity_files.hpp"

#include <system_error>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"

namespace kw::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{std::string_view{value->get_string()}};
}

/// Over everything that must belong together. A bit that falls over in a key or a certificate may
/// leave what still reads as one.
std::string check_of(const IdentityFiles& identity) {
  std::string all;
  for (const auto& part : {identity.server.text(), identity.terminal, identity.own.key_pem,
                           identity.own.chain_pem, identity.ca_pem}) {
    all.append(std::to_string(part.size())).append(" ").append(part);
  }
  auto out = identity::sha256_hex(all);
  identity::wipe(all);
  return out;
}

}  // namespace

Result<IdentityFiles> load_identity(const fs::path& data) {
  const auto folder = data / "identity";
  const auto fresh = data / "identity.new";
  std::error_code none;
  // Power went between the two renames of `save_identity`: the new one is complete, its last file
  // is there.
  if (!fs::exists(folder, none) && fs::exists(fresh / "enrolment.json", none)) {
    fs::rename(fresh, folder, none);
  }
  auto enrolment = platform::read_file(folder / "enrolment.json");
  if (!enrolment) return std::move(enrolment).error().within("identity");
  auto key = platform::read_file(folder / "key.pem");
  if (!key) return std::move(key).error().within("identity");
  auto chain = platform::read_file(folder / "chain.pem");
  if (!chain) return std::move(chain).error().within("identity");
  auto ca = platform::read_file(folder / "ca.pem");
  if (!ca) return std::move(ca).error().within("identity");
  json::error_code wrong;
  const auto parsed = json::parse(*enrolment, wrong);
  if (wrong || !parsed.is_object()) {
    return Error{Errc::invalid, "identity: enrolment.json is not a JSON object"};
  }
  auto server = link::Endpoint::parse(text_at(parsed.get_object(), "server"));
  if (!server) return std::move(server).error().within("identity: enrolment.json: server");
  IdentityFiles out;
  out.server = std::move(*server);
  out.terminal = text_at(parsed.get_object(), "terminal");
  out.own = {std::move(*chain), std::move(*key)};
  out.ca_pem = std::move(*ca);
  // Older agents wrote none.
  const auto check = text_at(parsed.get_object(), "check");
  if (!check.empty() && check != check_of(out)) {
    return Error{Errc::invalid, "identity: a file in " + folder.string() +
                                    " is damaged, or was put there by hand: enrol this kiosk again "
                                    "(kiosk-agent enroll --force)"};
  }
  return out;
}

Result<void> save_identity(const fs::path& data, const IdentityFiles& identity) {
  const auto folder = data / "identity";
  const auto fresh = data / "identity.new";
  std::error_code failed;
  fs::remove_all(fresh, failed);
  auto made = platform::make_folder(fresh, true);
  if (!made) return made;
  json::object enrolment;
  enrolment["server"] = identity.server.text();
  enrolment["terminal"] = identity.terminal;
  enrolment["check"] = check_of(identity);
  const struct {
    const char* name;
    const std::string bytes;
    bool secret;
  } files[] = {{"key.pem", identity.own.key_pem, true},
               {"chain.pem", identity.own.chain_pem, false},
               {"ca.pem", identity.ca_pem, false},
               {"enrolment.json", json::serialize(enrolment), false}};
  for (const auto& file : files) {
    auto written = platform::write_file(fresh / file.name, file.bytes, file.secret);
    if (!written) return written;
  }
  const auto old = data / "identity.old";
  if (fs::exists(folder, failed)) {
    fs::remove_all(old, failed);
    fs::rename(folder, old, failed);
    if (failed) return Error{Errc::storage, "cannot move the old identity: " + failed.message()};
  }
  fs::rename(fresh, folder, failed);
  // A running agent that looked in this moment has put it in place itself.
  std::error_code none;
  const bool in_place = !fs::exists(fresh, none) && fs::exists(folder / "enrolment.json", none);
  if (failed && !in_place)
    return Error{Errc::storage, "cannot put the new identity in place: " + failed.message()};
  return {};
}

}  // namespace kw::agent
