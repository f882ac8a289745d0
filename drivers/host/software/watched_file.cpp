#include "drivers/host/software/watched_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <utility>

#include <openssl/evp.h>

#include "common/identity/keys.hpp"

namespace kw::drivers::software {
namespace {

constexpr Duration read_again = std::chrono::hours{24};

}  // namespace

void WatchedFile::Free::operator()(evp_md_ctx_st* digest) const { EVP_MD_CTX_free(digest); }

WatchedFile::WatchedFile(std::string shown, std::filesystem::path path, std::string expected)
    : shown_(std::move(shown)), path_(std::move(path)), expected_(std::move(expected)) {}
WatchedFile::WatchedFile(WatchedFile&&) noexcept = default;
WatchedFile::~WatchedFile() = default;

void WatchedFile::look(MonoTime now, std::uint64_t bytes) {
  std::error_code bad;
  Stamp stamp;
  const bool file = std::filesystem::is_regular_file(path_, bad);
  if (file) stamp.size = std::filesystem::file_size(path_, bad);
  if (file && !bad) stamp.written = std::filesystem::last_write_time(path_, bad);
  if (!file || bad) {
    const bool denied = bad == std::errc::permission_denied;
    state_ = denied ? State::unreadable : State::missing;
    digest_.reset();
    stamp_.reset();
    return;
  }
  const bool due = !read_at_ || now - *read_at_ >= read_again;
  if (!stamp_ || *stamp_ != stamp || (due && !reading())) begin(stamp);
  if (!reading()) return;
  read_on(bytes);
  if (!reading() && state_ != State::unreadable) read_at_ = now;
}

void WatchedFile::begin(const Stamp& stamp) {
  stamp_ = stamp;
  offset_ = 0;
  digest_.reset(EVP_MD_CTX_new());
  EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
}

void WatchedFile::read_on(std::uint64_t bytes) {
  std::ifstream in{path_, std::ios::binary};
  in.seekg(static_cast<std::streamoff>(offset_));
  if (!in) {
    state_ = State::unreadable;
    digest_.reset();
    stamp_.reset();  // tried again at the next look
    return;
  }
  std::array<char, 64 * 1'024> chunk{};
  for (std::uint64_t done = 0; done < bytes && in;) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    EVP_DigestUpdate(digest_.get(), chunk.data(), got);
    done += got;
    offset_ += got;
  }
  if (in.bad()) {
    state_ = State::unreadable;
    digest_.reset();
    stamp_.reset();
    return;
  }
  if (in.eof()) finish();
}

void WatchedFile::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  EVP_DigestFinal_ex(digest_.get(), raw.data(), &size);
  digest_.reset();
  sha256_ = identity::to_hex({reinterpret_cast<const char*>(raw.data()), size});
  if (expected_.empty()) expected_ = sha256_;
  state_ = sha256_ == expected_ ? State::as_expected : State::changed;
}

}  // namespace kw::drivers::software
