#include "common/identity/keys.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/identity/openssl.hpp"

namespace kw::identity {

Result<std::string> make_key() {
  ERR_clear_error();
  const KeyPtr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  if (!key) return openssl_error(Errc::storage, "no key");
  const auto bio = writing();
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return openssl_error(Errc::storage, "no key");
  }
  auto pem = written(bio.get());
  char* left = nullptr;  // the BIO's own copy
  const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &left);
  if (size > 0) OPENSSL_cleanse(left, static_cast<std::size_t>(size));
  return pem;
}

Result<std::string> make_csr(const std::string& key_pem, const std::string& common_name) {
  auto key = read_key(key_pem);
  if (!key) return std::move(key).error();
  const X509ReqPtr request{X509_REQ_new()};
  X509_NAME* name = X509_REQ_get_subject_name(request.get());
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  // 64 characters is what X.520 allows a common name.
  if (X509_REQ_set_version(request.get(), 0) != 1 ||
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text,
                                 static_cast<int>(common_name.size()), -1, 0) != 1 ||
      X509_REQ_set_pubkey(request.get(), key->get()) != 1 ||
      X509_REQ_sign(request.get(), key->get(), EVP_sha256()) == 0) {
    return openssl_error(Errc::invalid, "no certificate request");
  }
  const auto bio = writing();
  if (PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return openssl_error(Errc::invalid, "no certificate request");
  }
  return written(bio.get());
}

Result<std::string> der_from_pem(std::string_view pem) {
  ERR_clear_error();
  const auto bio = reading(pem);
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &label, &header, &data, &size) != 1) {
    return openssl_error(Errc::invalid, "not PEM");
  }
  std::string der(data, data + size);
  OPENSSL_cleanse(data, static_cast<std::size_t>(size));
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return der;
}

std::string pem_from_der(std::string_view der, std::string_view label) {
  const auto bio = writing();
  const std::string name{label};
  PEM_write_bio(bio.get(), name.c_str(), "", reinterpret_cast<const unsigned char*>(der.data()),
                static_cast<long>(der.size()));
  return written(bio.get());
}

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
             EVP_sha256(), nullptr);
  digest.resize(size);
  return digest;
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

Result<std::string> from_hex(std::string_view hex) {
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return Error{Errc::invalid, "an odd number of hex digits"};
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = value(hex[i]);
    const int low = value(hex[i + 1]);
    if (high < 0 || low < 0) return Error{Errc::invalid, "not a hex digit"};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

std::string fingerprint(std::string_view hex) {
  constexpr std::size_t group = 4;
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += group) {
    if (i > 0) out += '-';
    out += hex.substr(i, group);
  }
  return out;
}

}  // namespace kw::identity
