// SNMPv3 by net-snmp, which writes, proves, hides and reads the messages; they travel over our own
// wire, so that deadlines, cancelling and a host where nobody listens are as everywhere.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <net-snmp/net-snmp-config.h>
// After that one.
#include <net-snmp/net-snmp-includes.h>
#include <openssl/crypto.h>

#include "drivers/ports/snmp_session.hpp"

namespace kw::drivers {
namespace {

using snmp::Message;
using snmp::Value;
using Level = SnmpUser::Level;

/// A printer's answers fit into one Ethernet frame or a few; the agent is told so.
constexpr std::size_t largest_answer = 16 * 1024;

/// net-snmp asks whether this descriptor has something to read. There is none behind it: whoever
/// reads a datagram off the wire says yes.
constexpr int no_descriptor = 0;

struct Algorithm {
  std::string_view name;
  oid* id;
  std::size_t length;
};

template <std::size_t n>
constexpr Algorithm algorithm(std::string_view name, oid (&id)[n]) {
  return {name, id, n};
}

const std::array auths{algorithm("", usmNoAuthProtocol),
                       algorithm("SHA", usmHMACSHA1AuthProtocol),
                       algorithm("SHA-224", usmHMAC128SHA224AuthProtocol),
                       algorithm("SHA-256", usmHMAC192SHA256AuthProtocol),
                       algorithm("SHA-384", usmHMAC256SHA384AuthProtocol),
                       algorithm("SHA-512", usmHMAC384SHA512AuthProtocol)};
const std::array privacies{algorithm("", usmNoPrivProtocol), algorithm("AES", usmAESPrivProtocol),
                           algorithm("DES", usmDESPrivProtocol)};

// ---- the library as a whole -------------------------------------------------------------------

/// net-snmp keeps message numbers, users and agents' clocks for the whole process, and Debian
/// builds it without the locks for them (NETSNMP_REENTRANT). Held for every call, never while
/// waiting.
std::mutex& library() {
  static std::mutex one;
  return one;
}

/// What we need of init_snmp(). That one also looks for MIBs, reads configuration files, and sets
/// the process's locale.
void prepare() {
  static const bool done = [] {
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
    netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_APPTYPE, "kioskwatch");
    init_usm();
    // Who we are to it, at random: it makes of this the user without a name that asks who an agent
    // is.
    setup_engineID(nullptr, nullptr);
    // There it does, and begins its salts at random.
    snmp_call_callbacks(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_PREMIB_READ_CONFIG, nullptr);
    return true;
  }();
  static_cast<void>(done);
}

// ---- words for words --------------------------------------------------------------------------

int level_of(Level level) {
  constexpr std::array values{SNMP_SEC_LEVEL_NOAUTH, SNMP_SEC_LEVEL_AUTHNOPRIV,
                              SNMP_SEC_LEVEL_AUTHPRIV};
  return values[static_cast<std::size_t>(level)];
}

/// As our own decoder has it.
Value value_of(const netsnmp_variable_list& variable) {
  using Kind = Value::Kind;
  switch (variable.type) {
    case ASN_INTEGER:
      return {Kind::integer, *variable.val.integer, {}};
    case ASN_COUNTER:
    case ASN_GAUGE:
    case ASN_TIMETICKS:
      return {Kind::integer, static_cast<std::uint32_t>(*variable.val.integer), {}};
    case ASN_COUNTER64: {
      const auto& both = *variable.val.counter64;
      constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
      const auto number = std::uint64_t{both.high} << 32 | (both.low & 0xffff'ffff);
      return {Kind::integer, static_cast<std::int64_t>(std::min(number, most)), {}};
    }
    case ASN_OCTET_STR:
    case ASN_IPADDRESS:
    case ASN_OPAQUE:
      return {Kind::octets, 0,
              std::string(variable.val.string, variable.val.string + variable.val_len)};
    case ASN_OBJECT_ID:
      return {Kind::identifier, 0, {}};
    case SNMP_NOSUCHOBJECT:
    case SNMP_NOSUCHINSTANCE:
      return {Kind::none, 0, {}};
    case SNMP_ENDOFMIBVIEW:
      return {Kind::end_of_mib, 0, {}};
    default:
      return {};
  }
}

Message message_of(const netsnmp_pdu& pdu) {
  Message out{.version = 3,
              .request_id = static_cast<std::int32_t>(pdu.reqid),
              .status = static_cast<std::int32_t>(pdu.errstat),
              .index = static_cast<std::int32_t>(pdu.errindex)};
  for (const auto* at = pdu.variables; at != nullptr; at = at->next_variable) {
    if (out.variables.size() == snmp::most_variables) break;
    out.variables.push_back({{at->name, at->name + at->name_length}, value_of(*at)});
  }
  return out;
}

// ---- the session ------------------------------------------------------------------------------

class V3 final : public SnmpSession {
 public:
  V3(SnmpUser user, const Algorithm& auth, const Algorithm& privacy, Port& wire)
      : user_(std::move(user)), auth_(auth), privacy_(privacy), wire_(wire) {}
  V3(const V3&) = delete;
  V3& operator=(const V3&) = delete;
  ~V3() override {
    close();
    OPENSSL_cleanse(&auth_key_, sizeof auth_key_);
    OPENSSL_cleanse(&privacy_key_, sizeof privacy_key_);
  }

  /// Makes keys of the passphrases (RFC 3414, appendix A.2): a million hashed bytes each.
  bool make_keys(const SnmpSecrets& secrets) {
    return (user_.level == Level::no_auth_no_priv || make_key(secrets.auth, auth_key_)) &&
           (user_.level != Level::auth_priv || make_key(secrets.privacy, privacy_key_));
  }

  Result<Message> ask(snmp::Pdu type, std::int32_t repetitions, std::span<const snmp::Oid> names,
                      MonoTime until) override {
    wire_.discard();
    if (session_ == nullptr) {
      auto found = discover(until);
      if (!found) {
        close();
        return std::move(found).error();
      }
    }
    auto got = exchange(until, [&] { return question(type, repetitions, names); });
    if (got && message_) return std::move(*message_);
    const auto why = !got      ? got.error()
                     : report_ ? refusal(*report_)
                               : Error{Errc::garbled, "no response"};
    // What may still come belongs to nobody; the agent may have started anew, too.
    close();
    if (why.code() != Errc::timeout) return why;
    return Error{Errc::timeout,
                 "no answer to this user, though the agent is there; wrong name or passphrase?"};
  }

 private:
  struct Key {
    std::array<u_char, USM_AUTH_KU_LEN> bytes{};
    std::size_t length = 0;
  };

  /// While one of these is there, the library is ours and has our user in its list, with our keys:
  /// another session may ask the same agent as the same user with other passphrases.
  class Seat {
   public:
    explicit Seat(void* session) : ours_(library()), session_(snmp_sess_session(session)) {
      remove();
      session_->flags &= ~static_cast<u_long>(SNMP_FLAGS_USER_CREATED);
      usm_create_user_from_session(session_);
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { remove(); }

    netsnmp_session& session() const { return *session_; }

   private:
    void remove() const {
      if (session_->securityEngineIDLen == 0) return;
      auto* const user = usm_get_user(session_->securityEngineID, session_->securityEngineIDLen,
                                      session_->securityName);
      if (user == nullptr) return;
      usm_remove_user(user);
      usm_free_user(user);
    }

    std::lock_guard<std::mutex> ours_;
    netsnmp_session* session_;
  };

  bool make_key(const std::string& passphrase, Key& into) const {
    into.length = into.bytes.size();
    std::vector<u_char> bytes(passphrase.begin(), passphrase.end());
    const auto made = generate_Ku(auth_.id, static_cast<u_int>(auth_.length), bytes.data(),
                                  bytes.size(), into.bytes.data(), &into.length);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return made == SNMPERR_SUCCESS;
  }

  /// Asks the agent which engine it is, which everything else is bound to (RFC 3414, section 4).
  Result<void> discover(MonoTime until) {
    if (!open()) return Error{Errc::unsupported, "net-snmp opens no session"};
    auto got = exchange(until, [] {
      auto* const pdu = snmp_pdu_create(SNMP_MSG_GET);
      pdu->version = SNMP_VERSION_3;
      pdu->securityName = strdup("");
      pdu->securityNameLen = 0;
      pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
      pdu->securityModel = SNMP_SEC_MODEL_USM;
      return pdu;
    });
    if (!got) return got;
    const std::lock_guard ours{library()};
    if (snmp_sess_session(session_)->securityEngineIDLen != 0) return {};
    return Error{Errc::garbled, "the agent does not say which engine it is"};
  }

  bool open() {
    const std::lock_guard ours{library()};
    netsnmp_session asked{};
    snmp_sess_init(&asked);
    asked.version = SNMP_VERSION_3;
    asked.retries = 0;
    asked.flags |= SNMP_FLAGS_DONT_PROBE;  // it would wait with everything locked
    asked.securityModel = SNMP_SEC_MODEL_USM;
    asked.securityLevel = level_of(user_.level);
    asked.securityName = user_.name.data();
    asked.securityNameLen = user_.name.size();
    asked.contextName = user_.context.data();
    asked.contextNameLen = user_.context.size();
    asked.securityAuthProto = auth_.id;
    asked.securityAuthProtoLen = auth_.length;
    asked.securityPrivProto = privacy_.id;
    asked.securityPrivProtoLen = privacy_.length;
    std::ranges::copy(auth_key_.bytes, asked.securityAuthKey);
    asked.securityAuthKeyLen = auth_key_.length;
    std::ranges::copy(privacy_key_.bytes, asked.securityPrivKey);
    asked.securityPrivKeyLen = privacy_key_.length;
    asked.callback = overheard;
    asked.callback_magic = this;
    session_ = snmp_sess_add(&asked, transport(), nullptr, nullptr);
    OPENSSL_cleanse(&asked, sizeof asked);
    if (session_ == nullptr) return false;
    // It was for the opening only.
    snmp_sess_session(session_)->flags |= SNMP_FLAGS_DONT_PROBE;
    return true;
  }

  void close() {
    if (session_ == nullptr) return;
    const std::lock_guard ours{library()};
    auto* const session = snmp_sess_session(session_);
    // Many a printer's clock begins at nought whenever it is switched on; by what is known of it,
    // its answers would be old for ever.
    free_enginetime(session->securityEngineID, session->securityEngineIDLen);
    OPENSSL_cleanse(session->securityAuthKey, sizeof session->securityAuthKey);
    OPENSSL_cleanse(session->securityPrivKey, sizeof session->securityPrivKey);
    snmp_sess_close(session_);
    session_ = nullptr;
  }

  static netsnmp_pdu* question(snmp::Pdu type, std::int32_t repetitions,
                               std::span<const snmp::Oid> names) {
    auto* const pdu = snmp_pdu_create(static_cast<int>(type));
    if (type == snmp::Pdu::get_bulk) {
      pdu->non_repeaters = 0;
      pdu->max_repetitions = repetitions;
    }
    for (const auto& name : names) {
      const std::vector<oid> arcs(name.begin(), name.end());
      snmp_add_null_var(pdu, arcs.data(), arcs.size());
    }
    return pdu;
  }

  /// Sends what `make` makes and waits for what belongs to it: then there is a message or a report.
  template <class Make>
  Result<void> exchange(MonoTime until, const Make& make) {
    until_ = until;
    message_.reset();
    report_.reset();
    wire_error_.reset();
    unproved_ = false;
    unread_ = 0;
    {
      const Seat seat{session_};
      auto* const pdu = make();
      if (snmp_sess_async_send(session_, pdu, answered, this) == 0) {
        snmp_free_pdu(pdu);
        if (wire_error_) return std::move(*wire_error_);
        return Error{Errc::unsupported, snmp_api_errstring(seat.session().s_snmp_errno)};
      }
    }
    std::array<std::uint8_t, largest_answer> bytes;
    while (!message_ && !report_) {
      const auto got = wire_.read(bytes, until);
      if (!got) return got.error().code() == Errc::timeout ? in_vain() : got.error();
      datagram_ = std::span{bytes}.first(*got);
      const Seat seat{session_};
      fd_set readable;
      FD_ZERO(&readable);
      FD_SET(no_descriptor, &readable);
      const auto taken = snmp_sess_read(session_, &readable);
      if (taken != 0 && !unproved_) unread_ = seat.session().s_snmp_errno;
      if (wire_error_) return std::move(*wire_error_);  // it was to be asked again
      if (!message_ && !report_ && wire_.now() >= until) return in_vain();
    }
    return {};
  }

  /// Why there is no answer in time.
  Error in_vain() const {
    if (unproved_) return refusal(SNMPERR_AUTHENTICATION_FAILURE);
    if (unread_ != 0) {
      return Error{Errc::garbled, fmt::format("what comes is no SNMPv3, or out of its time ({})",
                                              reason(unread_))};
    }
    return Error{Errc::timeout, "no answer"};
  }

  static std::string reason(int code) {
    const std::lock_guard ours{library()};
    return snmp_api_errstring(code);
  }

  /// What the agent says against us (RFC 3414, section 3.2).
  Error refusal(int code) const {
    const auto refused = [](std::string text) { return Error{Errc::refused, std::move(text)}; };
    switch (code) {
      case SNMPERR_UNKNOWN_USER_NAME:
        return refused(fmt::format("the agent knows no user \"{}\"", user_.name));
      case SNMPERR_AUTHENTICATION_FAILURE:
        return refused(fmt::format(
            "authentication failed: wrong authentication passphrase, or not {}", user_.auth));
      case SNMPERR_DECRYPTION_ERR:
        return refused(fmt::format("the agent cannot decrypt: wrong privacy passphrase, or not {}",
                                   user_.privacy));
      case SNMPERR_UNSUPPORTED_SEC_LEVEL:
        return refused("the agent does not take this level from this user");
      case SNMPERR_NOT_IN_TIME_WINDOW:
        return refused("the agent takes the question for an old one, twice");
      default:
        return refused("the agent refuses: " + reason(code));
    }
  }

  // ---- what the library calls, with the lock held -----------------------------------------------

  static int answered(int operation, netsnmp_session* /*session*/, int /*id*/, netsnmp_pdu* pdu,
                      void* self) {
    auto& ours = *static_cast<V3*>(self);
    const bool last = operation == NETSNMP_CALLBACK_OP_SEC_ERROR;
    if (!last && operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) return 1;
    if (pdu->command == SNMP_MSG_RESPONSE) {
      ours.message_ = message_of(*pdu);
    } else if (pdu->command == SNMP_MSG_REPORT) {
      const auto type = snmpv3_get_report_type(pdu);
      // Of the clock: it has learnt the agent's and asks once more by itself.
      if (last || type != SNMPERR_NOT_IN_TIME_WINDOW) ours.report_ = type;
    }
    return 1;
  }

  /// Of what belongs to no question of ours; also of an answer under another key than ours.
  static int overheard(int /*operation*/, netsnmp_session* session, int /*id*/,
                       netsnmp_pdu* /*pdu*/, void* self) {
    if (session->s_snmp_errno == SNMPERR_USM_AUTHENTICATIONFAILURE) {
      static_cast<V3*>(self)->unproved_ = true;
    }
    return 1;
  }

  static V3& self_of(const netsnmp_transport& transport) {
    V3* self = nullptr;
    std::memcpy(&self, transport.data, sizeof self);
    return *self;
  }

  static int send(netsnmp_transport* transport, const void* bytes, int size, void** /*address*/,
                  int* /*length*/) {
    auto& self = self_of(*transport);
    const auto* const first = static_cast<const std::uint8_t*>(bytes);
    const auto sent = self.wire_.write({first, static_cast<std::size_t>(size)}, self.until_);
    if (sent) return size;
    self.wire_error_ = sent.error();
    return -1;
  }

  static int receive(netsnmp_transport* transport, void* into, int room, void** address,
                     int* length) {
    const auto bytes = std::exchange(self_of(*transport).datagram_, {});
    *address = nullptr;
    *length = 0;
    if (bytes.size() > static_cast<std::size_t>(room)) return -1;
    std::memcpy(into, bytes.data(), bytes.size());
    return static_cast<int>(bytes.size());
  }

  static int nothing_to_close(netsnmp_transport* /*transport*/) { return 0; }

  /// Freed by the library, with what hangs on it.
  netsnmp_transport* transport() {
    auto* const out = static_cast<netsnmp_transport*>(std::calloc(1, sizeof(netsnmp_transport)));
    auto* const self = this;
    out->data = std::malloc(sizeof self);
    std::memcpy(out->data, &self, sizeof self);
    out->data_length = sizeof self;
    out->domain = netsnmpUDPDomain;
    out->domain_length = static_cast<int>(netsnmpUDPDomain_len);
    out->sock = no_descriptor;
    out->flags = NETSNMP_TRANSPORT_FLAG_OPENED;
    out->msgMaxSize = largest_answer;
    out->f_recv = receive;
    out->f_send = send;
    out->f_close = nothing_to_close;
    return out;
  }

  SnmpUser user_;
  Algorithm auth_;
  Algorithm privacy_;
  Port& wire_;
  Key auth_key_;
  Key privacy_key_;
  void* session_ = nullptr;  ///< once the agent has been asked who it is

  // Of the question that is asked.
  MonoTime until_{};
  std::span<const std::uint8_t> datagram_;
  std::optional<Message> message_;
  std::optional<int> report_;
  std::optional<Error> wire_error_;
  bool unproved_ = false;  ///< something came that somebody else's key proves
  int unread_ = 0;         ///< why something that came could not be read
};

}  // namespace

bool snmp_v3_built_in() { return true; }

Result<std::unique_ptr<SnmpSession>> open_snmp_v3(const SnmpUser& user, const SnmpSecrets& secrets,
                                                  Port& wire) {
  {
    const std::lock_guard ours{library()};
    prepare();
  }
  const auto* const auth = std::ranges::find(auths, user.auth, &Algorithm::name);
  const auto* const privacy = std::ranges::find(privacies, user.privacy, &Algorithm::name);
  if (auth != auths.end() && privacy != privacies.end()) {
    auto out = std::make_unique<V3>(user, *auth, *privacy, wire);
    if (out->make_keys(secrets)) return std::unique_ptr<SnmpSession>{std::move(out)};
  }
  return Error{Errc::unsupported, "net-snmp has not got this user's protocols"};
}

}  // namespace kw::drivers
