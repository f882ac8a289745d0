#include "agent/local_api/refusal.hpp"

#include <charconv>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace kw::agent {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// "q=0.8" in thousandths; 1000 without a weight, 0 for one that is none (RFC 9110, 12.4.2).
int weight(std::string_view parameters) {
  const auto at = parameters.find("q=");
  if (at == std::string_view::npos) return 1'000;
  auto text = parameters.substr(at + 2);
  int whole = 0;
  int thousandths = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error != std::errc{} || whole < 0 || whole > 1) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  int place = 100;
  for (std::size_t i = 1; i < text.size() && i <= 3 && text[0] == '.'; ++i, place /= 10) {
    if (text[i] < '0' || text[i] > '9') break;
    thousandths += (text[i] - '0') * place;
  }
  return std::min(1'000, whole * 1'000 + thousandths);
}

}  // namespace

Lang preferred(std::string_view accept_language, Lang otherwise) {
  int best = 0;
  Lang out = otherwise;
  while (!accept_language.empty()) {
    const auto comma = std::min(accept_language.find(','), accept_language.size());
    const auto entry = trimmed(accept_language.substr(0, comma));
    accept_language.remove_prefix(std::min(comma + 1, accept_language.size()));
    const auto tag = trimmed(entry.substr(0, entry.find(';')));
    const bool zh = tag.starts_with("zh") || tag.starts_with("ZH");
    const bool en = tag.starts_with("en") || tag.starts_with("EN");
    const int wanted = zh || en ? weight(entry.substr(tag.size())) : 0;
    if (wanted <= best) continue;
    best = wanted;
    out = zh ? Lang::zh_cn : Lang::en;
  }
  return out;
}

link::HttpResponse answer(const Refusal& refusal, Lang lang) {
  boost::json::object body;
  body["code"] = refusal.code;
  body["message"] = lang == Lang::zh_cn ? refusal.zh : refusal.en;
  if (!refusal.field.empty()) body["field"] = refusal.field;
  link::HttpResponse out;
  out.status = refusal.status;
  out.headers["Content-Type"] = "application/json; charset=utf-8";
  out.headers["Content-Language"] = lang == Lang::zh_cn ? "zh-CN" : "en";
  out.body = boost::json::serialize(body);
  return out;
}

}  // namespace kw::agent
