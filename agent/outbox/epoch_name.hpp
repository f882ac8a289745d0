#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kw::agent {

/// The names of an epoch as they stand in `meta` once more, with a check. Under a wrong one the
/// collector would take all its events for new ones; the row itself has no check, and cannot get
/// one that an older agent would keep right.
struct EpochName {
  std::uint64_t epoch = 0;
  std::string boot_id;
};

/// Where it stands; `epoch_keys` is what all of them begin with.
inline constexpr std::string_view epoch_keys = "epoch/";
std::string epoch_key(std::int64_t ordinal);
std::string write_epoch_name(std::int64_t ordinal, const EpochName& name);
/// Nothing when the check is wrong.
std::optional<EpochName> read_epoch_name(std::int64_t ordinal, std::string_view text);

}  // namespace kw::agent
