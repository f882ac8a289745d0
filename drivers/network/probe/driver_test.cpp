// Network probes: the ledger's rules, DNS by the byte, and real sockets on loopback.
#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/identity/authority.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/openssl.hpp"
#include "common/platform/echo.hpp"
#include "drivers/network/probe/dns.hpp"
#include "drivers/network/probe/ledger.hpp"
#include "drivers/network/probe/methods.hpp"
#include "drivers/ports/open.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"
#include "tests/support/ports.hpp"

using namespace kw;
using namespace kw::drivers;
using namespace kw::drivers::network;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

MonoTime soon() { return SystemClock{}.mono() + 5s; }

/// Answers every TCP connection with the same bytes once a request's head is there.
class WebServer {
 public:
  explicit WebServer(std::string answer) : answer_(std::move(answer)) {
    thread_ = std::thread{[this] { serve(); }};
  }
  ~WebServer() {
    stopping_ = true;
    boost::system::error_code ec;
    tcp::socket last{io_};
    last.connect(acceptor_.local_endpoint(), ec);
    thread_.join();
  }
  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) +
           std::string{path};
  }
  std::string request() const { return request_; }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code ec;
      tcp::socket guest{io_};
      acceptor_.accept(guest, ec);
      if (ec || stopping_) return;
      asio::streambuf in;
      const auto size = asio::read_until(guest, in, "\r\n\r\n", ec);
      if (ec) continue;
      request_.assign(asio::buffers_begin(in.data()),
                      asio::buffers_begin(in.data()) + static_cast<std::ptrdiff_t>(size));
      asio::write(guest, asio::buffer(answer_), ec);
    }
  }
  std::string answer_;
  std::string request_;
  std::atomic<bool> stopping_ = false;
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

/// A name server: what it answers to a query is made by a function.
class NameServer {
 public:
  using Make = std::function<Bytes(const Bytes& query)>;
  explicit NameServer(Make make) : make_(std::move(make)) {
    thread_ = std::thread{[this] { serve(); }};
  }
  ~NameServer() {
    stopping_ = true;
    const Bytes wake{0};
    udp::socket last{io_, udp::v4()};
    last.send_to(asio::buffer(wake), socket_.local_endpoint());
    thread_.join();
  }
  std::string at() const { return "@127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

 private:
  void serve() {
    for (;;) {
      Bytes query(512);
      udp::endpoint from;
      query.resize(socket_.receive_from(asio::buffer(query), from));
      if (stopping_) return;
      const auto answer = make_(query);
      if (!answer.empty()) socket_.send_to(asio::buffer(answer), from);
    }
  }
  Make make_;
  std::atomic<bool> stopping_ = false;
  asio::io_context io_;
  udp::socket socket_{io_, udp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

/// Shakes hands with every guest by a certificate that ends `life` from now, and speaks no further.
class SecureServer {
 public:
  explicit SecureServer(Duration life) {
    const auto now = SystemClock{}.wall();
    const auto root = identity::make_root("Test root", now);
    const auto issuer = identity::make_issuer(*root, "Test issuer", now);
    const auto key = identity::make_key();
    const auto request = identity::make_csr(*key, "server");
    const auto issued = identity::sign_server(*issuer, *request, {"127.0.0.1"}, now, life);
    REQUIRE(issued);
    valid_until = issued->not_after;
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_num_tickets(context_, 0);  // nothing is written after the guest may have gone
    BIO* in = BIO_new_mem_buf(issued->certificate_pem.data(), -1);
    X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, certificate);
    X509_free(certificate);
    BIO_free(in);
    in = BIO_new_mem_buf(key->data(), -1);
    EVP_PKEY* own = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, own);
    EVP_PKEY_free(own);
    BIO_free(in);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~SecureServer() {
    stopping_ = true;
    boost::system::error_code ec;
    tcp::socket last{io_};
    last.connect(acceptor_.local_endpoint(), ec);
    thread_.join();
    SSL_CTX_free(context_);
  }
  std::string target() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  WallTime valid_until{};

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code ec;
      tcp::socket guest{io_};
      acceptor_.accept(guest, ec);
      if (ec || stopping_) return;
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, static_cast<int>(guest.native_handle()));
      SSL_accept(ssl);
      SSL_free(ssl);
    }
  }
  SSL_CTX* context_ = nullptr;
  std::atomic<bool> stopping_ = false;
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

/// The answer to `query` with these A records, owner by pointer to the question's name.
Bytes with_addresses(Bytes query, const std::vector<std::array<std::uint8_t, 4>>& addresses,
                     std::uint8_t code = 0) {
  query[2] = 0x81;
  query[3] = static_cast<std::uint8_t>(0x80 | code);
  query[7] = static_cast<std::uint8_t>(addresses.size());
  for (const auto& address : addresses) {
    for (const int b : {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4}) {
      query.push_back(static_cast<std::uint8_t>(b));
    }
    query.insert(query.end(), address.begin(), address.end());
  }
  return query;
}

