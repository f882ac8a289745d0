#include "common/platform/pcsc_service.hpp"

#include <array>

#include <openssl/crypto.h>
#include <windows.h>

// Wants the one above first.
#include <winscard.h>

namespace kw::platform {
namespace {

PcscService::Code code_of(LONG returned) { return static_cast<PcscService::Code>(returned); }

class CloseService {
 public:
  explicit CloseService(SC_HANDLE handle) : handle_(handle) {}
  CloseService(const CloseService&) = delete;
  CloseService& operator=(const CloseService&) = delete;
  ~CloseService() {
    if (handle_ != nullptr) CloseServiceHandle(handle_);
  }
  SC_HANDLE get() const { return handle_; }

 private:
  SC_HANDLE handle_;
};

class WinScard final : public PcscService {
 public:
  ~WinScard() override { WinScard::disconnect(); }

  Code connect() override {
    const auto code =
        code_of(SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_));
    connected_ = code == pcsc::success;
    return code;
  }

  void disconnect() noexcept override {
    if (connected_) SCardReleaseContext(context_);
    connected_ = false;
  }

  Code list(std::vector<std::string>& readers) override {
    readers.clear();
    DWORD size = 0;
    auto code = code_of(SCardListReadersA(context_, nullptr, nullptr, &size));
    if (code != pcsc::success) return code;
    // Some room for a reader that comes between the two calls.
    std::string names(size + 1024, '\0');
    size = static_cast<DWORD>(names.size());
    code = code_of(SCardListReadersA(context_, nullptr, names.data(), &size));
    if (code != pcsc::success) return code;
    names.back() = '\0';
    for (const char* name = names.c_str(); *name != '\0'; name += readers.back().size() + 1) {
      readers.emplace_back(name);
    }
    return code;
  }

  Code look(std::span<PcscLook> readers) override {
    std::vector<SCARD_READERSTATEA> states(readers.size());
    for (std::size_t i = 0; i < readers.size(); ++i) {
      states[i].szReader = readers[i].reader.c_str();
      states[i].dwCurrentState = readers[i].known;
    }
    const auto code = code_of(
        SCardGetStatusChangeA(context_, 0, states.data(), static_cast<DWORD>(states.size())));
    for (std::size_t i = 0; i < readers.size(); ++i) readers[i].seen = states[i].dwEventState;
    OPENSSL_cleanse(states.data(), states.size() * sizeof states.front());
    return code;
  }

  /// The service is started by the first reader and ends with the last one. Only where somebody has
  /// disabled it does its absence say nothing about readers.
  bool rests_without_readers() const override {
    const CloseService manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
    if (manager.get() == nullptr) return false;
    const CloseService service{OpenServiceW(manager.get(), L"SCardSvr", SERVICE_QUERY_CONFIG)};
    if (service.get() == nullptr) return false;
    alignas(QUERY_SERVICE_CONFIGW) std::array<BYTE, 8192> room{};  // the most it can be
    auto* const facts = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(room.data());
    DWORD needed = 0;
    if (QueryServiceConfigW(service.get(), facts, static_cast<DWORD>(room.size()), &needed) ==
        FALSE) {
      return false;
    }
    return facts->dwStartType != SERVICE_DISABLED;
  }

 private:
  SCARDCONTEXT context_ = 0;
  bool connected_ = false;
};

}  // namespace

std::unique_ptr<PcscService> pcsc_service() { return std::make_unique<WinScard>(); }

}  // namespace kw::platform
