#pragma once

#include <filesystem>
#include <string>

#include "agent/enroll/identity_files.hpp"
#include "common/i18n.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::agent {

struct Enrolment {
  std::filesystem::path data;
  std::string server;  ///< "https://HOST:PORT"
  std::string token;   ///< as printed by the collector
  std::string proxy;   ///< "http://[user:password@]host:port"; empty: none
  std::string hostname;
  bool force = false;
};

/// Makes a key on this kiosk, asks the collector named by the token for a certificate and saves
/// both. Nothing is changed unless all of it succeeds. Errors are whole sentences in `lang`;
/// Errc::refused: the collector said no.
Task<Result<IdentityFiles>> enroll(Enrolment wanted, Lang lang);

}  // namespace kw::agent
