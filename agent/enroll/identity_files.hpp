#pragma once

#include <filesystem>
#include <string>

#include "common/link/tls.hpp"
#include "common/result.hpp"

namespace kw::agent {

/// What enrolment left in DATA/identity: key.pem (0600), chain.pem, ca.pem, enrolment.json.
struct IdentityFiles {
  link::Endpoint server;
  std::string terminal;  ///< terminal code 终端编号
  link::Credentials own;
  std::string ca_pem;
};

/// Errc::missing while the kiosk is not enrolled.
Result<IdentityFiles> load_identity(const std::filesystem::path& data);

/// Replaces the whole identity at once; an older one stays beside it as identity.old.
Result<void> save_identity(const std::filesystem::path& data, const IdentityFiles& identity);

}  // namespace kw::agent
