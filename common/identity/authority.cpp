#include "common/identity/authority.hpp"

#include <algorithm>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/identity/keys.hpp"
#include "common/identity/openssl.hpp"
#include "common/identity/random.hpp"

namespace kw::identity {
namespace {

constexpr std::string_view agent_prefix = "spiffe://kioskwatch/agent/";
constexpr Duration root_life = 20 * 365 * day;
constexpr Duration issuer_life = 10 * 365 * day;

struct Extension {
  int nid;
  std::string value;
};

Result<X509ReqPtr> read_request(std::string_view csr) {
  ERR_clear_error();
  X509ReqPtr request;
  if (csr.find("-----BEGIN") != std::string_view::npos) {
    request.reset(PEM_read_bio_X509_REQ(reading(csr).get(), nullptr, nullptr, nullptr));
  } else if (!csr.empty() && csr.front() == '\x30') {
    request.reset(d2i_X509_REQ_bio(reading(csr).get(), nullptr));
  }
  if (!request) {
    // EST sends base64 without the PEM lines around it, in lines of any length or none.
    std::string plain;
    std::copy_if(csr.begin(), csr.end(), std::back_inserter(plain),
                 [](char c) { return c != '\r' && c != '\n' && c != ' ' && c != '\t'; });
    std::string der(plain.size(), '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(der.data()),
                                     reinterpret_cast<const unsigned char*>(plain.data()),
                                     static_cast<int>(plain.size()));
    if (size > 0) request.reset(d2i_X509_REQ_bio(reading(der).get(), nullptr));
  }
  if (!request) return openssl_error(Errc::invalid, "not a certificate request");
  return request;
}

/// The request's key once it is proved that the sender holds its private half.
Result<EVP_PKEY*> proved_key(X509_REQ* request) {
  EVP_PKEY* key = X509_REQ_get0_pubkey(request);
  if (key == nullptr) return openssl_error(Errc::refused, "the request has no readable key");
  if (X509_REQ_verify(request, key) != 1) {
    return openssl_error(Errc::refused, "the request is not signed by its own key");
  }
  char group[32] = "";
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) group[0] = '\0';
  ERR_clear_error();
  const std::string_view curve{group};
  const bool allowed = curve == "prime256v1" || curve == "secp384r1";
  if (!allowed) return Error{Errc::refused, "the key is neither P-256 nor P-384"};
  return key;
}

bool set_time(ASN1_TIME* to, WallTime t) {
  return ASN1_TIME_set(to, static_cast<time_t>(micros(t) / 1'000'000)) != nullptr;
}

bool set_serial(X509* x509) {
  auto bytes = random_bytes(16);
  // Positive, and 128 bits for certain, so that its hex has one length.
  bytes[0] = static_cast<char>((bytes[0] & 0x7f) | 0x40);
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number{
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr)};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr;
}

bool add(X509* x509, X509* issuer, const Extension& extension) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* made =
      X509V3_EXT_nconf_nid(nullptr, &context, extension.nid, extension.value.c_str());
  if (made == nullptr) return false;
  const bool ok = X509_add_ext(x509, made, -1) == 1;
  X509_EXTENSION_free(made);
  return ok;
}

struct Certified {
  EVP_PKEY* key;     ///< the subject's
  std::string name;  ///< the subject's common name
  X509* issuer;      ///< null: signs itself
  EVP_PKEY* issuer_key;
  const EVP_MD* digest;
  WallTime from;
  WallTime until;
  std::vector<Extension> extensions;
  GENERAL_NAMES* names = nullptr;  ///< subjectAltName, or none
};

