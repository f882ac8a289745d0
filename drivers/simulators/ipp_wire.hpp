#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kw::devices::ipp {

// The printer's side of IPP (RFC 8010, RFC 8011) and of the HTTP around it: as much as a simulated
// printer needs, and nothing that it shares with the driver.

enum Status : std::uint16_t {
  successful_ok = 0x0000,
  bad_request = 0x0400,
  operation_not_supported = 0x0501,
  version_not_supported = 0x0503,
  server_busy = 0x0507,
};

/// A request as far as this printer looks at it.
struct Request {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint16_t operation = 0;
  std::uint32_t id = 0;
  bool well_formed = false;  ///< charset and language first, then the target (RFC 8011, 4.1.4)
  std::set<std::string, std::less<>> wanted;  ///< requested-attributes
};

Request read_request(std::string_view bytes);

/// Writes an answer: its operation attributes first, then the wanted ones of the printer.
class Writer {
 public:
  Writer(std::uint8_t major, std::uint8_t minor, std::uint16_t status, std::uint32_t id);

  /// From here on what is written is the printer's, and left out unless `wanted` (everything when
  /// that is empty). `wanted` outlives the writer.
  void printer_attributes(const std::set<std::string, std::less<>>& wanted);

  void texts(std::uint8_t tag, std::string_view name, const std::vector<std::string>& values);
  void text(std::uint8_t tag, std::string_view name, const std::string& value);
  void numbers(std::uint8_t tag, std::string_view name, const std::vector<std::int64_t>& values);
  void boolean(std::string_view name, bool value);

  std::string done();

 private:
  bool asked_for(std::string_view name) const;
  void number(std::uint32_t v, int size);
  void value(std::uint8_t tag, std::string_view name, std::string_view v);

  const std::set<std::string, std::less<>>* wanted_ = nullptr;
  std::string out_;
};

/// The value of a header field (its name in lower case) of a request's head, in lower case.
std::optional<std::string> header(std::string_view head, std::string_view name);

/// An answer with its body, in one piece or in chunks.
std::string http(int status, std::string_view reason, std::string_view type, std::string_view body,
                 bool chunked);

}  // namespace kw::devices::ipp
