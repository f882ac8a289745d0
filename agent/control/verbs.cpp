#include "agent/control/verbs.hpp"

#include <utility>

#include <boost/json/array.hpp>

#include "agent/bundle/bundle.hpp"
#include "agent/control/prove.hpp"
#include "agent/control/recent.hpp"
#include "common/platform/host_checks.hpp"
#include "common/wire/status_json.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr auto prove_limit = std::chrono::seconds{15};
constexpr auto test_limit = std::chrono::seconds{60};

/// How much of the text goes on one line: quoted it stays below 64 KiB, and no character is cut.
std::size_t piece_of(std::string_view text) {
  constexpr std::size_t most = 24 * 1024;
  if (text.size() <= most) return text.size();
  auto size = most;
  while (size > most - 4 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
  return size;
}

Result<std::string> text_of(const json::object& args, std::string_view key) {
  const auto* value = args.if_contains(key);
  if (value == nullptr || value->is_null()) return std::string{};
  if (!value->is_string()) return Error{Errc::invalid, std::string{key} + " is not a text"};
  return std::string{std::string_view{value->get_string()}};
}

Result<std::optional<double>> number_of(const json::object& args, std::string_view key) {
  const auto* value = args.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<double>{};
  if (!value->is_number()) return Error{Errc::invalid, std::string{key} + " is not a number"};
  return std::optional{value->to_number<double>()};
}

/// The language of whoever asks; nothing: he did not say, or one that we have not.
std::optional<Lang> lang_of(const json::object& args) {
  const auto tag = text_of(args, "lang");
  return tag ? lang_from(*tag) : std::nullopt;
}

json::value or_null(const std::optional<double>& number) {
  return number ? wire::number_json(*number) : json::value(nullptr);
}

}  // namespace

Verbs::Verbs(Answers& answers, Journal& journal, Uplink& uplink, const Clock& clock,
             SelfTest self_test, std::function<std::string()> configuration, Refill refill)
    : answers_(answers),
      journal_(journal),
      uplink_(uplink),
      clock_(clock),
      self_test_(std::move(self_test)),
      configuration_(std::move(configuration)),
      refill_(std::move(refill)),
      started_(clock.mono()) {}

Task<Result<json::object>> Verbs::answer(std::string verb, json::object args) {
  if (verb == "events") co_return co_await events(std::move(args));
  if (verb == "self-test") co_return co_await test(std::move(args));
  if (verb == "refill") co_return refill(args);
  if (verb == "prove") {
    json::object out;
    out["proof"] = co_await prove(journal_, uplink_, clock_, prove_limit);
    co_return out;
  }
  const bool status = verb == "status";
  auto answered = co_await answers_.answer(std::move(verb), std::move(args));
  if (status && answered) (*answered)["process"] = process();
  co_return answered;
}

Task<std::string> Verbs::bundle() {
  const auto ask = [this](std::string verb, json::object args) {
    return answer(std::move(verb), std::move(args));
  };
  BundleSources from{ask, journal_, clock_, configuration_()};
  co_return co_await compose_bundle(std::move(from));
}

Task<Result<void>> Verbs::bundle(platform::ControlServer::Lines& to) {
  const auto text = co_await bundle();
  for (std::string_view rest = text; !rest.empty();) {
    const auto piece = rest.substr(0, piece_of(rest));
    rest.remove_prefix(piece.size());
    json::object line;
    line["chunk"] = piece;
    const bool taken = co_await to.send(std::move(line));
    if (!taken) break;
  }
  co_return Result<void>{};
}

json::object Verbs::process() const {
  const auto used = platform::own_usage();
  json::object out;
  out["id"] = platform::own_process();
  out["resident_bytes"] = used.resident_bytes;
  out["cpu_ms"] = used.cpu.count() / 1'000;
  out["up_ms"] = (clock_.mono() - started_).count() / 1'000;
  return out;
}

Task<Result<json::object>> Verbs::events(json::object args) {
  const auto asked = recent_from(args);
  if (!asked) co_return asked.error();
  const auto wanted = *asked;
  const auto read = [wanted](Outbox& outbox) { return recent_events(outbox, wanted); };
  auto found = co_await journal_.ask(read);
  json::array to;
  for (auto& event : found) to.push_back(std::move(event));
  json::object out;
  out["events"] = std::move(to);
  co_return out;
}

Result<json::object> Verbs::refill(const json::object& args) {
  auto device = text_of(args, "device");
  auto type = text_of(args, "type");
  const auto amount = number_of(args, "amount");
  const auto capacity = number_of(args, "capacity");
  if (!device) return std::move(device).error();
  if (!type) return std::move(type).error();
  if (!amount) return amount.error();
  if (!capacity) return capacity.error();
  const auto done = refill_(*device, *type, *amount, *capacity, lang_of(args));
  if (!done) return done.error();
  json::object result;
  result["device"] = done->device;
  result["type"] = done->type;
  result["unit"] = done->refilled.unit;
  result["before"] = or_null(done->refilled.before);
  result["level"] = or_null(done->refilled.level);
  result["capacity"] = or_null(done->refilled.capacity);
  result["used"] = wire::number_json(done->refilled.used);
  json::object out;
  out["refill"] = std::move(result);
  return out;
}

Task<Result<json::object>> Verbs::test(json::object args) {
  auto device = text_of(args, "device");
  auto what = text_of(args, "test");
  if (!device) co_return std::move(device).error();
  if (!what) co_return std::move(what).error();
  auto done = co_await self_test_(*device, *what, test_limit, lang_of(args));
  if (!done) co_return std::move(done).error();
  json::object result;
  result["device"] = *device;
  result["test"] = *what;
  result["passed"] = done->passed;
  json::array attempts;
  for (const auto& took : done->attempts) attempts.emplace_back(took.count() / 1'000);
  result["attempts_ms"] = std::move(attempts);
  result["detail"] = done->detail;
  json::object out;
  out["self_test"] = std::move(result);
  co_return out;
}

}  // namespace kw::agent
