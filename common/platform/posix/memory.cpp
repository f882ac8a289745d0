#include "common/platform/memory.hpp"

#include <cstddef>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kw::platform {
namespace {

/// Segments that nothing may write to are the file's pages: dropping them loses nothing. Relocated
/// data is read-only by now too, but its segment is a writable one and stays.
int drop_read_only(dl_phdr_info* object, std::size_t /*size*/, void* /*data*/) {
  const auto page = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const auto end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) & ~(page - 1);
    if (end <= begin) continue;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void forget_startup() {
  malloc_trim(0);
  dl_iterate_phdr(drop_read_only, nullptr);
}

}  // namespace kw::platform
