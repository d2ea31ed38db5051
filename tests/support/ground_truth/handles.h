// SPDX-License-Identifier: GPL-2.0-only
// Owners of what the kernel hands out, and its errors as exceptions.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

namespace vmflow::ground_truth {

/// The error of the system call that just failed.
inline std::system_error system_failure(const std::string& what) {
  return std::system_error(errno, std::generic_category(), what);
}

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

/// Owns a mapping.
class Mapping {
 public:
  Mapping() = default;
  /// Maps `size` bytes: of `fd` from its start, or zeroed memory if `fd` is -1.
  /// Errors: std::system_error.
  Mapping(std::size_t size, int fd, int sharing = MAP_SHARED)
      : data_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, sharing | (fd < 0 ? MAP_ANONYMOUS : 0),
                     fd, 0)),
        size_(size) {
    if (data_ == MAP_FAILED) throw system_failure("mmap");
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  /// The object at `offset`.
  template <typename T>
  [[nodiscard]] T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(data_) + offset);
  }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vmflow::ground_truth
