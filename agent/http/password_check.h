// SPDX-License-Identifier: GPL-2.0-only
// HTTP basic auth: who a client says it is, held against bcrypt hashes.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace vmflow {

struct Credentials {
  std::string user;
  std::string password;
};

/// Of a header `Authorization: Basic …`. Nullopt: it is none.
std::optional<Credentials> basic_credentials(std::string_view authorization);

/// Threads: all from any.
class PasswordCheck {
 public:
  /// `users`: bcrypt hashes by name; none: nobody has to say who he is.
  explicit PasswordCheck(std::map<std::string, std::string> users);

  bool is_needed() const { return !users_.empty(); }

  /// verify() has found just these to be right. Takes microseconds.
  bool remembers(const Credentials&) const;

  /// Takes what a bcrypt of the dearest user takes to fail, whether there is such a user or not.
  bool verify(const Credentials&);

 private:
  using Digest = std::array<unsigned char, 32>;
  Digest digest(const Credentials&) const;

  const std::map<std::string, std::string> users_;
  std::string hash_of_nobody_;
  Digest key_{};
  mutable std::mutex mutex_;
  std::map<std::string, Digest, std::less<>> verified_;  ///< one for each user at most
};

}  // namespace vmflow
