target_sources(kw_common PRIVATE
  link/accept.cpp
  link/connect.cpp
  link/endpoint.cpp
  link/http_client.cpp
  link/http_server.cpp
  link/http_wire.cpp
  link/io.cpp
  link/text_socket.cpp
  link/proxy.cpp
  link/ticket_keys.cpp
  link/tls_client.cpp
  link/tls_server.cpp
  link/tls_stream.cpp
  link/tunnel.cpp
  link/wss_dial.cpp
  link/wss_io.cpp
  link/wss_listen.cpp)
# Beast costs about a gigabyte of memory a file.
set_source_files_properties(link/text_socket.cpp link/wss_dial.cpp link/wss_io.cpp link/wss_listen.cpp
  PROPERTIES JOB_POOL_COMPILE beast)
