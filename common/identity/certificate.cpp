#include "common/identity/certificate.hpp"

#include <openssl/err.h>

#include "common/identity/keys.hpp"
#include "common/identity/openssl.hpp"

namespace kw::identity {
namespace {

Certificate described(X509* x509) {
  Certificate c;
  c.serial = serial_of(x509);
  c.common_name = common_name_of(X509_get_subject_name(x509));
  c.issuer = common_name_of(X509_get_issuer_name(x509));
  c.uri = uri_of(x509);
  c.not_before = wall_of(X509_get0_notBefore(x509));
  c.not_after = wall_of(X509_get0_notAfter(x509));
  c.is_ca = X509_check_ca(x509) == 1;
  c.der = der_of(x509);
  return c;
}

}  // namespace

Result<Certificate> Certificate::parse(std::string_view pem_or_der) {
  auto x509 = read_certificate(pem_or_der);
  if (!x509) return std::move(x509).error();
  return described(x509->get());
}

std::string Certificate::sha256() const { return sha256_hex(der); }
std::string Certificate::pem() const { return pem_from_der(der, "CERTIFICATE"); }

Result<std::vector<Certificate>> parse_chain(std::string_view pem) {
  auto stack = read_certificates(pem);
  if (!stack) return std::move(stack).error();
  std::vector<Certificate> chain;
  for (int i = 0; i < count(stack->get()); ++i) chain.push_back(described(at(stack->get(), i)));
  return chain;
}

Result<void> verify_chain(std::string_view pem, std::string_view trust_pem, WallTime now) {
  auto chain = read_certificates(pem);
  if (!chain) return std::move(chain).error();
  auto trust = read_certificates(trust_pem);
  if (!trust) return std::move(trust).error().within("trust");
  const StoreCtxPtr context{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(context.get(), nullptr, at(chain->get(), 0), chain->get());
  X509_STORE_CTX_set0_trusted_stack(context.get(), trust->get());
  auto* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(micros(now) / 1'000'000));
  const bool ok = X509_verify_cert(context.get()) == 1;
  const int why = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (!ok) return Error{Errc::refused, X509_verify_cert_error_string(why)};
  return {};
}

Result<void> match_key(std::string_view certificate_pem, std::string_view key_pem) {
  auto x509 = read_certificate(certificate_pem);
  if (!x509) return std::move(x509).error();
  auto key = read_key(key_pem);
  if (!key) return std::move(key).error();
  if (X509_check_private_key(x509->get(), key->get()) != 1) {
    return openssl_error(Errc::invalid, "the key does not belong to the certificate");
  }
  // That looks at the public half only, which the file holds beside the private one.
  const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> context{
      EVP_PKEY_CTX_new(key->get(), nullptr)};
  if (!context || EVP_PKEY_pairwise_check(context.get()) != 1) {
    return openssl_error(Errc::invalid, "the halves of the key do not belong together");
  }
  return {};
}

}  // namespace kw::identity
