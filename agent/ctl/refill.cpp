// kioskctl refill: tells the agent that a consumable was refilled.
#include <cmath>

#include "agent/ctl/commands.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

json::value or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace

int run_refill(const Options& options, const RefillArgs& args) {
  // JSON has no word for what is no number.
  for (const auto& amount : {args.amount, args.capacity}) {
    if (amount && !std::isfinite(*amount)) {
      return complain(options, usage, say(options, message::refill_amount));
    }
  }
  json::object request;
  request["device"] = args.device;
  request["lang"] = lang_tag(options);
  request["type"] = args.type;
  request["amount"] = or_null(args.amount);
  request["capacity"] = or_null(args.capacity);
  auto session = platform::ControlSession::open(options.data, "refill", request, answer_limit);
  if (!session) return not_asked(options, session.error());
  const auto answer = session->next();
  if (!answer) return not_asked(options, answer.error());
  if (at(*answer, "ok") != true) {
    return complain(options, usage, text(at(object_at(*answer, "error"), "message")),
                    say(options, message::refill_see));
  }
  const auto& done = object_at(*answer, "refill");
  const auto lang = options.view.lang;
  const auto level = at(done, "level").is_null()
                         ? say(options, message::refill_unknown)
                         : say(options, message::refill_level, text(at(done, "level")),
                               unit_word(text(at(done, "unit"), ""), lang));
  json::object out;
  out["refill"] = done;
  print(options, out,
        say(options, message::refill_done, text(at(done, "device")),
            supply_word(text(at(done, "type")), lang), level));
  return well;
}

}  // namespace kw::agent::ctl
