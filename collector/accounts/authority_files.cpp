#include "collector/accounts/authority_files.hpp"

#include <algorithm>

#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

constexpr auto renew_before = 30 * identity::day;

struct Paths {
  explicit Paths(const fs::path& data)
      : ca(data / "ca"),
        root(ca / "root.pem"),
        root_key(ca / "root.key"),
        issuer(ca / "issuer.pem"),
        issuer_key(ca / "issuer.key"),
        server(data / "server.pem"),
        server_key(data / "server.key"),
        names(data / "server-names.txt") {}
  fs::path ca, root, root_key, issuer, issuer_key, server, server_key, names;
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::size_t start = 0;
  while (start < text.size()) {
    const auto end = std::min(text.find('\n', start), text.size());
    if (end > start) out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

/// A new key and certificate for the agents' port. The root travels in the chain, so that a kiosk
/// that knows only the token's pin can follow it.
Result<void> make_server(const Paths& paths, const identity::Signer& issuer,
                         const std::string& root_pem, const std::vector<std::string>& names,
                         WallTime now) {
  const auto key = identity::make_key();
  if (!key) return key.error();
  const auto request = identity::make_csr(*key, names.front());
  if (!request) return request.error();
  const auto issued = identity::sign_server(issuer, *request, names, now);
  if (!issued) return issued.error();
  auto written = platform::write_file(paths.server_key, *key, true);
  if (!written) return written;
  return platform::write_file(paths.server,
                              issued->certificate_pem + issuer.certificate_pem + root_pem, false);
}

/// Whether the two halves of a key belong together: what one signs the other verifies.
bool sound_key(const std::string& key_pem) {
  const auto request = identity::make_csr(key_pem, "server");
  return request && identity::check_request(*request);
}

/// Certificates and keys that belong together, but for a server's key that is whole and another's
/// (`cut_renewal`). A bit that falls over may leave what still reads as
/// one: kiosks would be given certificates that nobody accepts, or tokens with a wrong pin. Dates
/// are not looked at: the clock may be wrong.
Result<void> check_files(const Paths& paths, const identity::Certificate& root,
                         const std::string& root_pem, const identity::Signer& issuer,
                         const link::Credentials& server) {
  const auto damaged = [](const fs::path& file, const Error& why) {
    return Error{Errc::invalid,
                 file.string() + " is damaged: put a backup back (" + why.text() + ")"};
  };
  const auto issuing = identity::Certificate::parse(issuer.certificate_pem);
  if (!issuing) return damaged(paths.issuer, issuing.error());
  // When all of them are valid: a server's certificate may outlive what signed it.
  const auto last = [&](const identity::Certificate& certificate) {
    return std::min({certificate.not_after, issuing->not_after, root.not_after}) -
           std::chrono::seconds{1};
  };
  const auto issued = identity::verify_chain(issuer.certificate_pem, root_pem, last(*issuing));
  if (!issued) return damaged(paths.issuer, issued.error());
  const auto signs = identity::match_key(issuer.certificate_pem, issuer.key_pem);
  if (!signs) return damaged(paths.issuer_key, signs.error());
  const auto chain = identity::parse_chain(server.chain_pem);
  if (!chain) return damaged(paths.server, chain.error());
  const auto shown = identity::verify_chain(server.chain_pem, root_pem, last(chain->front()));
  if (!shown) return damaged(paths.server, shown.error());
  if (chain->back().der != root.der) {
    return damaged(paths.root, Error{Errc::invalid, "it differs from the one in server.pem"});
  }
  const auto serves = identity::match_key(server.chain_pem, server.key_pem);
  if (!serves && !sound_key(server.key_pem)) return damaged(paths.server_key, serves.error());
  return {};
}

/// The power may go between the key and the certificate of a renewal: both are sound and of two
/// pairs. Nobody but us knows the key, so another pair does as well; the authority is never
/// guessed.
bool cut_renewal(const link::Credentials& server) {
  return !identity::match_key(server.chain_pem, server.key_pem);
}

}  // namespace

Result<void> AuthorityFiles::create(const fs::path& data, const std::vector<std::string>& names,
                                    const Clock& clock) {
  const Paths paths{data};
  std::error_code none;
  if (fs::exists(paths.ca, none)) {
    return Error{Errc::refused, data.string() + " has been initialised already"};
  }
  const auto now = clock.wall();
  const auto root = identity::make_root("Kioskwatch root", now);
  if (!root) return root.error();
  const auto issuer = identity::make_issuer(*root, "Kioskwatch issuing", now);
  if (!issuer) return issuer.error();
  std::string listed;
  for (const auto& name : names) listed += name + "\n";
  // Everything is made beside its place; the last step names it. A start that fails half-way can be
  // repeated.
  const fs::path fresh = data / "ca.new";
  fs::remove_all(fresh, none);
  auto made = platform::make_folder(fresh, true);
  const auto write = [&](const fs::path& path, const std::string& text, bool secret) {
    if (made) made = platform::write_file(path, text, secret);
  };
  write(fresh / paths.root.filename(), root->certificate_pem, false);
  write(fresh / paths.root_key.filename(), root->key_pem, true);
  write(fresh / paths.issuer.filename(), issuer->certificate_pem, false);
  write(fresh / paths.issuer_key.filename(), issuer->key_pem, true);
  write(paths.names, listed, false);
  if (made) made = make_server(paths, *issuer, root->certificate_pem, names, now);
  if (!made) return made;
  std::error_code failed;
  fs::rename(fresh, paths.ca, failed);
  if (failed) return Error{Errc::storage, paths.ca.string() + ": " + failed.message()};
  return {};
}

Result<AuthorityFiles> AuthorityFiles::load(const fs::path& data, const Clock& clock) {
  const Paths paths{data};
  Result<void> read;
  const auto text = [&](const fs::path& path) -> std::string {
    auto bytes = platform::read_file(path);
    if (bytes) return std::move(*bytes);
    if (read) read = bytes.error();
    return {};
  };
  AuthorityFiles out;
  const auto root = text(paths.root);
  out.issuer_ = {text(paths.issuer), text(paths.issuer_key)};
  out.server_ = {text(paths.server), text(paths.server_key)};
  const auto names = lines(text(paths.names));
  if (!read) {
    return Error{Errc::missing, "no certificate authority in " + data.string() +
                                    " (run: kiosk-collector init --data " + data.string() +
                                    "): " + read.error().text()};
  }
  out.trust_pem_ = root + out.issuer_.certificate_pem;
  const auto root_certificate = identity::Certificate::parse(root);
  if (!root_certificate) {
    return Error{Errc::invalid, paths.root.string() + " is damaged: put a backup back (" +
                                    root_certificate.error().text() + ")"};
  }
  out.pin_ = root_certificate->sha256();
  const auto whole = check_files(paths, *root_certificate, root, out.issuer_, out.server_);
  if (!whole) return whole.error();
  const auto server = identity::Certificate::parse(out.server_.chain_pem);
  if (!server) return server.error();
  const bool cut = cut_renewal(out.server_);
  if (cut && names.empty()) {
    return Error{Errc::invalid, paths.server_key.string() +
                                    " is not the key of server.pem, and server-names.txt names "
                                    "nothing to make a new one for: put a backup back"};
  }
  if (cut || (server->not_after - clock.wall() < renew_before && !names.empty())) {
    auto renewed = make_server(paths, out.issuer_, root, names, clock.wall());
    if (!renewed) return std::move(renewed).error();
    out.server_ = {text(paths.server), text(paths.server_key)};
    if (!read) return read.error();
  }
  return out;
}

}  // namespace kw::collector
