#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kw::platform {

/// What is asked and told about one reader. Both are SCARD_STATE_* flags with a counter in the high
/// word: of insertions and removals, or of readers for the reader `pcsc::readers_changed`.
struct PcscLook {
  std::string reader;
  std::uint32_t known = 0;  ///< what the caller last saw; 0 (SCARD_STATE_UNAWARE): nothing
  std::uint32_t seen = 0;
};

/// The system's PC/SC service: pcscd, or Windows' Smart Card service. It can list readers and look
/// at them, and nothing else: with these calls no card is ever addressed. What the service tells of
/// a card (its ATR) is wiped before a call returns.
///
/// Any call may wait as long as the service pleases. One thread at a time.
class PcscService {
 public:
  /// What the service returns: SCARD_S_SUCCESS, SCARD_E_… as an unsigned number.
  using Code = std::uint32_t;

  virtual ~PcscService() = default;

  /// SCardEstablishContext for the whole system.
  virtual Code connect() = 0;
  /// SCardReleaseContext, whatever state it is in.
  virtual void disconnect() noexcept = 0;
  /// SCardListReaders.
  virtual Code list(std::vector<std::string>& readers) = 0;
  /// SCardGetStatusChange that waits for nothing.
  virtual Code look(std::span<PcscLook> readers) = 0;
  /// Whether a service that is not there is at rest because no reader is attached, which is how
  /// Windows does it.
  virtual bool rests_without_readers() const = 0;
};

/// Never null. Where the system lacks the library, `connect` says pcsc::no_library.
std::unique_ptr<PcscService> pcsc_service();

/// Numbers of PC/SC part 5, the same in pcsclite.h and winscard.h.
namespace pcsc {

inline constexpr PcscService::Code success = 0;
inline constexpr PcscService::Code unknown_reader = 0x8010'0009;
inline constexpr PcscService::Code nothing_new = 0x8010'000a;  ///< SCARD_E_TIMEOUT
inline constexpr PcscService::Code no_service = 0x8010'001d;
inline constexpr PcscService::Code service_stopped = 0x8010'001e;
inline constexpr PcscService::Code no_access = 0x8010'0027;
inline constexpr PcscService::Code no_readers = 0x8010'002e;
inline constexpr PcscService::Code security_violation = 0x8010'006a;
inline constexpr PcscService::Code no_library = 0xffff'ffff;  ///< ours

inline constexpr std::uint32_t changed = 0x0002;
inline constexpr std::uint32_t unknown = 0x0004;
inline constexpr std::uint32_t unavailable = 0x0008;
inline constexpr std::uint32_t empty = 0x0010;
inline constexpr std::uint32_t present = 0x0020;
inline constexpr std::uint32_t mute = 0x0200;

/// Not a reader: changes when the number of readers in the high word is not the service's.
inline constexpr const char* readers_changed = R"(\\?PnP?\Notification)";

}  // namespace pcsc

}  // namespace kw::platform
