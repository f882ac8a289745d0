#include "collector/accounts/tokens.hpp"

#include "common/identity/token.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {

Result<std::string> make_token(Work& work, const Subject& subject, std::string_view terminal_code,
                               std::string_view ca_pin) {
  const std::string object = "terminal/" + std::string{terminal_code};
  auto allowed = authorize(subject, "token.new", object);
  if (!allowed) return std::move(allowed).error();
  if (!wire::valid_terminal_code(terminal_code)) {
    return Error{Errc::refused,
                 "a terminal code is 1 to 64 bytes without spaces, quotes, '/' and '\\'"};
  }
  auto& store = work.store();
  const auto known = store.find_terminal(terminal_code);
  const auto terminal = known ? known->key : store.make_terminal(terminal_code, work.now());
  if (!known) work.touch(terminal);
  const auto token = identity::Token::make(ca_pin);
  if (!token) return token.error();
  store.put_token(token->hash(), terminal, work.now() + token_life, work.now());
  store.audit({.at = work.now(),
               .actor = std::string{subject.name()},
               .from = subject.from,
               .action = "token.new",
               .object = object,
               .result = "ok",
               .after = known ? "" : "terminal made"});
  return token->text();
}

}  // namespace kw::collector
