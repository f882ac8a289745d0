#include "collector/page/page.hpp"

#include <algorithm>
#include <array>

#include "collector/page/texts.hpp"
#include "common/identity/keys.hpp"

namespace kw::collector {
namespace {

constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
  std::string_view path;
  std::string_view type;
  std::string_view body;
  std::string tag;  ///< strong ETag, in its quotes
};

File file(std::string_view path, std::string_view type, std::string_view body) {
  constexpr std::size_t enough = 20;
  return {path, type, body, "\"" + identity::sha256_hex(body).substr(0, enough) + "\""};
}

const std::array<File, 6>& files() {
  static const std::array all{
      file("/", "text/html; charset=utf-8", page_index_html()),
      file("/page.css", "text/css; charset=utf-8", page_page_css()),
      file("/page.js", "text/javascript; charset=utf-8", page_page_js()),
      file("/dom.js", "text/javascript; charset=utf-8", page_dom_js()),
      file("/feed.js", "text/javascript; charset=utf-8", page_feed_js()),
      file("/words.js", "text/javascript; charset=utf-8", page_words_js()),
  };
  return all;
}

/// RFC 9110, section 13.1.2: a list of tags, weak ones too, or a star.
bool names(std::string_view known, std::string_view tag) {
  return known == "*" || known.find(tag) != std::string_view::npos;
}

}  // namespace

std::optional<link::HttpResponse> page_file(std::string_view path, std::string_view known) {
  const auto it = std::ranges::find(files(), path, &File::path);
  if (it == files().end()) return std::nullopt;
  link::HttpResponse out;
  out.headers = {{"content-type", std::string{it->type}},
                 {"etag", it->tag},
                 {"cache-control", "no-cache"},
                 {"content-security-policy", std::string{policy}},
                 {"x-content-type-options", "nosniff"},
                 {"referrer-policy", "no-referrer"},
                 {"cross-origin-opener-policy", "same-origin"},
                 {"cross-origin-resource-policy", "same-origin"}};
  if (names(known, it->tag)) {
    out.status = 304;
  } else {
    out.body = it->body;
  }
  return out;
}

const std::string& page_version() {
  static const std::string version = [] {
    std::string all;
    for (const auto& one : files()) all += one.tag;
    return identity::sha256_hex(all).substr(0, 20);
  }();
  return version;
}

}  // namespace kw::collector
