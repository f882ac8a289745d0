#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "agent/ctl/table.hpp"
#include "common/clock.hpp"
#include "common/i18n.hpp"

/// One thing that link or doctor looked at, and how it is worded.
namespace kw::agent::ctl {

enum class Outcome { ok, warn, fail, skipped };
std::string_view name(Outcome outcome);

struct Check {
  std::string id;  ///< for programs: "dns"
  std::string title;
  Outcome outcome = Outcome::skipped;
  Duration took{};
  std::string code;    ///< of a warning or failure, for programs: "name-not-found"
  std::string detail;  ///< what was seen
  std::string advice;  ///< what to do; empty when all is well
};

/// The first that failed, or null.
const Check* first_failed(const std::vector<Check>& checks);

/// `{KEY: id, state, took_ms, code, detail, advice}`.
boost::json::object to_json(const Check& check, std::string_view key);
/// A mark, the title, the detail; the advice in a row of its own.
void put_row(Table& table, const Check& check, Lang lang);

/// Something wrong: its code for programs, what was seen, what to do.
struct Finding {
  std::string_view code;
  Text seen;
  Text advice;
};

/// What English puts behind a word after a number.
inline std::string_view plural(std::int64_t count) { return count == 1 ? "" : "s"; }

inline constexpr Text not_checked{"未检查", "not checked"};

/// Words one check.
class CheckWriter {
 public:
  CheckWriter(std::string_view id, const Text& title, Lang lang)
      : CheckWriter(std::string{id}, std::string{title.in(lang)}, lang) {}
  CheckWriter(std::string id, std::string title, Lang lang) : lang_(lang) {
    check_.id = std::move(id);
    check_.title = std::move(title);
  }

  Check well(std::string detail) const { return result(Outcome::ok, {}, std::move(detail)); }
  template <class... Args>
  Check well(const Text& text, const Args&... args) const {
    return result(Outcome::ok, {}, phrase(text, args...));
  }
  Check skipped() const { return result(Outcome::skipped, {}, phrase(not_checked)); }
  template <class... Args>
  Check warned(const Finding& finding, const Args&... args) const {
    return found(Outcome::warn, finding, phrase(finding.seen, args...));
  }
  template <class... Args>
  Check failed(const Finding& finding, const Args&... args) const {
    return found(Outcome::fail, finding, phrase(finding.seen, args...));
  }

  Lang lang() const { return lang_; }

 private:
  template <class... Args>
  std::string phrase(const Text& text, const Args&... args) const {
    return fmt::format(fmt::runtime(text.in(lang_)), args...);
  }
  Check result(Outcome outcome, std::string_view code, std::string detail) const {
    auto out = check_;
    out.outcome = outcome;
    out.code = code;
    out.detail = std::move(detail);
    return out;
  }
  Check found(Outcome outcome, const Finding& finding, std::string detail) const {
    auto out = result(outcome, finding.code, std::move(detail));
    out.advice = finding.advice.in(lang_);
    return out;
  }

  Check check_;
  Lang lang_;
};

}  // namespace kw::agent::ctl
