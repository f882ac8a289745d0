target_sources(kw_common PRIVATE
  platform/control_client.cpp
  platform/control_server.cpp)
if(WIN32)
  target_sources(kw_common PRIVATE
    platform/win/clock.cpp
    platform/win/control_endpoint.cpp
    platform/win/device_nodes.cpp
    platform/win/echo.cpp
    platform/win/files.cpp
    platform/win/folder_lock.cpp
    platform/win/handle.cpp
    platform/win/host_checks.cpp
    platform/win/host_facts.cpp
    platform/win/host_figures.cpp
    platform/win/locked_memory.cpp
    platform/win/memory.cpp
    platform/win/owner.cpp
    platform/win/pcsc_service.cpp
    platform/win/process.cpp
    platform/win/security.cpp
    platform/win/serial_port.cpp
    platform/win/serial_ports.cpp
    platform/win/service.cpp
    platform/win/shared_file.cpp
    platform/win/signals.cpp
    platform/win/socket.cpp
    platform/win/sockets.cpp
    platform/win/software.cpp
    platform/win/tcp_port.cpp
    platform/win/terminal.cpp
    platform/win/thread_name.cpp
    platform/win/udp_port.cpp
    platform/win/usb_texts.cpp)
  target_link_libraries(kw_common PRIVATE advapi32 cfgmgr32 iphlpapi shell32 version winscard ws2_32)
  return()
endif()
target_sources(kw_common PRIVATE
  platform/posix/clock.cpp
  platform/posix/control_endpoint.cpp
  platform/posix/descriptor.cpp
  platform/posix/device_nodes.cpp
  platform/posix/echo.cpp
  platform/posix/files.cpp
  platform/posix/folder_lock.cpp
  platform/posix/host_checks.cpp
  platform/posix/host_facts.cpp
  platform/posix/host_figures.cpp
  platform/posix/locked_memory.cpp
  platform/posix/memory.cpp
  platform/posix/owner.cpp
  platform/posix/pcsc_service.cpp
  platform/posix/process.cpp
  platform/posix/serial_port.cpp
  platform/posix/serial_ports.cpp
  platform/posix/service.cpp
  platform/posix/shared_file.cpp
  platform/posix/signals.cpp
  platform/posix/sockets.cpp
  platform/posix/software.cpp
  platform/posix/tcp_port.cpp
  platform/posix/terminal.cpp
  platform/posix/thread_name.cpp
  platform/posix/udp_port.cpp
  platform/posix/usb_texts.cpp)
set_source_files_properties(platform/posix/pcsc_service.cpp PROPERTIES
  INCLUDE_DIRECTORIES ${KW_PCSC_HEADERS})
