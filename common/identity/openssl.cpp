#include "common/identity/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace kw::identity {

void FreedStack::operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }

Error openssl_error(Errc code, std::string_view what) {
  const auto number = ERR_get_error();
  ERR_clear_error();
  std::string text{what};
  if (number != 0) {
    const char* reason = ERR_reason_error_string(number);
    text.append(": ").append(reason != nullptr ? reason : "unknown reason");
  }
  return Error{code, std::move(text)};
}

BioPtr reading(std::string_view text) {
  return BioPtr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

BioPtr writing() { return BioPtr{BIO_new(BIO_s_mem())}; }

std::string written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string{};
}

Result<KeyPtr> read_key(std::string_view pem) {
  ERR_clear_error();
  const auto bio = reading(pem);
  // An empty pass phrase: an encrypted key is refused here, never asked for on a terminal.
  char no_phrase[] = "";
  KeyPtr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_phrase)};
  if (!key) return openssl_error(Errc::invalid, "not a private key in PEM");
  return key;
}

Result<StackPtr> read_certificates(std::string_view pem) {
  ERR_clear_error();
  const auto bio = reading(pem);
  StackPtr stack{sk_X509_new_null()};
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(stack.get(), next) == 0) {
      X509_free(next);
      return Error{Errc::invalid, "out of memory"};
    }
  }
  const auto last = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (count(stack.get()) == 0) {
    return openssl_error(Errc::invalid, "not a certificate in PEM");
  }
  if (last != 0 && !at_end) return openssl_error(Errc::invalid, "broken certificate in PEM");
  ERR_clear_error();
  return stack;
}

Result<X509Ptr> read_certificate(std::string_view pem_or_der) {
  ERR_clear_error();
  const auto bio = reading(pem_or_der);
  X509Ptr certificate;
  if (pem_or_der.find("-----BEGIN") != std::string_view::npos) {
    certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  } else {
    certificate.reset(d2i_X509_bio(bio.get(), nullptr));
  }
  if (!certificate) return openssl_error(Errc::invalid, "not a certificate");
  return certificate;
}

int count(const STACK_OF(X509) * stack) { return stack == nullptr ? 0 : sk_X509_num(stack); }
X509* at(const STACK_OF(X509) * stack, int index) { return sk_X509_value(stack, index); }

WallTime wall_of(const ASN1_TIME* time) {
  const std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>> epoch{ASN1_TIME_set(nullptr, 0)};
  int days = 0;
  int seconds = 0;
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return WallTime{};
  return WallTime{std::chrono::hours{24} * days + std::chrono::seconds{seconds}};
}

std::string der_of(const X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  std::copy(bytes, bytes + size, der.begin());
  OPENSSL_free(bytes);
  return der;
}

std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr)};
  if (!number) return {};
  char* text = BN_bn2hex(number.get());
  std::string hex = text != nullptr ? text : "";
  OPENSSL_free(text);
  return hex;
}

std::string common_name_of(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return {};
  std::string text(utf8, utf8 + size);
  OPENSSL_free(utf8);
  return text;
}

std::string uri_of(const X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string uri;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* value = name->d.uniformResourceIdentifier;
    const auto* data = ASN1_STRING_get0_data(value);
    uri.assign(data, data + ASN1_STRING_length(value));
    break;
  }
  GENERAL_NAMES_free(names);
  return uri;
}

}  // namespace kw::identity
