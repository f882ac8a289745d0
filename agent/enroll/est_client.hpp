#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/enroll/identity_files.hpp"
#include "common/i18n.hpp"
#include "common/link/http.hpp"
#include "common/link/link.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

/// A kiosk's half of EST (RFC 7030), as the collector speaks it: JSON answers.
namespace kw::agent::est {

/// A request on one of the EST paths ("simpleenroll", "simplereenroll").
link::HttpRequest request(const std::string& operation, const std::string& csr_pem);

/// What a good answer holds: everything but server and key. Errc::garbled.
Result<IdentityFiles> identity_in(const link::HttpResponse& response);

/// Why the collector said no: the problem's detail, else the body's first line.
std::string reason_in(const link::HttpResponse& response);
/// The problem as link::Refusal; its code is empty when the answer names none.
link::Refusal refusal_in(const link::HttpResponse& response);

}  // namespace kw::agent::est
