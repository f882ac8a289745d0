#include "agent/local_api/ledger.hpp"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/identity/keys.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr const char* session_key = "session";

std::string begin_name(const std::string& id) { return "session/" + id; }
std::string end_name(const std::string& id) { return "session-end/" + id; }

Entered entered(Told told) {
  switch (told.how) {
    case Told::How::written:
      return {Entered::How::written, std::move(told.answer)};
    case Told::How::again:
      return {Entered::How::again, std::move(told.answer)};
    case Told::How::other:
      return {Entered::How::id_reused};
    case Told::How::not_kept:
      break;
  }
  return {};
}

std::uint64_t milliseconds(Duration span) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, span.count() / 1'000));
}

std::string text_at(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{std::string_view{value->get_string()}}
                                                : std::string{};
}

std::int64_t number_at(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace

void Ledger::begin(Outbox& outbox, Duration session_timeout) {
  timeout_ = session_timeout;
  closed_ = false;
  if (!std::exchange(resumed_, true)) resume(outbox);
  expire(outbox);
}

void Ledger::close(Outbox& outbox) {
  closed_ = true;
  if (!std::exchange(resumed_, true)) resume(outbox);
  expire(outbox);
}

/// The session that an earlier run of the agent left open.
void Ledger::resume(Outbox& outbox) {
  json::error_code wrong;
  const auto kept = json::parse(outbox.note(session_key), wrong);
  const auto* from = wrong ? nullptr : kept.if_object();
  if (from == nullptr || text_at(*from, "id").empty()) return;
  Open open;
  open.id = text_at(*from, "id");
  open.application = text_at(*from, "application");
  open.begun = {mono_from(number_at(*from, "mono_us")), wall_from(number_at(*from, "wall_us"))};
  const bool same_boot = text_at(*from, "boot") == identity::to_hex(boot_id_);
  open.heard = clock_.mono();
  open.cut = !same_boot;
  // The clock that counts from boot compares what was in one boot only; the wall clock may have
  // been set in between.
  const auto& before = outbox.last_run();
  const bool its_boot =
      before && before->last_seen && identity::to_hex(before->boot_id) == text_at(*from, "boot");
  if (open.cut && its_boot && *before->last_seen >= open.begun.mono) {
    open.lasted = *before->last_seen - open.begun.mono;
  }
  open_ = std::move(open);
  if (open_->cut) {
    end_open(outbox, "restarted", now());
  } else {
    serving_.begin({open_->id, open_->application, open_->begun.wall});
  }
}

Telling Ledger::ending(std::string reason, const Seen& seen) const {
  if (open_->cut) reason = "restarted";
  const auto lasted = open_->cut ? open_->lasted : seen.mono - open_->begun.mono;
  json::object body;
  body["id"] = open_->id;
  body["ended_at"] = rfc3339(seen.wall);
  body["duration_ms"] = lasted ? json::value(milliseconds(*lasted)) : json::value(nullptr);
  Telling out;
  out.names.push_back({end_name(open_->id), reason, json::serialize(body)});
  pb::Event event;
  auto& session = *event.mutable_session();
  session.set_id(open_->id);
  session.set_kind(pb::ServiceSession::END);
  session.set_application(open_->application);
  session.set_reason(reason);
  if (lasted) session.set_duration_ms(milliseconds(*lasted));
  out.events.push_back(std::move(event));
  out.note = {session_key, ""};
  return out;
}

void Ledger::ended(const std::string& reason, const Seen& seen) {
  serving_.end({open_->id, reason, seen.wall});
  open_.reset();
}

bool Ledger::end_open(Outbox& outbox, const std::string& reason, const Seen& seen) {
  if (outbox.tell(ending(reason, seen), seen).how != Told::How::written) return false;
  log::warning("session-ended", {{"session", open_->id}, {"reason", reason}});
  ended(reason, seen);
  return true;
}

void Ledger::expire(Outbox& outbox) {
  if (!open_) return;
  const bool over = open_->cut || closed_ || clock_.mono() - open_->heard >= timeout_;
  if (!over) return;
  // Not written: tried again with the next look.
  end_open(outbox, open_->cut ? "restarted" : closed_ ? "switched-off" : "timeout", now());
}

Entered Ledger::begin_session(Outbox& outbox, const pb::ServiceSession& session) {
  const auto seen = now();
  const auto& id = session.id();
  json::object body;
  body["id"] = id;
  body["began_at"] = rfc3339(seen.wall);
  Telling telling;
  telling.names.push_back(
      {begin_name(id), identity::sha256(session.SerializeAsString()), json::serialize(body)});
  // One citizen at a time: an application that began anew has forgotten the one before.
  if (open_ && open_->id != id) {
    auto before = ending("replaced", seen);
    telling.names.push_back(std::move(before.names.front()));
    telling.events.push_back(std::move(before.events.front()));
  }
  pb::Event event;
  *event.mutable_session() = session;
  telling.events.push_back(std::move(event));
  json::object kept;
  kept["id"] = id;
  kept["application"] = session.application();
  kept["boot"] = identity::to_hex(boot_id_);
  kept["mono_us"] = micros(seen.mono);
  kept["wall_us"] = micros(seen.wall);
  telling.note = {session_key, json::serialize(kept)};
  auto told = outbox.tell(telling, seen);
  if (told.how == Told::How::again && open_ && open_->id == id) open_->heard = seen.mono;
  if (told.how == Told::How::written) {
    if (open_) ended(open_->cut ? "restarted" : "replaced", seen);
    open_ = Open{id, session.application(), seen, seen.mono};
    serving_.begin({id, session.application(), seen.wall});
  }
  return entered(std::move(told));
}

Entered Ledger::end_session(Outbox& outbox, const std::string& id, const std::string& reason) {
  const auto seen = now();
  if (is_open() && open_->id == id) {
    auto told = outbox.tell(ending(reason, seen), seen);
    if (told.how == Told::How::written) ended(reason, seen);
    return entered(std::move(told));
  }
  if (open_ && open_->id == id) return {};  // cut, and its end is not written yet
  const auto end = outbox.told(end_name(id));
  if (!end) return {Entered::How::no_session};
  if (end->mark == reason) return {Entered::How::again, end->answer};
  return {Entered::How::session_over, {}, end->mark};
}

std::string Ledger::session_of(const std::string& said) {
  if (!is_open()) return said;
  if (said.empty() || said == open_->id) {
    open_->heard = clock_.mono();
    return open_->id;
  }
  return said;
}

Entered Ledger::enter(Outbox& outbox, std::string name, std::string mark, const std::string& id,
                      pb::Event event) {
  const auto seen = now();
  json::object body;
  body["id"] = id;
  body["recorded_at"] = rfc3339(seen.wall);
  Telling telling;
  telling.names.push_back({std::move(name), identity::sha256(mark), json::serialize(body)});
  telling.events.push_back(std::move(event));
  return entered(outbox.tell(telling, seen));
}

Entered Ledger::transaction(Outbox& outbox, pb::Transaction told) {
  // What the application sent, without what is added here: told again it is the same.
  auto mark = told.SerializeAsString();
  told.set_session(session_of(told.session()));
  pb::Event event;
  const auto id = told.id();
  *event.mutable_transaction() = std::move(told);
  return enter(outbox, "transaction/" + id, std::move(mark), id, std::move(event));
}

Entered Ledger::clicks(Outbox& outbox, pb::Clicks told) {
  auto bare = told;
  for (auto& click : *bare.mutable_click()) click.clear_ago_ms();  // grows until it is told
  told.set_session(session_of(told.session()));
  pb::Event event;
  const auto id = told.id();
  *event.mutable_clicks() = std::move(told);
  return enter(outbox, "clicks/" + id, bare.SerializeAsString(), id, std::move(event));
}

Entered Ledger::use(Outbox& outbox, pb::ConsumableUse told) {
  auto mark = told.SerializeAsString();
  told.set_session(session_of(told.session()));
  pb::Event event;
  const auto id = told.id();
  *event.mutable_consumable_use() = std::move(told);
  return enter(outbox, "use/" + id, std::move(mark), id, std::move(event));
}

}  // namespace kw::agent
