// What an idle kiosk costs the collector in memory (goal P4): the same connections to our listener
// and to a plain Beast server over asio::ssl::stream, each a process of its own, in one run.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/identity/authority.hpp"
#include "common/identity/keys.hpp"
#include "common/link/link.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"
#include "common/platform/signals.hpp"

namespace {

using namespace kw;
namespace fs = std::filesystem;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

constexpr double goal_kb = 32;
constexpr int warm_up = 50;
constexpr int at_a_time = 16;

std::string text_of(const fs::path& path) {
  auto text = platform::read_file(path);
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().text().c_str());
    std::exit(2);
  }
  return *text;
}

// ---- servers

/// Answers every message and otherwise waits, as the gateway does.
class Echo final : public link::Host {
 public:
  std::optional<link::Refusal> admit(const link::PeerCertificate&) override { return {}; }
  Task<link::HttpResponse> answer(link::HttpRequest, link::PeerCertificate) override {
    co_return link::HttpResponse{};
  }
  Task<void> serve(std::unique_ptr<link::Link> link) override {
    for (;;) {
      auto message = co_await link->receive();
      if (!message) co_return;
      auto sent = co_await link->send(std::move(*message));
      if (!sent) co_return;
    }
  }
};

using PlainSocket = beast::websocket::stream<asio::ssl::stream<tcp::socket>>;

void name_protocol(beast::websocket::response_type& response) {
  response.set(beast::http::field::sec_websocket_protocol, "kioskwatch.v1");
}

/// The server of Beast's own examples, one coroutine a connection.
Task<void> plain_connection(tcp::socket socket, asio::ssl::context& context) {
  PlainSocket ws{std::move(socket), context};
  auto [shaken] =
      co_await ws.next_layer().async_handshake(asio::ssl::stream_base::server, as_result);
  if (shaken) co_return;
  ws.set_option(beast::websocket::stream_base::timeout::suggested(beast::role_type::server));
  ws.set_option(beast::websocket::stream_base::decorator(&name_protocol));
  auto [accepted] = co_await ws.async_accept(as_result);
  if (accepted) co_return;
  ws.binary(true);
  beast::flat_buffer buffer;
  for (;;) {
    auto [failed, n] = co_await ws.async_read(buffer, as_result);
    if (failed) co_return;
    auto [unsent, m] = co_await ws.async_write(buffer.data(), as_result);
    if (unsent) co_return;
    buffer.consume(n);
  }
}

Task<void> plain_accept(tcp::acceptor& acceptor, asio::ssl::context& context) {
  for (;;) {
    auto [ec, socket] = co_await acceptor.async_accept(as_result);
    if (ec) co_return;
    socket.set_option(tcp::no_delay{true});
    spawn(acceptor.get_executor(), "plain", plain_connection(std::move(socket), context));
  }
}

void announce(unsigned port) {
  std::printf("%u\n", port);
  std::fflush(stdout);
}

int serve_ours(const fs::path& folder) {
  const SystemClock clock;
  asio::io_context io{1};
  link::ServerTls::Options options;
  options.own = {text_of(folder / "server.pem"), text_of(folder / "server.key")};
  options.client_trust_pem = text_of(folder / "ca.pem");
  options.ticket_keys = folder / "tickets";
  auto tls = link::ServerTls::make(options, clock);
  if (!tls) return 2;
  Echo host;
  link::Listener listener{io.get_executor(), *tls, host};
  auto at = listener.listen(link::Endpoint{"127.0.0.1", 0});
  if (!at) return 2;
  announce(at->port);
  io.run();
  return 0;
}

int serve_plain(const fs::path& folder) {
  asio::io_context io{1};
  asio::ssl::context context{asio::ssl::context::tls_server};
  context.use_certificate_chain_file((folder / "server.pem").string());
  context.use_private_key_file((folder / "server.key").string(), asio::ssl::context::pem);
  context.load_verify_file((folder / "ca.pem").string());
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  SSL_CTX_set_session_id_context(context.native_handle(),
                                 reinterpret_cast<const unsigned char*>("bench"), 5);
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
  tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
  announce(acceptor.local_endpoint().port());
  spawn(io.get_executor(), "accept", plain_accept(acceptor, context));
  io.run();
  return 0;
}

// ---- the fleet

struct Memory {
  double pss_kb = 0;
  double rss_kb = 0;
};

Memory memory_of(pid_t pid) {
  std::ifstream rollup{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  Memory memory;
  std::string line;
  while (std::getline(rollup, line)) {
    if (line.rfind("Pss:", 0) == 0) memory.pss_kb = std::stod(line.substr(4));
    if (line.rfind("Rss:", 0) == 0) memory.rss_kb = std::stod(line.substr(4));
  }
  return memory;
}

struct Child {
  pid_t pid = -1;
  std::uint16_t port = 0;
};

Child start(const char* kind, const fs::path& folder) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) std::exit(2);
  const std::string where = folder.string();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    execl("/proc/self/exe", "bench_connections", "--serve", kind, where.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  char text[16] = "";
  const auto n = read(pipe_ends[0], text, sizeof text - 1);
  close(pipe_ends[0]);
  Child child{pid, 0};
  if (n > 0) std::from_chars(text, text + n, child.port);
  if (child.port == 0) {
    std::fprintf(stderr, "the %s server did not start\n", kind);
    std::exit(2);
  }
  return child;
}

