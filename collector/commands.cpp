// Subcommands that ask a running collector, or do it themselves when none runs.
#include "collector/accounts/authority_files.hpp"
#include "collector/accounts/identity_verbs.hpp"
#include "collector/app.hpp"
#include "collector/faults/rules.hpp"
#include "collector/store/sqlite/opening.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/writer/writer.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/folder_lock.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr auto answer_within = std::chrono::seconds{10};
constexpr auto drained_within = std::chrono::seconds{60};

/// The verb on the store itself; the folder lock keeps a collector from starting meanwhile.
Result<json::object> perform_alone(const fs::path& data, const std::string& verb,
                                   const json::object& args, const Clock& clock) {
  auto authority = AuthorityFiles::load(data, clock);
  if (!authority) return std::move(authority).error();
  auto lock = platform::FolderLock::take(data);
  if (!lock) return std::move(lock).error();
  auto store = open_store(data, clock);
  if (!store) return std::move(store).error();
  auto rules = Rules::load(data / "rules.toml");
  if (!rules) return std::move(rules).error();
  Work work{**store, *rules, clock};
  const Subject subject{Subject::Kind::loopback_administrator, "host"};
  Result<IdentityDeed> deed = Error{Errc::storage, "not written"};
  auto done = (*store)->transact([&] {
    auto part = (*store)->part([&]() -> Result<void> {
      deed = perform(work, subject, verb, args, authority->pin());
      if (!deed) return deed.error();
      return {};
    });
    if (!part && deed) deed = part.error();
  });
  if (!done) return std::move(done).error();
  if (!deed) return std::move(deed).error();
  return std::move(deed->answer);
}

}  // namespace

Result<json::object> ask_identities(const fs::path& data, const std::string& verb,
                                    const json::object& args, const Clock& clock) {
  auto asked = platform::ask_control(data, verb, args, answer_within);
  if (asked) return asked;
  if (asked.error().code() != Errc::missing) return std::move(asked).error();
  return perform_alone(data, verb, args, clock);
}

Result<std::vector<ProvisioningRow>> provisioning_list(const fs::path& data, const Clock& clock) {
  auto queries = SqliteQueries::open(store_file(data), clock);
  if (!queries) return std::move(queries).error();
  return (*queries)->provisioning();
}

Result<std::string> ca_fingerprint(const fs::path& data, const Clock& clock) {
  auto authority = AuthorityFiles::load(data, clock);
  if (!authority) return std::move(authority).error();
  return authority->pin();
}

Result<std::int64_t> drain(const fs::path& data, Duration retry_after, bool stop) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(retry_after).count();
  auto asked = platform::ask_control(data, "drain", {{"retry_after_ms", ms}, {"stop", stop}},
                                     drained_within);
  if (!asked) return std::move(asked).error();
  const auto* sessions = asked->if_contains("sessions");
  return sessions == nullptr ? 0 : sessions->to_number<std::int64_t>();
}

}  // namespace kw::collector
