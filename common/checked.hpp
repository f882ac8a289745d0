#pragma once

#include <cassert>
#include <utility>
#include <variant>

#include "common/bilingual.hpp"
#include "common/result.hpp"

namespace kw {

/// A value made of what a person wrote, or what is wrong with that: a Result whose sentence people
/// read in their language. Reading the wrong side is a bug and asserts.
template <class T>
class [[nodiscard]] Checked {
 public:
  Checked(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Checked(Bilingual wrong) : state_(std::in_place_index<1>, std::move(wrong)) {}
  Checked(const Text& wrong) : Checked(Bilingual{wrong}) {}

  explicit operator bool() const { return state_.index() == 0; }

  T& operator*() & { return get(); }
  const T& operator*() const& { return const_cast<Checked*>(this)->get(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  const T* operator->() const { return &const_cast<Checked*>(this)->get(); }

  const Bilingual& wrong() const {
    assert(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }
  /// For callers that pass Errors on: Errc::invalid, in English as everything in a log.
  Error error() const { return Error{Errc::invalid, wrong().en}; }

 private:
  T& get() {
    assert(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Bilingual> state_;
};

}  // namespace kw
