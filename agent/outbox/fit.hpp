#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/wire/status.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// At most `most` bytes of `text`, cut between characters; bytes that are not UTF-8 become '?'.
std::string fitting(std::string_view text, std::size_t most);

/// Cuts what a device says down to what the wire allows, so that any status fits one frame.
void fit(pb::Status& status);

/// One sample event for each few dozen measurements: each fits the smallest credit.
std::vector<pb::Event> samples_of(const std::string& device,
                                  const std::vector<wire::Measurement>& measurements);

}  // namespace kw::agent
