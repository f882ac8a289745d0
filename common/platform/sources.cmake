target_sources(kw_common PRIVATE
  platform/posix/control_endpoint.cpp
  platform/posix/files.cpp
  platform/posix/folder_lock.cpp
  platform/posix/host_checks.cpp
  platform/posix/host_facts.cpp
  platform/posix/signals.cpp
  platform/posix/sockets.cpp
  platform/posix/terminal.cpp
  platform/control_server.cpp
  platform/posix/control_client.cpp)
