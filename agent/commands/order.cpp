#include "agent/commands/order.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/commands/messages.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t shown = 64;  // of what somebody else wrote

template <class... Args>
Error say(Lang lang, const Text& text, const Args&... args) {
  return {Errc::invalid, fmt::format(fmt::runtime(text.in(lang)), args...)};
}

struct Verb {
  std::string_view name;
  std::span<const std::string_view> arguments;
};

constexpr std::array<std::string_view, 1> refresh_arguments{"device"};
constexpr std::array<std::string_view, 2> test_arguments{"device", "test"};
constexpr std::array verbs{
    Verb{"refresh", refresh_arguments},
    Verb{"self-test", test_arguments},
    Verb{"log-bundle", {}},
};

/// The arguments as texts; every one of them is known and not empty.
Result<json::object> read_arguments(const Verb& verb, std::string_view args, Lang lang) {
  json::error_code wrong;
  json::parse_options options;
  options.max_depth = 4;
  auto parsed = json::parse(args.empty() ? "{}" : args, wrong, {}, options);
  if (wrong || !parsed.is_object()) return say(lang, message::args_not_object);
  for (const auto& [key, value] : parsed.get_object()) {
    if (std::ranges::find(verb.arguments, std::string_view{key}) == verb.arguments.end()) {
      const auto known = verb.arguments.empty()
                             ? std::string{message::no_arguments.in(lang)}
                             : fmt::format("{}", fmt::join(verb.arguments, ", "));
      return say(lang, message::unknown_argument, verb.name, std::string{key}.substr(0, shown),
                 known);
    }
    if (!value.is_string() || value.get_string().empty()) {
      return say(lang, message::argument_not_text, std::string{key});
    }
  }
  return std::move(parsed.get_object());
}

std::optional<std::string> text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return std::string{std::string_view{value->get_string()}};
}

}  // namespace

Result<Order> parse_order(const std::string& verb, std::string_view args, Lang lang) {
  const auto known = std::ranges::find(verbs, verb, &Verb::name);
  if (known == verbs.end()) return say(lang, message::unknown_verb, verb.substr(0, shown));
  const auto given = read_arguments(*known, args, lang);
  if (!given) return given.error();
  if (verb == "refresh") return Order{order::Refresh{text_at(*given, "device")}};
  if (verb == "log-bundle") return Order{order::LogBundle{}};
  auto device = text_at(*given, "device");
  if (!device) return say(lang, message::argument_missing, verb, "device");
  return Order{order::SelfTest{std::move(*device), text_at(*given, "test").value_or("")}};
}

}  // namespace kw::agent