Result<X509Ptr> certify(const Certified& c) {
  ERR_clear_error();
  X509Ptr x509{X509_new()};
  X509* issuer = c.issuer != nullptr ? c.issuer : x509.get();
  X509_NAME* subject = X509_get_subject_name(x509.get());
  const auto* name = reinterpret_cast<const unsigned char*>(c.name.data());
  bool ok = X509_set_version(x509.get(), X509_VERSION_3) == 1 && set_serial(x509.get()) &&
            set_time(X509_getm_notBefore(x509.get()), c.from) &&
            set_time(X509_getm_notAfter(x509.get()), c.until) &&
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name,
                                       static_cast<int>(c.name.size()), -1, 0) == 1 &&
            X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer)) == 1 &&
            X509_set_pubkey(x509.get(), c.key) == 1;
  for (const auto& extension : c.extensions) ok = ok && add(x509.get(), issuer, extension);
  if (c.names != nullptr) {
    ok = ok && X509_add1_ext_i2d(x509.get(), NID_subject_alt_name, c.names, 0, 0) == 1;
  }
  ok = ok && X509_sign(x509.get(), c.issuer_key, c.digest) != 0;
  if (!ok) return openssl_error(Errc::invalid, "no certificate");
  return x509;
}

std::string pem_of(X509* x509) { return pem_from_der(der_of(x509), "CERTIFICATE"); }

Result<std::string> pem_of(EVP_PKEY* key) {
  const auto bio = writing();
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error(Errc::invalid, "no key");
  }
  auto pem = written(bio.get());
  char* left = nullptr;  // the BIO's own copy
  const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &left);
  if (size > 0) OPENSSL_cleanse(left, static_cast<std::size_t>(size));
  return pem;
}

Result<Signer> signer(EVP_PKEY* key, Result<X509Ptr> certificate) {
  if (!certificate) return std::move(certificate).error();
  auto key_pem = pem_of(key);
  if (!key_pem) return std::move(key_pem).error();
  return Signer{pem_of(certificate->get()), std::move(*key_pem)};
}

struct OpenSigner {
  X509Ptr certificate;
  KeyPtr key;
};

Result<OpenSigner> open(const Signer& signer) {
  auto certificate = read_certificate(signer.certificate_pem);
  if (!certificate) return std::move(certificate).error().within("authority");
  auto key = read_key(signer.key_pem);
  if (!key) return std::move(key).error().within("authority");
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    return openssl_error(Errc::invalid, "the authority's key does not belong to its certificate");
  }
  return OpenSigner{std::move(*certificate), std::move(*key)};
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

/// Built as objects, not from OpenSSL's little language, where a comma in a name would add names.
bool add_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  if (value == nullptr) return false;
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

ASN1_STRING* ia5(std::string_view text) {
  ASN1_STRING* string = ASN1_STRING_type_new(V_ASN1_IA5STRING);
  ASN1_STRING_set(string, text.data(), static_cast<int>(text.size()));
  return string;
}

bool plain_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 &&
         std::all_of(name.begin(), name.end(), [](char c) { return unreserved(c) || c == '*'; });
}

Result<Issued> sign_leaf(const Signer& issuer, std::string_view csr, const std::string& name,
                         GENERAL_NAMES* names, const char* usage, WallTime now, Duration life) {
  auto request = read_request(csr);
  if (!request) return std::move(request).error();
  auto key = proved_key(request->get());
  if (!key) return std::move(key).error();
  auto by = open(issuer);
  if (!by) return std::move(by).error();
  Certified leaf;
  leaf.key = *key;
  leaf.name = name;
  leaf.issuer = by->certificate.get();
  leaf.issuer_key = by->key.get();
  leaf.digest = EVP_sha256();
  leaf.from = now - back_dated;
  leaf.until = now + life;
  leaf.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                     {NID_key_usage, "critical,digitalSignature"},
                     {NID_ext_key_usage, usage},
                     {NID_subject_key_identifier, "hash"},
                     {NID_authority_key_identifier, "keyid"}};
  leaf.names = names;
  auto x509 = certify(leaf);
  if (!x509) return std::move(x509).error();
  return Issued{pem_of(x509->get()), serial_of(x509->get()),
                wall_of(X509_get0_notBefore(x509->get())),
                wall_of(X509_get0_notAfter(x509->get()))};
}

}  // namespace

