#pragma once

#include <string_view>

namespace kw::agent {

/// Whether an ID-card number of a citizen (GB 11643-1999: 18 characters with an address code, a
/// date of birth and a checksum by ISO 7064 MOD 11-2) stands in the text: by itself, between other
/// signs, with its groups apart by a space or hyphen, in full-width digits, or within a longer
/// number. Of longer numbers one in many thousands looks like it by chance; one that holds a date
/// from 2020 on at that place is taken for an order's, which lets a child's number in a longer one
/// pass.
bool holds_id_number(std::string_view text);

}  // namespace kw::agent
