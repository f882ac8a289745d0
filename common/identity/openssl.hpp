#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/clock.hpp"
#include "common/result.hpp"

/// OpenSSL objects that free themselves, and its errors and times in our words. Included by sources
/// of identity/ and link/ only.
namespace kw::identity {

template <auto free_function>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};

/// sk_X509_pop_free is a macro full of casts; this is its function.
struct FreedStack {
  void operator()(STACK_OF(X509) * stack) const;
};

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), FreedStack>;
using CtxPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

/// Text of a secret: wiped when it goes out of scope.
struct Wiped {
  std::string text;
  Wiped() = default;
  explicit Wiped(std::string t) : text(std::move(t)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

/// The oldest error on this thread's queue as an Error, which empties the queue.
Error openssl_error(Errc code, std::string_view what);

/// Reads through a memory BIO; `text` outlives it.
BioPtr reading(std::string_view text);
BioPtr writing();
std::string written(BIO* bio);

Result<KeyPtr> read_key(std::string_view pem);
/// Every certificate of a PEM text in order; at least one.
Result<StackPtr> read_certificates(std::string_view pem);
/// One certificate: PEM (the first) or DER.
Result<X509Ptr> read_certificate(std::string_view pem_or_der);
int count(const STACK_OF(X509) * stack);
X509* at(const STACK_OF(X509) * stack, int index);

WallTime wall_of(const ASN1_TIME* time);
std::string der_of(const X509* certificate);
/// Upper-case hex without leading zero octets, as `openssl x509 -serial` prints it.
std::string serial_of(const X509* certificate);
std::string common_name_of(const X509_NAME* name);
/// The first subjectAltName that is a URI; empty: none.
std::string uri_of(const X509* certificate);

}  // namespace kw::identity
