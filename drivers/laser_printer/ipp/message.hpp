#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::ipp {

// IPP messages (RFC 8010) as far as a status needs them: no collections, no document data.

/// Tags that begin a group of attributes.
inline constexpr std::uint8_t operation_group = 0x01;
inline constexpr std::uint8_t printer_group = 0x04;

/// One value with its tag, its bytes as they came.
struct Value {
  std::uint8_t tag = 0;
  std::string bytes;
};

struct Attribute {
  std::string name;
  std::vector<Value> values;
};

struct Group {
  std::uint8_t tag = 0;
  std::vector<Attribute> attributes;
};

/// A printer's answer.
struct Message {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint16_t status = 0;
  std::uint32_t request_id = 0;
  std::vector<Group> groups;

  /// The values of a printer attribute that can be read that way, in their order; others are left
  /// out. Texts (text, name, keyword, uri, octetString …) hold only well-formed UTF-8 without
  /// control characters: other bytes became '?'.
  std::vector<std::string> texts(std::string_view name) const;
  std::vector<std::int32_t> integers(std::string_view name) const;  ///< also enums
  std::optional<bool> boolean(std::string_view name) const;

  /// The first of them; empty when there is none.
  std::string text(std::string_view name) const;
  std::optional<std::int32_t> integer(std::string_view name) const;

 private:
  const Attribute* find(std::string_view name) const;
};

/// Reads a whole message. Errc::garbled says at which byte it stops to be one; bytes after the end
/// tag are document data and left alone.
Result<Message> parse(std::span<const std::uint8_t> bytes);

/// A Get-Printer-Attributes request for `printer`, a URI.
std::vector<std::uint8_t> get_printer_attributes(std::uint8_t major, std::uint8_t minor,
                                                 std::uint32_t request_id, std::string_view printer,
                                                 std::span<const std::string_view> wanted);

/// Why there is no status of the printer.
struct Refusal {
  enum class Kind : std::uint8_t {
    error,    ///< of the exchange, or another device's
    mistake,  ///< a printer that was addressed wrongly; the error's text says what to do
    absent,   ///< the same, of one that is called otherwise
    busy,     ///< a printer that answers, and has no time for questions
  };
  Kind kind = Kind::error;
  Error error;
};

/// What a status code means to a caller; empty when the request was successful.
std::optional<Refusal> refusal(std::uint16_t status);

// What is to be done where a printer, or its server, says why it tells nothing.
inline constexpr std::string_view wants_login =
    "the printer wants a login, which is not supported: permit it to be asked without one";
inline constexpr std::string_view wants_tls =
    "the printer wants TLS, which is not supported: permit it to be asked without";
inline constexpr std::string_view no_printer_here =
    "no printer at this path: correct the path in port, often /ipp/print";

inline constexpr std::uint16_t version_not_supported = 0x0503;

/// The value of `key` in "key=value;key=value" (PWG 5100.13), whose last ';' may be missing.
std::optional<std::string> field(std::string_view pairs, std::string_view key);
std::optional<std::int64_t> number_field(std::string_view pairs, std::string_view key);

}  // namespace kw::drivers::ipp
