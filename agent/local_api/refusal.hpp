#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/i18n.hpp"
#include "common/link/http.hpp"

namespace kw::agent {

/// Why a request is not carried out: nothing of it was.
struct Refusal {
  int status = 400;
  std::string code;   ///< what programs go by
  std::string field;  ///< the one that is wrong, "clicks.3.item"; empty: none in particular
  std::string zh;
  std::string en;
};

template <class... Args>
Refusal refuse(int status, std::string_view code, std::string field, const Text& text,
               const Args&... args) {
  return {status, std::string{code}, std::move(field), fmt::format(fmt::runtime(text.zh), args...),
          fmt::format(fmt::runtime(text.en), args...)};
}

/// The language that Accept-Language prefers among ours; `otherwise` when it names none of them.
Lang preferred(std::string_view accept_language, Lang otherwise);

/// `{code, message, field}`.
link::HttpResponse answer(const Refusal& refusal, Lang lang);

}  // namespace kw::agent
