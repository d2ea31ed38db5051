// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/libvirt_calls.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace vmflow {
namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Result<LibvirtCalls> load_libvirt() {
  void* library = dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return failure("libvirt.so.0 is not there: install libvirt0, or set --libvirt.uri off");
  LibvirtCalls calls;
  const bool found = find(library, "virInitialize", calls.initialize) &&
                     find(library, "virSetErrorFunc", calls.set_error_function) &&
                     find(library, "virGetLastErrorMessage", calls.last_error) &&
                     find(library, "virConnectOpenReadOnly", calls.open_read_only) &&
                     find(library, "virConnectListAllDomains", calls.list_domains) &&
                     find(library, "virDomainGetUUIDString", calls.uuid) &&
                     find(library, "virDomainGetXMLDesc", calls.xml) &&
                     find(library, "virDomainFree", calls.free_domain);
  if (!found) return failure(fmt::format("libvirt.so.0 is too old: {}", dlerror()));
  return calls;
}

}  // namespace vmflow
