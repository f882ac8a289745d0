#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/local_api/refusal.hpp"
#include "common/link/http.hpp"

// Who may ask. A page of another site that a browser on this kiosk has open must not (cross-site
// requests, DNS rebinding), nor another account of this machine without the token.
namespace kw::agent {

/// What a stranger does not have.
struct Gate {
  std::vector<std::string> origins;  ///< whose pages may ask
  std::string token;
};

/// Whether the request comes from this machine, by this machine's name, from no page or from one
/// that may. Decided before the token is looked at.
std::optional<Refusal> refuse_stranger(const link::HttpRequest& request, const Gate& gate);

/// Whether it brings the token ("Authorization: Bearer …"); compared in constant time.
std::optional<Refusal> refuse_without_token(const link::HttpRequest& request, const Gate& gate);

/// A browser's question before it sends what a script asks for (Fetch standard, CORS-preflight).
bool is_preflight(const link::HttpRequest& request);
link::HttpResponse preflight(const link::HttpRequest& request);

/// Lets the script of a page that may ask read the answer.
void allow_page(link::HttpResponse& response, const link::HttpRequest& request, const Gate& gate);

/// A header's value; empty when it is not there.
std::string header(const link::HttpRequest& request, const std::string& name);

}  // namespace kw::agent
