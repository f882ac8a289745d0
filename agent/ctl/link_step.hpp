#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "agent/ctl/link_check.hpp"
#include "agent/ctl/link_messages.hpp"

namespace kw::agent::ctl {

/// Words one step of the link check. For sources of the link check only.
class StepWriter {
 public:
  StepWriter(std::string_view id, const Text& title, Lang lang) : lang_(lang) {
    step_.step = id;
    step_.title = title.in(lang);
  }

  LinkStep well(std::string detail) const { return result(StepState::ok, {}, std::move(detail)); }
  template <class... Args>
  LinkStep well(const Text& text, const Args&... args) const {
    return result(StepState::ok, {}, phrase(text, args...));
  }
  LinkStep skipped() const { return result(StepState::skipped, {}, phrase(message::link_skipped)); }
  template <class... Args>
  LinkStep warned(const message::Finding& finding, const Args&... args) const {
    return found(StepState::warn, finding, phrase(finding.seen, args...));
  }
  template <class... Args>
  LinkStep failed(const message::Finding& finding, const Args&... args) const {
    return found(StepState::fail, finding, phrase(finding.seen, args...));
  }

  Lang lang() const { return lang_; }

 private:
  template <class... Args>
  std::string phrase(const Text& text, const Args&... args) const {
    return fmt::format(fmt::runtime(text.in(lang_)), args...);
  }
  LinkStep result(StepState state, std::string_view code, std::string detail) const {
    auto out = step_;
    out.state = state;
    out.code = code;
    out.detail = std::move(detail);
    return out;
  }
  LinkStep found(StepState state, const message::Finding& finding, std::string detail) const {
    auto out = result(state, finding.code, std::move(detail));
    out.advice = finding.advice.in(lang_);
    return out;
  }

  LinkStep step_;
  Lang lang_;
};

}  // namespace kw::agent::ctl
