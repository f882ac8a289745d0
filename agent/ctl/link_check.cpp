#include "agent/ctl/link_check.hpp"

#include <optional>

#include <fmt/format.h>

#include "agent/ctl/check.hpp"
#include "agent/ctl/link_dates.hpp"
#include "agent/ctl/link_messages.hpp"
#include "agent/ctl/spans.hpp"
#include "common/identity/certificate.hpp"
#include "common/link/examine.hpp"
#include "common/link/http_date.hpp"
#include "common/link/link.hpp"
#include "common/wire/close_codes.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;
using link::Knocked;

std::string word(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{std::string_view{value->get_string()}};
}

/// The steps of one check, each put at the end of the list as it is taken.
class Walk {
 public:
  Walk(const LinkCheck& what, const Clock& clock)
      : what_(what),
        proxied_(what.proxy && what.proxy->serves(what.server)),
        next_(proxied_ ? what.proxy->at : what.server),
        clock_(clock) {}

  Task<std::vector<Check>> go() {
    for (const auto take :
         {&Walk::dns, &Walk::tcp, &Walk::tls, &Walk::certificate, &Walk::websocket}) {
      began_ = clock_.mono();
      co_await (this->*take)();
    }
    co_return std::move(steps_);
  }

 private:
  Task<void> dns();
  Task<void> tcp();
  Task<void> tls();
  Task<void> certificate();
  Task<void> websocket();

  /// Whether a step is left out because of an earlier one; it is noted then.
  bool skipped(std::string_view step, const Text& title) {
    if (first_failed(steps_) == nullptr) return false;
    steps_.push_back(CheckWriter{step, title, what_.lang}.skipped());
    return true;
  }
  void put(Check step) {
    step.took = clock_.mono() - began_;
    steps_.push_back(std::move(step));
  }
  /// dns and tcp end at the proxy when there is one: then it is the proxy's to be mended.
  void put_next(Check step) {
    if (proxied_) {
      step.detail = fmt::format(fmt::runtime(message::link_via_proxy.in(what_.lang)), next_.text(),
                                step.detail);
      if (step.outcome == Outcome::fail) step.advice = message::link_mend_proxy.in(what_.lang);
    }
    put(std::move(step));
  }
  std::string limit() const { return span_text(what_.limit, what_.lang); }
  Result<std::shared_ptr<const link::ClientTls>> client(bool with_certificate) const;

  const LinkCheck& what_;
  const bool proxied_;
  const link::Endpoint next_;  ///< whom this kiosk connects to: the collector or the proxy
  const Clock& clock_;
  MonoTime began_{};
  std::vector<Check> steps_;
  std::vector<std::string> addresses_;
  link::Looked looked_;  ///< as a stranger sees the server
};

Result<std::shared_ptr<const link::ClientTls>> Walk::client(bool with_certificate) const {
  link::ClientTls::Options options;
  if (with_certificate) options.own = what_.identity.own;
  options.trust_pem = what_.identity.ca_pem;
  options.ignore_dates = true;  // judged by `certificate`, by two clocks
  options.resume = false;
  return link::ClientTls::make(options);
}

Task<void> Walk::dns() {
  const CheckWriter step{"dns", message::step_dns, what_.lang};
  auto found = co_await link::look_up(next_, what_.limit);
  if (found) {
    addresses_ = std::move(*found);
    put_next(step.well(fmt::format("{}", fmt::join(addresses_, ", "))));
  } else if (found.error().code() == Errc::timeout) {
    put_next(step.failed(message::link_dns_silent, limit()));
  } else {
    put_next(step.failed(message::link_no_such_name, next_.host, found.error().text()));
  }
}

Task<void> Walk::tcp() {
  if (skipped("tcp", message::step_tcp)) co_return;
  const CheckWriter step{"tcp", message::step_tcp, what_.lang};
  const auto knocked = co_await link::knock(addresses_, next_.port, what_.limit);
  const auto at = link::Endpoint{knocked.address, next_.port}.text();
  switch (knocked.answer) {
    case Knocked::Answer::open:
      co_return put_next(step.well(at));
    case Knocked::Answer::closed:
      co_return put_next(step.failed(message::link_port_closed, at));
    case Knocked::Answer::silent:
      co_return put_next(step.failed(message::link_silent, at, limit()));
    case Knocked::Answer::unreachable:
      co_return put_next(step.failed(message::link_unreachable, at, knocked.reason));
  }
}

Task<void> Walk::tls() {
  if (skipped("tls", message::step_tls)) co_return;
  const CheckWriter step{"tls", message::step_tls, what_.lang};
  const auto tls = client(false);
  if (!tls) co_return put(step.failed(message::link_tls_failed, tls.error().text()));
  looked_ = co_await link::look_at(what_.server, *tls, what_.limit, what_.proxy);
  const auto& shown = looked_.server.common_name;
  if (looked_.secured) {
    put(step.well(message::link_tls_ok, shown));
  } else if (!looked_.tunnelled) {
    put(step.failed(message::link_no_tunnel, looked_.error->text()));
  } else if (looked_.distrust == link::Distrust::authority) {
    put(step.failed(message::link_wrong_ca, shown, looked_.error->text()));
  } else if (looked_.distrust == link::Distrust::name) {
    put(step.failed(message::link_wrong_name, shown, what_.server.host));
  } else if (looked_.error->code() == Errc::timeout) {
    put(step.failed(message::link_tls_silent, limit()));
  } else if (looked_.error->code() == Errc::garbled) {
    put(step.failed(message::link_not_tls, looked_.error->text()));
  } else {
    put(step.failed(message::link_tls_failed, looked_.error->text()));
  }
}

