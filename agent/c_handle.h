// SPDX-License-Identifier: GPL-2.0-only
// Owners of what C libraries hand out.
#pragma once

#include <memory>

namespace vmflow {

template <auto kEnd>
struct EndsWith {
  template <typename T>
  void operator()(T* object) const {
    kEnd(object);
  }
};

/// Owns a T that the library wants back through `kEnd`.
template <typename T, auto kEnd>
using CHandle = std::unique_ptr<T, EndsWith<kEnd>>;

}  // namespace vmflow