struct Fleet {
  asio::io_context io{1};
  std::shared_ptr<const link::ClientTls> tls;
  link::Endpoint at;
  std::vector<std::unique_ptr<link::Link>> links;
  int to_open = 0;
  int failed = 0;

  static Task<void> open_some(Fleet& fleet) {
    while (fleet.to_open > 0) {
      --fleet.to_open;
      auto link = co_await link::dial(fleet.at, fleet.tls);
      if (!link) {
        std::fprintf(stderr, "%s\n", link.error().text().c_str());
        ++fleet.failed;
        continue;
      }
      std::string hello(200, 'h');
      auto sent = co_await (*link)->send(std::move(hello));
      auto answer = co_await (*link)->receive();
      if (!sent || !answer) ++fleet.failed;
      fleet.links.push_back(std::move(*link));
    }
  }

  void open(int count) {
    to_open = count;
    for (int i = 0; i < at_a_time; ++i) spawn(io.get_executor(), "kiosk", open_some(*this));
    io.restart();
    io.run();
  }
};

/// Kilobytes a connection: how much the server grew from the warm-up to all of them, divided.
Memory measure(const char* kind, const fs::path& folder, int count) {
  const Child server = start(kind, folder);
  Fleet fleet;
  link::ClientTls::Options options;
  options.own = {text_of(folder / "kiosk.pem"), text_of(folder / "kiosk.key")};
  options.trust_pem = text_of(folder / "ca.pem");
  options.resume = false;
  fleet.tls = *link::ClientTls::make(options);
  fleet.at = link::Endpoint{"127.0.0.1", server.port};
  fleet.open(warm_up);
  const auto before = memory_of(server.pid);
  fleet.open(count);
  usleep(300'000);
  const auto after = memory_of(server.pid);
  kill(server.pid, SIGKILL);
  waitpid(server.pid, nullptr, 0);
  if (fleet.failed > 0) {
    std::fprintf(stderr, "%d connections failed\n", fleet.failed);
    std::exit(1);
  }
  return {(after.pss_kb - before.pss_kb) / count, (after.rss_kb - before.rss_kb) / count};
}

void make_certificates(const fs::path& folder) {
  const auto now = SystemClock{}.wall();
  const auto root = *identity::make_root("Bench Root", now);
  const auto issuer = *identity::make_issuer(root, "Bench Issuing CA", now);
  const auto keep = [&](const char* name, const std::string& text) {
    auto written = platform::write_file(folder / name, text, true);
    if (!written) std::exit(2);
  };
  const auto server_key = *identity::make_key();
  const auto server_csr = *identity::make_csr(server_key, "server");
  const auto server = *identity::sign_server(issuer, server_csr, {"127.0.0.1"}, now);
  const auto kiosk_key = *identity::make_key();
  const auto kiosk_csr = *identity::make_csr(kiosk_key, "kiosk");
  const auto kiosk = *identity::sign_kiosk(issuer, kiosk_csr, "BENCH-1", now);
  keep("ca.pem", root.certificate_pem + issuer.certificate_pem);
  keep("server.pem", server.certificate_pem + issuer.certificate_pem);
  keep("server.key", server_key);
  keep("kiosk.pem", kiosk.certificate_pem + issuer.certificate_pem);
  keep("kiosk.key", kiosk_key);
}

void allow_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(int count, int rounds) {
  std::string folder_name = (fs::temp_directory_path() / "kw-bench-XXXXXX").string();
  if (mkdtemp(folder_name.data()) == nullptr) return 2;
  const fs::path folder = folder_name;
  make_certificates(folder);
  std::vector<double> ours;
  std::vector<double> plain;
  for (int i = 0; i < rounds; ++i) {
    const auto a = measure("ours", folder, count);
    const auto b = measure("plain", folder, count);
    std::printf(
        "%d idle mutual-TLS WebSockets, server memory each: ours %.1f KB (RSS %.1f), "
        "beast over asio::ssl %.1f KB (RSS %.1f)\n",
        count, a.pss_kb, a.rss_kb, b.pss_kb, b.rss_kb);
    ours.push_back(a.pss_kb);
    plain.push_back(b.pss_kb);
  }
  fs::remove_all(folder);
  const double measured = median(ours);
  const double reference = median(plain);
  std::printf(
      "{\"bench\":\"connections\",\"goal\":\"P4\",\"measured\":%.1f,\"reference\":%.1f,"
      "\"ratio\":%.2f,\"met\":%s}\n",
      measured, reference, measured / reference, measured <= goal_kb ? "true" : "false");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  kw::platform::ignore_sigpipe();
  kw::log::start(kw::log::Level::error, kw::log::Format::text);
  allow_descriptors();
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "--serve") {
    return words[1] == "ours" ? serve_ours(words[2]) : serve_plain(words[2]);
  }
  int count = 1000;
  int rounds = 2;
  for (const auto& word : words) {
    if (word == "--quick") {
      count = 300;
      rounds = 1;
    } else if (std::from_chars(word.data(), word.data() + word.size(), count).ec != std::errc{} ||
               count < 1) {
      std::fprintf(stderr, "usage: bench_connections [--quick] [CONNECTIONS]\n");
      return 64;
    }
  }
  return run(count, rounds);
}
