#include "collector/gateway/credit.hpp"

#include <algorithm>

namespace kw::collector {

std::uint32_t CreditPool::join(SessionId session, bool backlog) {
  auto& account = accounts_[session];
  account.left = live;
  if (backlog) wait(session, account);
  return live;
}

void CreditPool::leave(SessionId session) {
  const auto it = accounts_.find(session);
  if (it == accounts_.end()) return;
  free_ += it->second.granted;
  accounts_.erase(it);
}

void CreditPool::wait(SessionId id, Account& account) {
  if (account.waiting || account.granted > 0) return;
  account.waiting = true;
  waiting_.push_back(id);
}

bool CreditPool::spend(SessionId session, std::uint32_t bytes) {
  const auto it = accounts_.find(session);
  if (it == accounts_.end() || it->second.left < bytes) return false;
  it->second.left -= bytes;
  return true;
}

std::uint32_t CreditPool::refund(SessionId session, std::uint32_t bytes, bool backlog) {
  const auto it = accounts_.find(session);
  if (it == accounts_.end()) return 0;
  auto& account = it->second;
  if (backlog) {
    wait(session, account);
    account.left += bytes;
    return bytes;
  }
  // No backlog any more: what was granted is returned out of what comes back.
  const auto returned = std::min(bytes, account.granted);
  account.granted -= returned;
  free_ += returned;
  account.left += bytes - returned;
  return bytes - returned;
}

std::optional<CreditPool::Granted> CreditPool::next_grant() {
  while (!waiting_.empty() && free_ >= grant) {
    const auto id = waiting_.front();
    waiting_.pop_front();
    const auto it = accounts_.find(id);
    if (it == accounts_.end() || !it->second.waiting) continue;
    it->second.waiting = false;
    it->second.granted = grant;
    it->second.left += grant;
    free_ -= grant;
    return Granted{id, grant};
  }
  return std::nullopt;
}

}  // namespace kw::collector
