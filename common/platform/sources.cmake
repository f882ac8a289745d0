target_sources(kw_common PRIVATE
  platform/control_client.cpp
  platform/control_server.cpp
  platform/posix/clock.cpp
  platform/posix/control_endpoint.cpp
  platform/posix/descriptor.cpp
  platform/posix/files.cpp
  platform/posix/folder_lock.cpp
  platform/posix/host_facts.cpp
  platform/posix/host_figures.cpp
  platform/posix/owner.cpp
  platform/posix/process.cpp
  platform/posix/serial_port.cpp
  platform/posix/service.cpp
  platform/posix/signals.cpp
  platform/posix/sockets.cpp
  platform/posix/tcp_port.cpp
  platform/posix/thread_name.cpp)
