#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "collector/accounts/authorize.hpp"
#include "collector/store/identity_book.hpp"
#include "collector/writer/writer.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// What came of a verb: the answer, and certificates that the serial list must learn after the
/// commit.
struct IdentityDeed {
  boost::json::object answer;
  std::vector<CertificateRow> certificates;
};

/// What people ask of identities, the same by control socket, by API and on a collector that does
/// not run. Verbs: token-new {terminal}, revoke {terminal, serial?, reason?},
/// provisioning-approve {id, terminal}, provisioning-reject {id}. Runs inside a write.
/// Errc::unsupported: no such verb; Errc::invalid: an argument is missing or of another type.
Result<IdentityDeed> perform(Work& work, const Subject& subject, std::string_view verb,
                             const boost::json::object& args, std::string_view ca_pin);

bool is_identity_verb(std::string_view verb);

/// For hints; with `drain`, which the collector itself answers.
inline constexpr const char* identity_verbs =
    "token-new, revoke, provisioning-approve, provisioning-reject, drain";

boost::json::object to_json(const ProvisioningRow& row);

}  // namespace kw::collector
