#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kw::tests {

/// What to look for: one text of a canary identity in one encoding.
struct Needle {
  std::string name;      ///< "number of canary 2, UTF-16LE, base64": for whoever reads the finding
  std::string encoding;  ///< "utf-8", "utf-16le", "gbk", "hex", "base64", "json", "bytes"
  std::string bytes;
};

/// Name, address, number, issuer, photo and card serial of every canary, in every encoding. Texts
/// as UTF-8, UTF-16LE and GBK; each of these also in hexadecimal and at each of the three places
/// that base64 can have it; and as JSON escapes.
std::vector<Needle> canary_needles();

/// Finds needles in files. Hexadecimal and base64 are found also when they are broken by blanks,
/// line ends, colons, dashes or commas, hexadecimal in either case.
class CanaryScan {
 public:
  CanaryScan();

  const std::vector<Needle>& needles() const { return needles_; }

  /// The names of what is in these bytes.
  std::vector<std::string> in_bytes(std::string_view bytes) const;

  /// "FILE: NAME" of everything found in files under `root`, which may be a file. Nothing is left
  /// out; what cannot be read is a finding too.
  std::vector<std::string> in_files(const std::filesystem::path& root) const;

  /// How many files `in_files` has read so far.
  std::size_t files() const { return files_; }

 private:
  /// By how the bytes are looked at: as they are, without fillers, and that in lower case.
  enum View : std::uint8_t { plain, squeezed, lower };
  static View view_of(const Needle& needle);
  void search(std::string_view bytes, View view, std::vector<bool>& found) const;

  std::vector<Needle> needles_;
  /// Indices of the needles of a view by their first two bytes.
  std::array<std::vector<std::vector<std::uint16_t>>, 3> by_start_;
  mutable std::size_t files_ = 0;
};

/// Writes everything that the process may write to, locked pages and pages left out of dumps too,
/// into `file`: more than a core dump of it would hold. False when it cannot be read.
bool dump_memory(int process, const std::filesystem::path& file);

}  // namespace kw::tests
