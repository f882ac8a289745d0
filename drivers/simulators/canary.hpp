#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kw::devices {

/// An identity that nobody has, as a simulated reader gives it: wherever one of its texts turns up,
/// a citizen's would have too. Region 990101 does not exist; the check digits are right, so that
/// filters that look for real numbers see one.
struct Canary {
  std::u16string_view name;
  std::u16string_view address;
  std::u16string_view number;
  std::u16string_view issuer;
  std::string_view photo;                   ///< repeated until the photo is full
  std::array<std::uint8_t, 8> card_serial;  ///< as a reader tells it when the card is selected
};

/// The first read gives the first of them, and so on in turn.
inline constexpr std::array canaries{
    Canary{u"金丝雀甲一",
           u"金丝雀省测试市云雀路壹佰壹拾壹号",
           u"990101190001010018",
           u"金丝雀甲公安局",
           "kiosk-canary-photo-1/",
           {0xca, 0x4a, 0x81, 0x01, 0xee, 0x17, 0x5d, 0x91}},
    Canary{u"金丝雀乙二",
           u"金丝雀省测试市画眉巷贰佰贰拾贰号",
           u"990101190001010026",
           u"金丝雀乙公安局",
           "kiosk-canary-photo-2/",
           {0xca, 0x4a, 0x82, 0x02, 0xee, 0x27, 0x5d, 0x92}},
    Canary{u"金丝雀丙三",
           u"金丝雀省测试市百灵街叁佰叁拾叁号",
           u"990101190001010034",
           u"金丝雀丙公安局",
           "kiosk-canary-photo-3/",
           {0xca, 0x4a, 0x83, 0x03, 0xee, 0x37, 0x5d, 0x93}},
};

}  // namespace kw::devices
