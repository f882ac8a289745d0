#pragma once

#include <string_view>

namespace kw::agent {

/// Whether an ID-card number of a citizen (GB 11643-1999: 18 characters with a date of birth and a
/// checksum by ISO 7064 MOD 11-2) stands in the text: by itself, between other signs, with its
/// groups apart by a space or hyphen, in full-width digits. Longer numbers are no such number.
bool holds_id_number(std::string_view text);

}  // namespace kw::agent
