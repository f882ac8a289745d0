#include "common/platform/pcsc_service.hpp"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <winscard.h>

namespace kw::platform {
namespace {

/// Loaded when the first reader is looked for: a kiosk without one needs neither the library nor
/// its memory. It must be the system's own, as it speaks its daemon's version of their protocol.
struct Library {
  decltype(&SCardEstablishContext) establish = nullptr;
  decltype(&SCardReleaseContext) release = nullptr;
  decltype(&SCardListReaders) list = nullptr;
  decltype(&SCardGetStatusChange) look = nullptr;

  Library() {
    void* const library = ::dlopen("libpcsclite.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    find(library, "SCardReleaseContext", release);
    find(library, "SCardListReaders", list);
    find(library, "SCardGetStatusChange", look);
    if (release != nullptr && list != nullptr && look != nullptr) {
      find(library, "SCardEstablishContext", establish);
    }
  }

 private:
  template <class Function>
  static void find(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(::dlsym(library, name));
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

PcscService::Code code_of(LONG returned) { return static_cast<PcscService::Code>(returned); }

class PcscLite final : public PcscService {
 public:
  ~PcscLite() override { PcscLite::disconnect(); }

  Code connect() override {
    if (library().establish == nullptr) return pcsc::no_library;
    const auto code = code_of(library().establish(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_));
    connected_ = code == pcsc::success;
    return code;
  }

  void disconnect() noexcept override {
    if (connected_) library().release(context_);
    connected_ = false;
  }

  Code list(std::vector<std::string>& readers) override {
    readers.clear();
    DWORD size = 0;
    auto code = code_of(library().list(context_, nullptr, nullptr, &size));
    if (code != pcsc::success) return code;
    // Some room for a reader that comes between the two calls.
    std::string names(size + 1024, '\0');
    size = names.size();
    code = code_of(library().list(context_, nullptr, names.data(), &size));
    if (code != pcsc::success) return code;
    names.back() = '\0';
    for (const char* name = names.c_str(); *name != '\0'; name += readers.back().size() + 1) {
      readers.emplace_back(name);
    }
    return code;
  }

  Code look(std::span<PcscLook> readers) override {
    std::vector<SCARD_READERSTATE> states(readers.size());
    for (std::size_t i = 0; i < readers.size(); ++i) {
      states[i].szReader = readers[i].reader.c_str();
      states[i].dwCurrentState = readers[i].known;
    }
    const auto code =
        code_of(library().look(context_, 0, states.data(), static_cast<DWORD>(states.size())));
    for (std::size_t i = 0; i < readers.size(); ++i) {
      readers[i].seen = static_cast<std::uint32_t>(states[i].dwEventState);
    }
    OPENSSL_cleanse(states.data(), states.size() * sizeof states.front());
    return code;
  }

  bool rests_without_readers() const override { return false; }

 private:
  SCARDCONTEXT context_ = 0;
  bool connected_ = false;
};

}  // namespace

std::unique_ptr<PcscService> pcsc_service() { return std::make_unique<PcscLite>(); }

}  // namespace kw::platform
