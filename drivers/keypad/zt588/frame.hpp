#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

/// The wire of SZZT's ZT588 keypads (protocols, reading devices, section 5: source E1).
namespace kw::drivers::zt588 {

/// 02, the text's length as three decimal digits, text, 03, and two hexadecimal digits: the XOR of
/// everything from the length to 03. `text`: 999 bytes at most; more is cut off.
std::vector<std::uint8_t> encode(std::string_view text);

/// The one question that changes nothing: user data, settings, model, versions, serial number.
inline constexpr std::string_view information = "3";

/// What stands at the front of the bytes that came.
struct Piece {
  enum class Kind : std::uint8_t {
    part,   ///< a frame whose end is still to come
    frame,  ///< a whole frame; `text` is what it carries
    key,    ///< one byte outside any frame: somebody pressed a key
    noise,  ///< the beginning of a frame that is none
  };
  Kind kind = Kind::part;
  std::size_t length = 0;  ///< how many bytes of the front it takes; 0 for part
  std::span<const std::uint8_t> text = {};
};

/// `in` must not be empty. A frame is 1006 bytes at most.
Piece first_piece(std::span<const std::uint8_t> in);

/// What the reply to `information` says of the keypad. The owner's text and the key table in it are
/// not looked at.
struct Information {
  bool blank = false;  ///< no master key is loaded
  bool input_enabled = false;
  bool sound = false;
  std::string model;
  std::string hardware;
  std::string software;
  std::string serial;  ///< hexadecimal where it is no text
};

/// The information, or the error that the keypad answers instead.
struct Reply {
  std::uint8_t error = 0;  ///< E0 to EF, or 0: `information` holds
  Information information;
};

/// Errc::garbled when it is neither: too short, or its settings are not hexadecimal (both ways of
/// writing them, A to F and ":" to "?", are read).
Result<Reply> decode(std::span<const std::uint8_t> text);

}  // namespace kw::drivers::zt588
