#include "common/platform/control_endpoint.hpp"

#include <array>
#include <utility>

#include <boost/asio/windows/overlapped_ptr.hpp>
#include <windows.h>

#include "common/identity/keys.hpp"
#include "common/platform/win/handle.hpp"
#include "common/platform/win/security.hpp"

namespace kw::platform {
namespace {

using boost::system::error_code;

constexpr DWORD pipe_buffer = 64 * 1024;

/// One pipe a data folder, whatever way the folder is written.
std::wstring pipe_of(const std::filesystem::path& path) {
  std::error_code none;
  auto folder = std::filesystem::weakly_canonical(path.parent_path(), none).wstring();
  if (none) folder = path.parent_path().wstring();
  CharLowerBuffW(folder.data(), static_cast<DWORD>(folder.size()));
  return L"\\\\.\\pipe\\kioskwatch-" + wide(identity::sha256_hex(utf8(folder)).substr(0, 32));
}

Error failed(const char* what, DWORD number) {
  auto code = Errc::disconnected;
  if (number == ERROR_FILE_NOT_FOUND) code = Errc::missing;
  if (number == ERROR_ACCESS_DENIED) code = Errc::refused;
  return Error{code, std::string{what} + " the control pipe: " + reason_of(number)};
}

Result<Handle> make_pipe(const std::wstring& name, bool first) {
  auto owners = OwnersOnly::make();
  if (!owners) return owners.error();
  // The first one must be ours: nobody may have taken the name to answer in our place.
  const DWORD mode =
      PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0);
  Handle pipe{CreateNamedPipeW(
      name.c_str(), mode,
      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
      PIPE_UNLIMITED_INSTANCES, pipe_buffer, pipe_buffer, 0, owners->attributes())};
  if (!pipe) return failed("cannot listen on", GetLastError());
  return pipe;
}

template <class Token>
auto async_meet(ControlStream& pipe, Token&& token) {
  const auto start = [](auto handler, ControlStream* waiting) {
    asio::windows::overlapped_ptr operation{waiting->get_executor(), std::move(handler)};
    const auto met = ConnectNamedPipe(waiting->native_handle(), operation.get());
    const auto why = GetLastError();
    if (met != FALSE || why == ERROR_IO_PENDING) {
      operation.release();
      return;
    }
    const auto code = why == ERROR_PIPE_CONNECTED ? 0 : static_cast<int>(why);
    operation.complete(error_code{code, boost::system::system_category()}, 0);
  };
  return asio::async_initiate<Token, void(error_code, std::size_t)>(start, token, &pipe);
}

}  // namespace

struct ControlAcceptor::State {
  asio::any_io_executor executor;
  ControlStream waiting;  ///< the pipe that the next client meets: there always is one
  std::wstring name;
  bool open = false;

  Result<void> put_out(bool first) {
    auto pipe = make_pipe(name, first);
    if (!pipe) return pipe.error();
    error_code wrong;
    waiting.assign(pipe->get(), wrong);
    if (wrong) return Error{Errc::invalid, "control pipe: " + wrong.message()};
    pipe->release();
    return {};
  }
};

ControlAcceptor::ControlAcceptor(asio::any_io_executor executor)
    : state_(new State{executor, ControlStream{executor}, {}}) {}

ControlAcceptor::~ControlAcceptor() { close(); }

Result<void> ControlAcceptor::listen(const std::filesystem::path& path) {
  state_->name = pipe_of(path);
  auto out = state_->put_out(true);
  state_->open = static_cast<bool>(out);
  return out;
}

Task<Result<ControlStream>> ControlAcceptor::accept() {
  if (!state_->waiting.is_open()) {
    auto out = state_->put_out(false);
    if (!out) co_return out.error();
  }
  auto [wrong, nothing] = co_await async_meet(state_->waiting, as_result);
  if (!state_->open) co_return Error{Errc::disconnected, "control pipe: closed"};
  auto met = std::exchange(state_->waiting, ControlStream{state_->executor});
  // At once, so that the next client finds a pipe; what fails here is tried again above.
  [[maybe_unused]] const auto out = state_->put_out(false);
  if (wrong) co_return Error{Errc::disconnected, "control pipe: " + wrong.message()};
  co_return std::move(met);
}

bool ControlAcceptor::is_open() const { return state_->open; }

void ControlAcceptor::close() {
  state_->open = false;
  error_code ignored;
  state_->waiting.close(ignored);
}

struct ControlCall::State {
  Handle pipe;
  Duration limit;
};

ControlCall::ControlCall(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlCall::ControlCall(ControlCall&&) noexcept = default;
ControlCall& ControlCall::operator=(ControlCall&&) noexcept = default;
ControlCall::~ControlCall() = default;

Result<ControlCall> ControlCall::connect(const std::filesystem::path& path, Duration limit) {
  const auto name = pipe_of(path);
  const SystemClock clock;
  const auto deadline = clock.mono() + limit;
  for (;;) {
    // Who took the name in our agent's place may know who we are, but not act as us.
    Handle pipe{CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                            nullptr)};
    if (pipe) return ControlCall{std::make_unique<State>(State{std::move(pipe), limit})};
    const auto why = GetLastError();
    if (why != ERROR_PIPE_BUSY) return failed("cannot connect to", why);
    const auto left = wait_ms(clock.mono(), deadline);
    if (left == 0) return Error{Errc::timeout, "the agent is busy with other callers"};
    WaitNamedPipeW(name.c_str(), left);
  }
}

Result<void> ControlCall::send(std::string_view bytes) {
  while (!bytes.empty()) {
    Overlapped operation;
    const auto started = WriteFile(state_->pipe.get(), bytes.data(),
                                   static_cast<DWORD>(bytes.size()), nullptr, operation.get());
    const auto sent = operation.finish(state_->pipe.get(), started,
                                       wait_ms(MonoTime{}, MonoTime{state_->limit}), nullptr);
    if (!sent) return sent.error();
    bytes.remove_prefix(*sent);
  }
  return {};
}

Result<std::string> ControlCall::receive() {
  std::array<char, 4'096> block{};
  Overlapped operation;
  const auto started = ReadFile(state_->pipe.get(), block.data(), static_cast<DWORD>(block.size()),
                                nullptr, operation.get());
  auto got = operation.finish(state_->pipe.get(), started,
                              wait_ms(MonoTime{}, MonoTime{state_->limit}), nullptr);
  if (got) return std::string{block.data(), *got};
  if (GetLastError() == ERROR_BROKEN_PIPE) return std::string{};
  return std::move(got).error();
}

}  // namespace kw::platform
