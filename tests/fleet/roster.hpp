#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/link/tls.hpp"
#include "common/result.hpp"

namespace kw::fleet {

/// Who a fleet is: every kiosk's key and certificate, and the authority they trust.
struct Roster {
  struct Member {
    std::string code;  ///< terminal code 终端编号
    link::Credentials own;
  };
  std::string trust_pem;
  std::vector<Member> members;
};

/// Makes terminals PREFIX-000001 … with keys and certificates of their own in a collector's data
/// folder, as enrolment and approval would leave them. The collector must not be running: it reads
/// who is let in when it starts.
Result<Roster> enlist(const std::filesystem::path& collector, const std::string& prefix, int count,
                      const Clock& clock);

/// Roster as a file of the owner's alone: it has private keys.
Result<void> save(const Roster& roster, const std::filesystem::path& file);
Result<Roster> load(const std::filesystem::path& file);

}  // namespace kw::fleet