Result<Signer> make_root(const std::string& name, WallTime now) {
  ERR_clear_error();
  const KeyPtr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384")};
  if (!key) return openssl_error(Errc::invalid, "no key");
  Certified root;
  root.key = key.get();
  root.name = name;
  root.issuer = nullptr;
  root.issuer_key = key.get();
  root.digest = EVP_sha384();
  root.from = now - back_dated;
  root.until = now + root_life;
  root.extensions = {{NID_basic_constraints, "critical,CA:TRUE"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_subject_key_identifier, "hash"}};
  return signer(key.get(), certify(root));
}

Result<Signer> make_issuer(const Signer& root, const std::string& name, WallTime now) {
  auto by = open(root);
  if (!by) return std::move(by).error();
  const KeyPtr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  if (!key) return openssl_error(Errc::invalid, "no key");
  Certified issuer;
  issuer.key = key.get();
  issuer.name = name;
  issuer.issuer = by->certificate.get();
  issuer.issuer_key = by->key.get();
  issuer.digest = EVP_sha384();
  issuer.from = now - back_dated;
  issuer.until = now + issuer_life;
  issuer.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_subject_key_identifier, "hash"},
                       {NID_authority_key_identifier, "keyid"}};
  return signer(key.get(), certify(issuer));
}

Result<CheckedRequest> check_request(std::string_view csr) {
  auto request = read_request(csr);
  if (!request) return std::move(request).error();
  auto key = proved_key(request->get());
  if (!key) return std::move(key).error();
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(*key, &der);
  if (size <= 0) return openssl_error(Errc::invalid, "unreadable key");
  const std::string spki(der, der + size);
  OPENSSL_free(der);
  const auto bio = writing();
  PEM_write_bio_X509_REQ(bio.get(), request->get());
  return CheckedRequest{sha256_hex(spki), written(bio.get())};
}

std::string agent_uri(std::string_view terminal_code) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string uri{agent_prefix};
  for (const char c : terminal_code) {
    if (unreserved(c)) {
      uri += c;
      continue;
    }
    const auto b = static_cast<unsigned char>(c);
    uri.append(1, '%').append(1, digits[b >> 4]).append(1, digits[b & 15]);
  }
  return uri;
}

Result<std::string> code_of_agent_uri(std::string_view uri) {
  const Error other{Errc::invalid, "not an agent's URI"};
  if (uri.substr(0, agent_prefix.size()) != agent_prefix) return other;
  const auto encoded = uri.substr(agent_prefix.size());
  std::string code;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      if (!unreserved(encoded[i])) return other;
      code += encoded[i];
      continue;
    }
    auto byte = from_hex(encoded.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return other;
    code += *byte;
    i += 2;
  }
  if (code.empty()) return other;
  return code;
}

Result<Issued> sign_kiosk(const Signer& issuer, std::string_view csr,
                          const std::string& terminal_code, WallTime now, Duration life) {
  if (terminal_code.empty() || terminal_code.size() > 64) {
    return Error{Errc::invalid, "a terminal code has 1 to 64 bytes"};
  }
  const NamesPtr names{GENERAL_NAMES_new()};
  if (!add_name(names.get(), GEN_URI, ia5(agent_uri(terminal_code)))) {
    return openssl_error(Errc::invalid, "no name");
  }
  return sign_leaf(issuer, csr, terminal_code, names.get(), "clientAuth", now, life);
}

Result<Issued> sign_server(const Signer& issuer, std::string_view csr,
                           const std::vector<std::string>& names, WallTime now, Duration life) {
  if (names.empty()) return Error{Errc::invalid, "a server needs at least one name"};
  const NamesPtr list{GENERAL_NAMES_new()};
  for (const auto& name : names) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
    ERR_clear_error();
    bool ok = false;
    if (address != nullptr) {
      ok = add_name(list.get(), GEN_IPADD, address);
    } else if (plain_dns_name(name)) {
      ok = add_name(list.get(), GEN_DNS, ia5(name));
    }
    if (!ok) return Error{Errc::invalid, "not a host name or address: " + name};
  }
  // X.520 allows a common name 64 characters; clients look at the subjectAltName only.
  return sign_leaf(issuer, csr, names.front().substr(0, 64), list.get(), "serverAuth", now, life);
}

}  // namespace kw::identity
