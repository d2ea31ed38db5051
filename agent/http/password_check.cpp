// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/password_check.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace vmflow {
namespace {

constexpr size_t kMostBytes = 4096;  // of a header's value
constexpr size_t kCostBegin = 4, kCostBytes = 2;
// Nobody's password gives this hash; what counts is how long it takes to find out.
constexpr const char* kHashOfNobody =
    "$2y$10$zzzzzzzzzzzzzzzzzzzzzuzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

std::optional<std::string> base64_text(std::string_view text) {
  if (text.empty() || text.size() > kMostBytes || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // It counts what stands for padding as zero bytes.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

/// `hash` holds cost and salt, too.
bool gives(const std::string& password, const std::string& hash) {
  const auto work = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), work.get());
  const bool is_equal = made != nullptr && std::char_traits<char>::length(made) == hash.size() &&
                        CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(work.get(), sizeof(crypt_data));
  return is_equal;
}

}  // namespace

std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  for (size_t i = 0; i < kScheme.size(); i++)
    if ((authorization[i] | 0x20) != kScheme[i]) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  const auto text = base64_text(authorization);
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

PasswordCheck::PasswordCheck(std::map<std::string, std::string> users)
    : users_(std::move(users)), hash_of_nobody_(kHashOfNobody) {
  std::string cost;
  for (const auto& [user, hash] : users_)
    cost = std::max(cost, hash.substr(kCostBegin, kCostBytes));
  if (!cost.empty()) hash_of_nobody_.replace(kCostBegin, kCostBytes, cost);
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1)
    throw std::runtime_error("no random numbers to be had");
}

PasswordCheck::Digest PasswordCheck::digest(const Credentials& who) const {
  // Sizes first, so that no other pair gives the same text.
  auto text = std::to_string(who.user.size()) + ":" + who.user + who.password;
  Digest digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  OPENSSL_cleanse(text.data(), text.size());
  return digest;
}

bool PasswordCheck::remembers(const Credentials& who) const {
  const auto wanted = digest(who);
  const std::lock_guard lock(mutex_);
  const auto known = verified_.find(who.user);
  return known != verified_.end() &&
         CRYPTO_memcmp(known->second.data(), wanted.data(), wanted.size()) == 0;
}

bool PasswordCheck::verify(const Credentials& who) {
  const auto user = users_.find(who.user);
  const bool is_known = user != users_.end();
  // A NUL would end the password before its end.
  const bool is_whole = who.password.find('\0') == std::string::npos;
  const bool is_right =
      gives(who.password, is_known ? user->second : hash_of_nobody_) && is_known && is_whole;
  if (!is_right) return false;
  const auto digest_of_right = digest(who);
  const std::lock_guard lock(mutex_);
  verified_[who.user] = digest_of_right;
  return true;
}

}  // namespace vmflow
