#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kw {

/// What a caller can act on. The sentence beside it is for people.
enum class Errc {
  timeout,       ///< no answer within the deadline: ask again later
  disconnected,  ///< the other end or the port is gone: open again
  refused,       ///< the other end answered "no": do not repeat unchanged
  garbled,       ///< the answer broke its protocol's rules
  unsupported,   ///< this side or the other cannot do it, ever
  busy,          ///< somebody else uses it now: not a fault
  storage,       ///< disk or database
  invalid,       ///< the caller's input is wrong; nothing was changed
  missing,       ///< the named thing does not exist
};

std::string_view name(Errc code);

/// One reason to act on, one sentence to read. Each level that passes it on adds where.
class Error {
 public:
  Error(Errc code, std::string text) : code_(code), text_(std::move(text)) {}

  Errc code() const { return code_; }
  const std::string& text() const { return text_; }

  /// The same error, seen from one level up: "escpos: no reply within 400 ms".
  Error within(std::string_view where) && {
    text_.insert(0, ": ").insert(0, where);
    return std::move(*this);
  }

 private:
  Errc code_;
  std::string text_;
};

/// A value, or why there is none. Reading the wrong side is a bug and asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  T& operator*() & { return get(); }
  const T& operator*() const& { return const_cast<Result*>(this)->get(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  const T* operator->() const { return &const_cast<Result*>(this)->get(); }

  const Error& error() const& {
    assert(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(state_.index() == 1);
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T& get() {
    assert(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

/// Done, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }

  const Error& error() const& {
    assert(error_);
    return *error_;
  }
  Error&& error() && {
    assert(error_);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace kw
