#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/local_api/refusal.hpp"

namespace kw::agent {

enum class Need { required, optional };

/// Reads one JSON object field by field. The first thing wrong is remembered; `wrong` also finds
/// the fields that nobody asked for. No text may hold a citizen's ID-card number.
class Fields {
 public:
  /// `path` stands before the names in what is said: "clicks.3.".
  explicit Fields(const boost::json::object& from, std::string path = {});

  /// 1 to 64 of A-Z a-z 0-9 . _ -
  std::string id(std::string_view name, Need need);
  /// 1 to 64 of A-Z a-z 0-9 . _ : / -
  std::string code(std::string_view name, Need need);
  /// UTF-8 without control characters.
  std::string text(std::string_view name, Need need, std::size_t bytes);
  /// A division code; empty when it is not there.
  std::string city(std::string_view name);
  /// The value's place among the words; 0 when it is not there.
  std::size_t one_of(std::string_view name, Need need, std::span<const std::string_view> words);
  std::optional<std::uint64_t> whole(std::string_view name, std::uint64_t least,
                                     std::uint64_t most);
  double amount(std::string_view name, double most);
  bool boolean(std::string_view name);
  /// The objects of an array of 1 to `most`.
  std::vector<const boost::json::object*> list(std::string_view name, std::size_t most);

  void fail(Refusal refusal);
  /// `name` with its path.
  std::string full(std::string_view name) const { return path_ + std::string{name}; }
  std::optional<Refusal> wrong() const;

 private:
  const boost::json::value* find(std::string_view name, Need need);
  std::string checked(std::string_view name, Need need, std::size_t bytes, bool (*good)(char),
                      const Text& wanted);

  const boost::json::object& from_;
  std::string path_;
  std::vector<std::string_view> known_;
  std::optional<Refusal> wrong_;
};

}  // namespace kw::agent
