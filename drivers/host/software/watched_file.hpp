#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.hpp"

struct evp_md_ctx_st;

namespace kw::drivers::software {

/// One file of a software item (clause 9.2), hashed piece by piece, so that a poll stays short, and
/// again only when its size or time has changed, or a day has passed.
class WatchedFile {
 public:
  /// `expected`: SHA-256 as lower-case hex; empty: what is found first is right.
  WatchedFile(std::string shown, std::filesystem::path path, std::string expected);
  WatchedFile(WatchedFile&&) noexcept;
  ~WatchedFile();

  enum class State { unknown, as_expected, changed, missing, unreadable };

  /// Looks at the file and reads on where the last look stopped, at most about `bytes` of it.
  void look(MonoTime now, std::uint64_t bytes);

  State state() const { return state_; }
  const std::string& shown() const { return shown_; }  ///< as the configuration names it
  const std::filesystem::path& path() const { return path_; }
  /// Of the last whole reading, lower-case hex; empty before it.
  const std::string& sha256() const { return sha256_; }
  /// Something to read is left.
  bool reading() const { return digest_ != nullptr; }

 private:
  struct Free {
    void operator()(evp_md_ctx_st* digest) const;
  };
  struct Stamp {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type written;
    bool operator==(const Stamp&) const = default;
  };
  void begin(const Stamp& stamp);
  void read_on(std::uint64_t bytes);
  void finish();

  std::string shown_;
  std::filesystem::path path_;
  std::string expected_;
  std::string sha256_;
  State state_ = State::unknown;
  std::optional<Stamp> stamp_;  ///< of what is being read, or was
  std::optional<MonoTime> read_at_;
  std::unique_ptr<evp_md_ctx_st, Free> digest_;  ///< while it is being read
  std::uint64_t offset_ = 0;
};

}  // namespace kw::drivers::software
