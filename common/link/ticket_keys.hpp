#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::link {

/// The keys that session tickets are sealed with. A fresh one every day; a key opens tickets for 8
/// days (a day of sealing and the 7 days a session lives). Kept in a 0600 file, so that a restarted
/// collector still resumes its kiosks' sessions.
class TicketKeys {
 public:
  static constexpr Duration seals_for = std::chrono::hours{24};
  static constexpr Duration opens_for = std::chrono::hours{8 * 24};

  struct Key {
    WallTime made{};
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };

  /// Reads the file or begins a new one; a damaged file costs full handshakes, nothing else. An
  /// empty path: kept in memory only. Errc::storage when the file cannot be written.
  static Result<TicketKeys> open(const std::filesystem::path& file, WallTime now);

  TicketKeys(TicketKeys&&) = default;
  TicketKeys& operator=(TicketKeys&&) = default;
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  /// The key to seal with; once a day a new one, which is saved first (logged when that fails).
  const Key& current(WallTime now);
  /// The key of that name while it still opens tickets, else null.
  const Key* find(const unsigned char* name, WallTime now) const;

 private:
  TicketKeys() = default;
  void read(const std::string& text);
  Result<void> rotate(WallTime now);

  std::filesystem::path file_;
  std::vector<Key> keys_;  ///< oldest first
};

}  // namespace kw::link
