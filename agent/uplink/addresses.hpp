#pragma once

#include <algorithm>
#include <vector>

#include "common/link/tls.hpp"

namespace kw::agent {

/// The addresses in the order in which they are dialled: those of the configuration, then the one
/// from enrolment unless it is among them.
inline std::vector<link::Endpoint> dialling_order(std::vector<link::Endpoint> configured,
                                                  const link::Endpoint& enrolled) {
  const auto same = [&](const link::Endpoint& server) { return server.text() == enrolled.text(); };
  if (std::ranges::none_of(configured, same)) configured.push_back(enrolled);
  return configured;
}

}  // namespace kw::agent
