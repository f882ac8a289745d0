#include "tests/collector/field.hpp"

#include "collector/writer/act.hpp"
#include "common/identity/authority.hpp"

namespace kw::collector_test {

namespace {

Rules at_once() {
  std::vector<config::Problem> problems;
  auto document = config::parse("[defaults]\nhold_s = 0\nclear_s = 0\n", "test", problems);
  return Rules::read(*document, problems);
}

}  // namespace

Field::Field() {
  auto made = AuthorityFiles::create(folder.path(), {"127.0.0.1", "localhost"}, clock);
  REQUIRE(made);
  auto loaded = AuthorityFiles::load(folder.path(), clock);
  REQUIRE(loaded);
  authority.emplace(std::move(*loaded));
  auto store = SqliteStore::open(folder / "collector.db");
  REQUIRE(store);
  writer = std::make_unique<Writer>(std::move(*store), at_once(), clock);
  std::vector<std::unique_ptr<Queries>> connections;
  for (int i = 0; i < 2; ++i) {
    auto reader = SqliteQueries::open(folder / "collector.db", clock);
    REQUIRE(reader);
    connections.push_back(std::move(*reader));
  }
  readers = std::make_unique<ReaderPool>(std::move(connections));
  bundles = std::make_unique<BundleFiles>(folder / "bundles");
  enrolment = std::make_unique<Enrolment>(*writer, registry, *authority, crypto, clock,
                                          Enrolment::Settings{});
  uploads = std::make_unique<BundleUploads>(*writer, registry, *bundles, files, clock);
  gateway = std::make_unique<Gateway>(io.get_executor(), *writer, registry, *enrolment, *uploads,
                                      clock, Gateway::Limits{});
  api = std::make_unique<Api>(
      *writer, *readers, [] { return GatewayFigures{}; }, [](const std::vector<CertificateRow>&) {},
      *bundles, files);
  writer->on_outgoing([this](TerminalKey terminal) {
    asio::post(io, [this, terminal] { gateway->deliver(terminal); });
  });
  auto tls = link::ServerTls::make({.own = authority->server(),
                                    .client_trust_pem = authority->trust_pem(),
                                    .ticket_keys = folder / "ticket-keys"},
                                   clock);
  REQUIRE(tls);
  listener = std::make_unique<link::Listener>(io.get_executor(), *tls, *gateway);
  auto bound = listener->listen({"127.0.0.1", 0});
  REQUIRE(bound);
  at = *bound;
}

Field::~Field() {
  listener->stop();
  const SystemClock real;
  const auto limit = real.mono() + 5s;
  while ((listener->connections() > 0 || gateway->figures().sessions > 0) && real.mono() < limit) {
    io.restart();
    io.run_one_for(20ms);
  }
  writer->stop();
  io.restart();
  io.poll();
}

void Field::until(const std::function<bool()>& done) {
  const auto limit = clock.mono() + 20s;
  while (!done() && clock.mono() < limit) {
    io.restart();
    io.run_one_for(20ms);
  }
  REQUIRE(done());
}

std::shared_ptr<const link::ClientTls> Field::kiosk(const std::string& code) {
  const auto key = identity::make_key();
  REQUIRE(key);
  const auto csr = identity::make_csr(*key, code);
  REQUIRE(csr);
  const auto issued = identity::sign_kiosk(authority->issuer(), *csr, code, clock.wall());
  REQUIRE(issued);
  std::function<Result<CertificateRow>(Work&)> put = [&](Work& work) -> Result<CertificateRow> {
    auto& store = work.store();
    const CertificateRow row{
        issued->serial, store.make_terminal(code, work.now()), code, false, false, std::nullopt};
    store.put_certificate(row, issued->not_after, work.now());
    return row;
  };
  const auto row = run(act(*writer, std::move(put)));
  REQUIRE(row);
  registry.put(*row);
  serials[code] = issued->serial;
  auto tls =
      link::ClientTls::make({.own = {issued->certificate_pem + authority->issuer_pem(), *key},
                             .trust_pem = authority->trust_pem()});
  REQUIRE(tls);
  return *tls;
}

link::PeerCertificate Field::peer_of(const std::string& code) const {
  link::PeerCertificate out;
  out.present = true;
  out.chain_ok = true;
  out.serial = serials.at(code);
  out.common_name = code;
  return out;
}

Field::Answer Field::ask(std::string method, std::string target, std::string body,
                         std::string type) {
  link::HttpRequest request{.method = std::move(method),
                            .target = "/api/v1/" + std::move(target),
                            .headers = {{"host", "localhost"}, {"content-type", std::move(type)}},
                            .body = std::move(body),
                            .remote = "127.0.0.1:1"};
  Answer out;
  out.whole = run(api->answer(std::move(request)));
  out.status = out.whole.status;
  boost::system::error_code none;
  out.body = boost::json::parse(out.whole.body, none);
  return out;
}

pb::Welcome PlayedAgent::open(std::uint64_t owed) {
  auto opened = field_.run(link::dial(field_.at, tls_));
  if (!opened) FAIL(opened.error().text());
  link_ = std::move(*opened);
  pb::Envelope hello;
  auto& h = *hello.mutable_hello();
  h.set_min_version(1);
  h.set_max_version(1);
  h.set_boot_id("boot");
  h.set_configuration_hash(configuration_hash);
  h.set_configuration_local(configuration_local);
  auto& held = *h.add_epoch();
  held.set_epoch(epoch_);
  held.set_boot_id("boot");
  held.set_last(owed);
  send(hello);
  const auto welcome = receive();
  REQUIRE(welcome.has_welcome());
  pb::Envelope snapshot;
  snapshot.mutable_snapshot()->set_as_of_epoch(epoch_);
  snapshot.mutable_snapshot()->set_as_of_seq(owed);
  send(snapshot);
  return welcome.welcome();
}

void PlayedAgent::close() {
  link_->cut();
  link_.reset();
}

void PlayedAgent::send(const pb::Envelope& envelope) {
  auto sent = field_.run(link_->send(wire::encode(envelope)));
  REQUIRE(sent);
}

pb::Envelope PlayedAgent::receive() {
  for (;;) {
    auto frame = field_.run(with_deadline(link_->receive(), 15s));
    if (!frame) FAIL(frame.error().text());
    auto envelope = wire::decode(*frame);
    if (!envelope) FAIL(envelope.error().text());
    if (!envelope->has_credit()) return std::move(*envelope);
  }
}

void PlayedAgent::expect_nothing() {
  pb::Envelope ask;
  ask.mutable_heartbeat()->set_want_reply(true);
  send(ask);
  const auto got = receive();
  CHECK_MESSAGE(got.has_heartbeat_reply(), got.body_case());
}

void PlayedAgent::event(const pb::Event& event) {
  pb::Envelope envelope;
  auto& batch = *envelope.mutable_batch();
  ++seq_;
  batch.set_epoch(epoch_);
  batch.set_first(seq_);
  batch.set_last(seq_);
  *batch.add_item()->mutable_event() = event;
  send(envelope);
  const auto ack = receive();
  REQUIRE(ack.has_ack());
  CHECK(ack.ack().upto() == seq_);
}

void PlayedAgent::result(const std::string& id, pb::CommandResult::State state, std::string body,
                         std::string detail) {
  pb::Event told;
  auto& result = *told.mutable_command_result();
  result.set_id(id);
  result.set_state(state);
  result.set_body(std::move(body));
  result.set_detail(std::move(detail));
  event(told);
}

void PlayedAgent::report(const std::string& hash, pb::ConfigurationReport::State state,
                         std::string detail) {
  pb::Event told;
  auto& report = *told.mutable_configuration();
  report.set_hash(hash);
  report.set_state(state);
  report.set_detail(std::move(detail));
  event(told);
}

link::HttpResponse PlayedAgent::upload(const std::string& id, std::string body) {
  return ask("PUT", "/kioskwatch/v1/bundles/" + id, std::move(body));
}

link::HttpResponse PlayedAgent::post(const std::string& target, std::string body) {
  return ask("POST", target, std::move(body));
}

link::HttpResponse PlayedAgent::ask(std::string method, std::string target, std::string body) {
  link::HttpRequest request{.method = std::move(method),
                            .target = std::move(target),
                            .headers = {{"content-type", "application/json"}},
                            .body = std::move(body),
                            .remote = {}};
  auto answer = field_.run(link::http_request(field_.at, tls_, std::move(request), 15s));
  if (!answer) FAIL(answer.error().text());
  return std::move(*answer);
}

}  // namespace kw::collector_test