Given given(std::string_view method, std::string target, Given more = {}) {
  more["method"] = std::string{method};
  more["target"] = std::move(target);
  return more;
}

/// A kiosk whose wall clock is ahead.
class Ahead final : public Clock {
 public:
  explicit Ahead(Duration by) : by_(by) {}
  WallTime wall() const override { return SystemClock{}.wall() + by_; }
  MonoTime mono() const override { return SystemClock{}.mono(); }

 private:
  Duration by_;
};

/// The status of the driver after `count` polls.
wire::Status polled(const Given& settings, int count = 1, const Clock& clock = SystemClock{}) {
  auto driver = make_driver("network_probe", settings);
  REQUIRE(driver);
  auto port = open_port(*PortAddress::parse("-"), clock, soon());
  REQUIRE((*driver)->open(**port, soon()));
  wire::Status out;
  for (int i = 0; i < count; ++i) {
    auto status = (*driver)->poll(soon());
    REQUIRE(status);
    out = *status;
  }
  return out;
}

}  // namespace

TEST_CASE("three in a row decide; a single lost probe of a target that is up decides nothing") {
  Ledger ledger;
  const auto at = mono_from(0);
  CHECK(ledger.state() == Ledger::State::unknown);
  ledger.note(at, std::nullopt);
  ledger.note(at, std::nullopt);
  CHECK(ledger.state() == Ledger::State::unknown);
  ledger.note(at, std::nullopt);
  CHECK(ledger.state() == Ledger::State::down);
  ledger.note(at, 1ms);
  ledger.note(at, 1ms);
  ledger.note(at, std::nullopt);
  CHECK(ledger.state() == Ledger::State::down);
  for (int i = 0; i < 3; ++i) ledger.note(at, 1ms);
  CHECK(ledger.state() == Ledger::State::up);
  ledger.note(at, std::nullopt);
  ledger.note(at, std::nullopt);
  ledger.note(at, 1ms);
  CHECK(ledger.state() == Ledger::State::up);

  Ledger fresh;
  fresh.note(at, 1ms);
  CHECK(fresh.state() == Ledger::State::up);
}

