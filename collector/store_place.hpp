#pragma once

#include <filesystem>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

struct Placed {
  std::filesystem::path aside;  ///< what the store was until now; empty: there was none
  /// What went wrong when it was too late to undo it; empty: all is done. A start finishes what
  /// `place_store` could not, unless there is no store any more: then this tells so.
  std::string unfinished;
};

/// Puts `copy`, a whole store on the same volume that bears the mark of a backup, in the place of
/// `store`; what is there now has another name afterwards, with its log. Whenever the power goes
/// there is a store: the old one has both names before the new one takes its place, and a log of
/// the old one beside the new one is known by the mark for not its own. (A volume without hard
/// links has a moment without a store; `newest_aside` finds the old one then.) On an Error all is
/// as it was.
Result<Placed> place_store(const std::filesystem::path& copy, const std::filesystem::path& store,
                           const Clock& clock);

/// The store that was put aside last, empty when there is none.
std::filesystem::path newest_aside(const std::filesystem::path& store);

}  // namespace kw::collector
