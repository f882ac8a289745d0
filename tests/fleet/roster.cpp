#include "tests/fleet/roster.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "collector/accounts/authority_files.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"

namespace kw::fleet {
namespace {

namespace json = boost::json;

Result<Roster::Member> make_member(collector::SqliteStore& store,
                                   const collector::AuthorityFiles& authority,
                                   const std::string& code, WallTime now) {
  Roster::Member out{code, {}};
  auto key = identity::make_key();
  if (!key) return std::move(key).error();
  out.own.key_pem = std::move(*key);
  const auto csr = identity::make_csr(out.own.key_pem, code);
  if (!csr) return csr.error();
  const auto issued = identity::sign_kiosk(authority.issuer(), *csr, code, now);
  if (!issued) return issued.error();
  out.own.chain_pem = issued->certificate_pem + authority.issuer_pem();
  const auto terminal = store.make_terminal(code, now);
  store.put_certificate({.serial = issued->serial, .terminal = terminal, .terminal_code = code},
                        issued->not_after, now);
  return out;
}

}  // namespace

Result<Roster> enlist(const std::filesystem::path& collector, const std::string& prefix, int count,
                      const Clock& clock) {
  const auto authority = collector::AuthorityFiles::load(collector, clock);
  if (!authority) return authority.error();
  auto store = collector::SqliteStore::open(collector / "collector.db");
  if (!store) return std::move(store).error();
  Roster out;
  out.trust_pem = authority->trust_pem();
  std::optional<Error> wrong;
  const auto written = (*store)->transact([&] {
    for (int i = 1; i <= count && !wrong; ++i) {
      auto member =
          make_member(**store, *authority, fmt::format("{}-{:06}", prefix, i), clock.wall());
      if (!member) {
        wrong = member.error();
      } else {
        out.members.push_back(std::move(*member));
      }
    }
  });
  if (wrong) return std::move(*wrong);
  if (!written) return written.error();
  return out;
}

Result<void> save(const Roster& roster, const std::filesystem::path& file) {
  json::array members;
  for (const auto& m : roster.members) {
    members.push_back(
        json::object{{"code", m.code}, {"chain", m.own.chain_pem}, {"key", m.own.key_pem}});
  }
  const json::object all{{"trust", roster.trust_pem}, {"kiosks", std::move(members)}};
  return platform::write_file(file, json::serialize(all), true);
}

Result<Roster> load(const std::filesystem::path& file) {
  const auto text = platform::read_file(file);
  if (!text) return text.error();
  const auto wrong = [&](const std::string& why) {
    return Error{Errc::invalid, file.string() + " is no roster of kiosk-fleet: " + why};
  };
  boost::system::error_code bad;
  const auto all = json::parse(*text, bad);
  if (bad) return wrong(bad.message());
  try {
    Roster out;
    out.trust_pem = json::value_to<std::string>(all.at("trust"));
    for (const auto& m : all.at("kiosks").as_array()) {
      out.members.push_back(
          {json::value_to<std::string>(m.at("code")),
           {json::value_to<std::string>(m.at("chain")), json::value_to<std::string>(m.at("key"))}});
    }
    return out;
  } catch (const std::exception& e) {
    return wrong(e.what());
  }
}

}  // namespace kw::fleet
