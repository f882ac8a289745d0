#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/wire/status.hpp"

namespace kw::drivers {

/// One row of a file of byte vectors: id, device, "host>dev" or "dev>host", bytes in hex, meaning,
/// separated by tabs; further columns (origin, sources) are for people.
struct Vector {
  std::string id;
  std::string device;
  bool to_device = false;
  std::vector<std::uint8_t> bytes;
  std::string meaning;
  std::string origin;

  /// Whether the row says that its bytes are no frame: then they must not be taken for one.
  bool broken() const;

  /// Device, id, meaning and origin in plain words: lower case, no hyphens.
  std::string words() const;
};

/// Every row but the heading, comments ('#') and empty lines. A line that cannot be read is a
/// failed check of the running test.
std::vector<Vector> read_vectors(const std::filesystem::path& file);

/// Lower case, with one space for every run of blanks, hyphens, underscores and slashes.
std::string plain_words(std::string_view text);

/// Whether `word` stands in `text` (both plain) with no letter or digit next to it.
bool has_word(std::string_view text, std::string_view word);
bool has_any_word(std::string_view text, std::initializer_list<std::string_view> words);

/// What production code made of a row. The rule for a family makes checks of its own beside: the
/// encoder makes the very bytes, a frame that differs by a bit is none.
struct Outcome {
  bool taken = false;  ///< whole frames to the last byte, by the decoder
  bool part = false;   ///< a beginning of one: the decoder waits for more
  std::string why;     ///< not taken
  /// What the decoder says, as words without blanks: a condition's code, "media:jammed",
  /// "card_stock:low", "code:60". Figures and texts that it read stand in `figures`.
  std::vector<std::string> facts;
  std::vector<std::string> tells;    ///< beginnings of the facts that this kind of row can tell
  std::vector<std::string> figures;  ///< numbers as the decoder has them: "-3", "2380"

  void add(std::string fact) { facts.push_back(std::move(fact)); }
  bool says(std::string_view fact) const;
  bool could_say(std::string_view fact) const;
};

inline Outcome refused(std::string why) {
  Outcome out;
  out.why = std::move(why);
  return out;
}

/// Words of a meaning, and the facts (with blanks between them) that must be among the decoder's
/// where the words stand, and not where "no" or "not" stands before them. "!fact" must not be among
/// them; of "one|two", one must be.
struct Phrase {
  std::string_view words;
  std::string_view facts;
};

/// How the vectors of one family are held against its codec.
struct Family {
  std::string_view name;
  std::string_view devices;  ///< plain words with '|' between them, any of them in the device
  std::string_view ids;      ///< how its rows' ids begin: "sdt crt"
  Outcome (*request)(const Vector& vector);
  Outcome (*reply)(const Vector& vector);
  std::span<const Phrase> phrases;
};

/// Those below, the more particular before the more general.
std::span<const Family> families();

Outcome sdt_request(const Vector& vector);
Outcome sdt_reply(const Vector& vector);
Outcome crt310_request(const Vector& vector);
Outcome crt310_reply(const Vector& vector);
Outcome f2_request(const Vector& vector);
Outcome f2_reply(const Vector& vector);
Outcome pcsc_request(const Vector& vector);
Outcome pcsc_reply(const Vector& vector);
Outcome zt588_request(const Vector& vector);
Outcome zt588_reply(const Vector& vector);
Outcome scanner_request(const Vector& vector);
Outcome scanner_reply(const Vector& vector);
Outcome escpos_request(const Vector& vector);
Outcome escpos_reply(const Vector& vector);
Outcome star_request(const Vector& vector);
Outcome star_reply(const Vector& vector);
Outcome usb_printer_request(const Vector& vector);
Outcome usb_printer_reply(const Vector& vector);
Outcome ipp_request(const Vector& vector);
Outcome ipp_reply(const Vector& vector);
Outcome pjl_request(const Vector& vector);
Outcome pjl_reply(const Vector& vector);
Outcome snmp_request(const Vector& vector);
Outcome snmp_reply(const Vector& vector);
Outcome modbus_request(const Vector& vector);
Outcome modbus_reply(const Vector& vector);
Outcome nut_request(const Vector& vector);
Outcome nut_reply(const Vector& vector);

/// Holds the meaning of a row against what the decoder says. How many of its statements were
/// understood; each that is wrong is a failed check.
std::size_t hold_meaning(const Vector& vector, const Family& family, const Outcome& outcome);

/// The status's parts as facts.
void add_facts(const wire::Status& status, Outcome& out);

/// The status that the production driver makes when the device answers every question with
/// `answer`.
Result<wire::Status> status_by(std::string_view driver,
                               std::initializer_list<std::pair<std::string, std::string>> settings,
                               const std::vector<std::uint8_t>& answer);

}  // namespace kw::drivers
