#pragma once

#include <cstdint>
#include <string_view>

namespace kw::wire {

/// What the agent does when a session ends with a code.
enum class AfterClose : std::uint8_t {
  back_off,        ///< dial again after the usual full-jitter pause
  wait_as_told,    ///< dial again after the hint that came before (Drain, Busy)
  re_enroll,       ///< the certificate is no longer good: renew or enrol again
  stop_and_alarm,  ///< dialling again cannot help; a person is needed
};

struct CloseCode {
  std::uint16_t code;  ///< WebSocket close code, private range 4000-4999 (RFC 6455 section 7.4.2)
  std::string_view name;
  AfterClose then;
};

inline constexpr CloseCode close_normal{1000, "normal", AfterClose::back_off};
inline constexpr CloseCode close_drain{4000, "drain", AfterClose::wait_as_told};
inline constexpr CloseCode close_busy{4001, "busy", AfterClose::wait_as_told};
inline constexpr CloseCode close_superseded{4002, "superseded", AfterClose::back_off};
inline constexpr CloseCode close_garbled{4003, "garbled", AfterClose::back_off};
inline constexpr CloseCode close_over_credit{4004, "over-credit", AfterClose::back_off};
inline constexpr CloseCode close_lost_race{4005, "lost-race", AfterClose::back_off};
inline constexpr CloseCode close_silent{4006, "silent", AfterClose::back_off};
inline constexpr CloseCode close_store_failed{4007, "store-failed", AfterClose::back_off};
inline constexpr CloseCode close_revoked{4010, "revoked", AfterClose::re_enroll};
inline constexpr CloseCode close_version{4011, "version", AfterClose::stop_and_alarm};

inline constexpr CloseCode close_codes[] = {
    close_normal,       close_drain,       close_busy,      close_superseded,
    close_garbled,      close_over_credit, close_lost_race, close_silent,
    close_store_failed, close_revoked,     close_version,
};

/// "revoked" for 4010; empty for codes that nobody defined, and for 0 (no code came).
constexpr std::string_view close_name(std::uint16_t code) {
  for (const auto& row : close_codes) {
    if (row.code == code) return row.name;
  }
  return {};
}

/// What to do after `code`; codes that nobody defined mean: back off.
constexpr AfterClose after(std::uint16_t code) {
  for (const auto& row : close_codes) {
    if (row.code == code) return row.then;
  }
  return AfterClose::back_off;
}

}  // namespace kw::wire
