target_sources(kw_common PRIVATE
  identity/authority.cpp
  identity/certificate.cpp
  identity/keys.cpp
  identity/openssl.cpp
  identity/random.cpp
  identity/token.cpp
  identity/uuid.cpp)