TEST_CASE("a day's figures need 600 probes, are sums, and forget what is older than 24 h") {
  Ledger ledger;
  auto at = mono_from(0);
  for (int i = 0; i < 599; ++i, at += 1min) ledger.note(at, i == 0 ? 900ms : 10ms);
  CHECK_FALSE(ledger.over_a_day());
  ledger.note(at, std::nullopt);
  const auto day = ledger.over_a_day();
  REQUIRE(day);
  CHECK(day->sent == 600);
  CHECK(day->lost == 1);
  CHECK(day->most_us == 900'000);
  CHECK(*day->mean_ms() == doctest::Approx((900.0 + 598 * 10) / 599));
  CHECK(day->loss_percent() == doctest::Approx(100.0 / 600));
  CHECK(ledger.lately().sent == Ledger::shortly);
  CHECK(ledger.lately().lost == 1);
  // 24 h after the first one, it alone is gone.
  for (at = mono_from(0) + 24h - 1min; ledger.over_a_day()->sent < 601; at += 1s) {
    ledger.note(at, 10ms);
  }
  CHECK(ledger.over_a_day()->most_us == 900'000);
  ledger.note(mono_from(0) + 24h, 10ms);
  CHECK(ledger.over_a_day()->most_us == 10'000);
}

TEST_CASE("a DNS query is what RFC 1035 says, and names that cannot be asked for are refused") {
  const auto query = dns_query(0x1234, "www.Example.com.", RecordType::a);
  REQUIRE(query);
  const Bytes expected{0x12, 0x34, 0x01, 0x00, 0,   1,   0,   0,   0,   0,   0,
                       0,    3,    'w',  'w',  'w', 7,   'E', 'x', 'a', 'm', 'p',
                       'l',  'e',  3,    'c',  'o', 'm', 0,   0,   1,   0,   1};
  CHECK(*query == expected);
  for (const auto& name : {std::string{}, std::string{"a..b"}, std::string(64, 'a'),
                           std::string(254, 'a'), std::string{"."}}) {
    CHECK_FALSE(dns_query(1, name, RecordType::a));
  }
}

TEST_CASE(
    "a DNS answer is read with aliases, pointers and foreign records, and never past its end") {
  const auto query = dns_query(7, "kiosk.example", RecordType::a);
  const auto whole = with_addresses(*query, {{192, 0, 2, 9}, {192, 0, 2, 1}});
  const auto answer = dns_answer(whole, 7, "KIOSK.example.", RecordType::a);
  REQUIRE(answer);
  CHECK(answer->addresses == std::vector<std::string>{"192.0.2.1", "192.0.2.9"});
  CHECK(dns_answer(whole, 8, "kiosk.example", RecordType::a).error().code() == Errc::refused);
  CHECK(dns_answer(whole, 7, "other.example", RecordType::a).error().code() == Errc::refused);
  CHECK(dns_answer(whole, 7, "kiosk.example", RecordType::aaaa).error().code() == Errc::refused);
  CHECK(dns_answer(*query, 7, "kiosk.example", RecordType::a).error().code() == Errc::garbled);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto cut = std::span{whole}.first(size);
    CHECK_FALSE(dns_answer(cut, 7, "kiosk.example", RecordType::a));
  }
  auto looping = whole;
  looping[12 + 15 + 4 + 1] = static_cast<std::uint8_t>(query->size());  // a pointer to itself
  CHECK(dns_answer(looping, 7, "kiosk.example", RecordType::a).error().code() == Errc::garbled);
  const auto none = with_addresses(*query, {}, 3);
  CHECK(dns_code_name(dns_answer(none, 7, "kiosk.example", RecordType::a)->code) == "NXDOMAIN");
}

TEST_CASE("targets are understood or refused with what was expected") {
  CHECK(read_target("tcp", "[2001:db8::1]:443")->host == "2001:db8::1");
  CHECK(read_target("icmp", "2001:db8::1")->host == "2001:db8::1");
  CHECK(read_target("tls", "example.com")->port == 443);
  CHECK(read_target("http", "https://h/x?y=1")->path == "/x?y=1");
  CHECK(read_target("http", "http://h:8080")->port == 8'080);
  CHECK(read_target("dns", "a.example@192.0.2.53:5353")->port == 5'353);
  struct Row {
    const char* method;
    const char* target;
    const char* says;
  };
  for (const auto& row :
       {Row{"ping", "h", "icmp, tcp, dns, http or tls"}, Row{"icmp", "", "a host"},
        Row{"icmp", "h:7", "a host"}, Row{"tcp", "h", "host:port"}, Row{"tcp", "h:0", "host:port"},
        Row{"tcp", "h:70000", "host:port"}, Row{"http", "h/health", "http://"},
        Row{"http", "http://h/a b", "http://"}, Row{"http", "http://user:pw@h/", "http://"},
        Row{"dns", "a..b", "a name"}, Row{"dns", "", "a name"}}) {
    CAPTURE(row.target);
    const auto driver = make_driver("network_probe", given(row.method, row.target));
    REQUIRE_FALSE(driver);
    CHECK(driver.error().code() == Errc::invalid);
    CHECK(driver.error().text().find(row.says) != std::string::npos);
  }
}

TEST_CASE("a TCP target is up while it listens and down after three refusals") {
  std::string target;
  {
    const tests::MutePort listening;
    target = "127.0.0.1:" + std::to_string(listening.port());
    const auto up = polled(given("tcp", target));
    CHECK(up.device == wire::DeviceState::online);
    CHECK(up.conditions.empty());
    CHECK(wire::health_of(up) == wire::Health::ok);
  }
  const auto unsure = polled(given("tcp", target), 2);
  CHECK(unsure.device == wire::DeviceState::unknown);
  CHECK(unsure.conditions.empty());
  const auto down = polled(given("tcp", target), 3);
  CHECK(down.device == wire::DeviceState::offline);
  const auto* why = condition_of(down, "unreachable");
  REQUIRE(why != nullptr);
  CHECK(why->vendor_code == "refused");
  CHECK(why->detail == target);
}

TEST_CASE("a port that answers nothing is lost at the time-out, not at the poll's deadline") {
  const tests::SilentPort silent;
  const SystemClock clock;
  const auto began = clock.mono();
  const auto status =
      polled(given("tcp", "127.0.0.1:" + std::to_string(silent.port()), {{"timeout_ms", "50"}}), 3);
  CHECK(clock.mono() - began < 3s);
  CHECK(condition_of(status, "unreachable")->vendor_code == "no answer");
}

TEST_CASE("an HTTP target answers with the right status and content, or it is a fault") {
  const WebServer server{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"up\": true}"};
  CHECK(polled(given("http", server.url("/health?x=1"))).conditions.empty());
  CHECK(server.request().starts_with("GET /health?x=1 HTTP/1.1\r\n"));
  CHECK(polled(given("http", server.url("/"), {{"expect_content", "\"up\": true"}}))
            .conditions.empty());
  const auto other = polled(given("http", server.url("/"), {{"expect_content", "\"down\""}}));
  CHECK(condition_of(other, "http-wrong-answer")->vendor_code == "other content");
  const auto status = polled(given("http", server.url("/"), {{"expect_status", "204"}}));
  CHECK(condition_of(status, "http-wrong-answer")->vendor_code == "HTTP 200");
  CHECK(status.device == wire::DeviceState::online);
  // What may be a token goes to the target alone.
  const auto secret =
      polled(given("http", server.url("/health?token=s3cret"), {{"expect_status", "204"}}));
  CHECK(server.request().starts_with("GET /health?token=s3cret HTTP/1.1\r\n"));
  CHECK(condition_of(secret, "http-wrong-answer")->detail == server.url("/health"));
}

TEST_CASE("a name server's answer is compared with the expected addresses") {
  const NameServer right{
      [](const Bytes& query) { return with_addresses(query, {{192, 0, 2, 9}, {192, 0, 2, 1}}); }};
  const auto target = "kiosk.example" + right.at();
  CHECK(polled(given("dns", target)).conditions.empty());
  CHECK(polled(given("dns", target, {{"expect", "192.0.2.1 192.0.2.9"}})).conditions.empty());
  const auto other = polled(given("dns", target, {{"expect", "192.0.2.1"}}));
  CHECK(condition_of(other, "dns-wrong-answer")->vendor_code == "other address");
  const auto wrong = make_driver("network_probe", given("dns", target, {{"expect", "kiosk"}}));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().text() == "expect: \"kiosk\" is no address");

  const NameServer none{[](const Bytes& query) { return with_addresses(query, {}, 3); }};
  const auto unknown = polled(given("dns", "kiosk.example" + none.at()));
  CHECK(condition_of(unknown, "dns-wrong-answer")->vendor_code == "NXDOMAIN");

  // Somebody else's answer and noise before the right one are passed over.
  const NameServer silent{[](const Bytes&) { return Bytes{}; }};
  const auto lost = polled(given("dns", "kiosk.example" + silent.at(), {{"timeout_ms", "30"}}), 3);
  CHECK(condition_of(lost, "unreachable")->vendor_code == "no answer");
}

TEST_CASE("an echo of this machine comes back, or the machine says that it may not be asked for") {
  const SystemClock clock;
  const auto rtt = platform::echo("127.0.0.1", 1, clock, soon());
  if (!rtt) CHECK(rtt.error().code() == Errc::unsupported);
  if (rtt) CHECK(*rtt < 1s);
  // The driver gets its answer in either case: a refused connection shows a host, too.
  const auto port = std::to_string(tests::closed_port());
  const auto status = polled(given("icmp", "127.0.0.1", {{"fallback_port", port}}));
  CHECK(status.device == wire::DeviceState::online);
}

TEST_CASE("a certificate's end is read from the handshake and told in time") {
  const SecureServer longer{identity::day * 300};
  const auto fine = polled(given("tls", longer.target()));
  CHECK(fine.device == wire::DeviceState::online);
  CHECK(fine.conditions.empty());
  const auto days =
      std::ranges::find(fine.measurements, "certificate_days_left", &wire::Measurement::name);
  REQUIRE(days != fine.measurements.end());
  CHECK(days->value == 299);

  const SecureServer ending{identity::day * 20};
  const auto soon_over = polled(given("tls", ending.target()));
  const auto* expiring = condition_of(soon_over, "certificate-expiring");
  REQUIRE(expiring != nullptr);
  CHECK(expiring->detail == rfc3339(ending.valid_until).substr(0, 10));
  CHECK(polled(given("tls", ending.target(), {{"expiry_warning_days", "10"}})).conditions.empty());
  // Today is what the agent's clock says.
  const Ahead next_month{identity::day * 21};
  const auto by_then = polled(given("tls", ending.target()), 1, next_month);
  CHECK(condition_of(by_then, "certificate-expired") != nullptr);

  const SecureServer ended{Duration{std::chrono::hours{-1}}};
  const auto over = polled(given("tls", ended.target()));
  CHECK(condition_of(over, "certificate-expired") != nullptr);
  CHECK(wire::health_of(over) == wire::Health::fault);
}

TEST_CASE("a server that speaks no TLS is no server with a certificate") {
  const WebServer plain{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  auto target = plain.url("/").substr(7);
  target.pop_back();
  const auto status = polled(given("tls", target, {{"timeout_ms", "200"}}), 3);
  CHECK(status.device == wire::DeviceState::offline);
}

TEST_CASE("a probe needs the port without a wire, and its clock") {
  const auto driver = make_driver("network_probe", given("tcp", "127.0.0.1:9"));
  REQUIRE(driver);
  FakePort wire;
  CHECK((*driver)->open(wire, soon()).error().code() == Errc::unsupported);
  CHECK((*driver)->poll(soon()).error().code() == Errc::disconnected);
}
