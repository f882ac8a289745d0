#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kw::drivers {

/// One row of a file of byte vectors: id, device, "host>dev" or "dev>host", bytes in hex, meaning,
/// separated by tabs; further columns (origin, sources) are for people.
struct Vector {
  std::string id;
  std::string device;
  bool to_device = false;
  std::vector<std::uint8_t> bytes;
  std::string meaning;

  /// Whether the row says that its bytes are no frame: then they must not be taken for one.
  bool broken() const;
};

/// Every row but the heading. A line that cannot be read is a failed check of the running test.
std::vector<Vector> read_vectors(const std::filesystem::path& file);

/// How the vectors of one device are held against its codec. A rule makes doctest checks: the
/// encoder makes the very bytes, or, where we cannot encode the command at all, the decoder finds a
/// well-formed request of that command; the decoder takes a reply for what the protocol's rule says
/// it is, by its lengths and codes and never by the row's id.
struct VectorRule {
  std::string_view device;                ///< occurs in the device's column
  void (*request)(const Vector& vector);  ///< nullptr: no driver speaks to it
  void (*reply)(const Vector& vector);
};

// One function a device; a further one is named here and in the table of vectors_test.cpp.
void sdt_request(const Vector& vector);
void sdt_reply(const Vector& vector);
void crt310_request(const Vector& vector);
void crt310_reply(const Vector& vector);
void f2_request(const Vector& vector);
void f2_reply(const Vector& vector);
void zt588_request(const Vector& vector);
void zt588_reply(const Vector& vector);
void scanner_request(const Vector& vector);
void scanner_reply(const Vector& vector);

}  // namespace kw::drivers