Task<void> Walk::certificate() {
  if (skipped("certificate", message::step_certificate)) co_return;
  const auto own = identity::Certificate::parse(what_.identity.own.chain_pem);
  const CheckWriter step{"certificate", message::step_certificate, what_.lang};
  if (!own) {
    co_return put(step.failed(message::link_identity_broken, own.error().text()));
  }
  Dates dates;
  dates.kiosk = clock_.wall();
  if (const auto told = looked_.response.headers.find("date");
      told != looked_.response.headers.end()) {
    dates.collector = link::from_http_date(told->second);
  }
  dates.server = {looked_.server.not_before, looked_.server.not_after};
  dates.own = {own->not_before, own->not_after};
  put(judge_dates(step, dates));
}

Task<void> Walk::websocket() {
  if (skipped("websocket", message::step_websocket)) co_return;
  const CheckWriter step{"websocket", message::step_websocket, what_.lang};
  const auto tls = client(true);
  if (!tls) {
    co_return put(step.failed(message::link_identity_broken, tls.error().text()));
  }
  std::optional<link::Refusal> declined;
  auto opened = co_await link::dial(what_.server, *tls, what_.limit, &declined, what_.proxy);
  if (opened) {
    const auto open = std::move(*opened);
    co_await open->close(wire::close_normal.code, "link check");
    co_return put(step.well(message::link_upgraded));
  }
  const auto& why = opened.error();
  if (declined) {
    put(step.failed(refusal_finding(declined->code), declined->detail));
  } else if (why.code() == Errc::refused) {
    put(step.failed(message::link_certificate_refused, why.text()));
  } else if (why.code() == Errc::timeout) {
    put(step.failed(message::link_websocket_silent, why.text()));
  } else if (why.code() == Errc::busy) {
    put(step.failed(message::link_busy, why.text()));
  } else {
    put(step.failed(message::link_no_websocket, why.text()));
  }
}

Check acknowledged(const CheckWriter& step, const Result<json::object>& proof, Duration took) {
  if (!proof) {
    const auto& why = proof.error();
    if (why.code() == Errc::missing) {
      return step.failed(message::link_agent_not_running);
    }
    const auto& finding =
        why.code() == Errc::refused ? message::link_agent_no_rights : message::link_agent_silent;
    return step.failed(finding, why.text());
  }
  const auto* told = proof->if_contains("proof");
  const auto facts = told != nullptr && told->is_object() ? told->get_object() : json::object{};
  const auto* twin = facts.if_contains("quarantined");
  if (twin != nullptr && *twin == true) return step.failed(message::link_quarantined);
  const auto* stored = facts.if_contains("acknowledged");
  if (stored != nullptr && *stored == true) {
    const auto ms = std::chrono::milliseconds{facts.at("took_ms").to_number<std::int64_t>()};
    return step.well(message::link_stored, span_text(ms, step.lang()));
  }
  if (const auto* written = facts.if_contains("written"); written != nullptr && *written == false) {
    return step.failed(message::link_not_written);
  }
  const auto phase = word(facts, "phase");
  if (phase != "live" && phase != "draining") {
    return step.failed(message::link_not_connected, phase, word(facts, "last_error"));
  }
  const auto* waiting = facts.if_contains("unacknowledged");
  const auto count =
      waiting != nullptr && waiting->is_number() ? waiting->to_number<std::int64_t>() : 0;
  return step.failed(message::link_not_stored, span_text(took, step.lang()), count);
}

}  // namespace

const Finding& refusal_finding(const std::string& refusal) {
  using namespace message;
  for (const auto* finding :
       {&link_revoked, &link_superseded, &link_unknown_certificate, &link_wrong_terminal}) {
    if (finding->code == refusal) return *finding;
  }
  return refusal == "busy" ? link_busy : link_certificate_refused;
}

Check identity_step(const Result<IdentityFiles>& identity, Lang lang) {
  const CheckWriter step{"identity", message::step_identity, lang};
  if (!identity) {
    const auto& why = identity.error();
    if (why.code() == Errc::missing) return step.failed(message::link_not_enrolled);
    if (why.code() == Errc::refused) {
      return step.failed(message::link_no_rights, why.text());
    }
    return step.failed(message::link_identity_broken, why.text());
  }
  const auto matched = identity::match_key(identity->own.chain_pem, identity->own.key_pem);
  if (!matched) {
    return step.failed(message::link_identity_broken, matched.error().text());
  }
  return step.well(message::link_identity_ok, identity->terminal);
}

Task<std::vector<Check>> check_link(LinkCheck what, const Clock& clock) {
  Walk walk{what, clock};
  auto steps = co_await walk.go();
  co_return steps;
}

Check acknowledged_step(const Result<json::object>& proof, Duration took, Lang lang) {
  const CheckWriter writer{"acknowledged", message::step_acknowledged, lang};
  auto step = acknowledged(writer, proof, took);
  step.took = took;
  return step;
}

Check acknowledged_skipped(Lang lang) {
  return CheckWriter{"acknowledged", message::step_acknowledged, lang}.skipped();
}

}  // namespace kw::agent::ctl
