target_sources(kw_common PRIVATE
  platform/posix/control_endpoint.cpp
  platform/posix/files.cpp
  platform/posix/folder_lock.cpp
  platform/posix/host_facts.cpp
  platform/posix/device_nodes.cpp
  platform/posix/memory.cpp
  platform/posix/service.cpp
  platform/posix/signals.cpp
  platform/posix/sockets.cpp
  platform/posix/thread_name.cpp
  platform/control_server.cpp
  platform/posix/control_client.cpp)
