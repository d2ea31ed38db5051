// SPDX-License-Identifier: GPL-2.0-only
// Certificates as openssl makes them: of a CA, a server, and clients of every kind.
#pragma once

#include <string>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {

/// A certificate and its key, as files.
struct Identity {
  std::string cert, key;
};

/// Made once for a run of the program, since it takes openssl half a second.
class Certificates {
 public:
  static const Certificates& get();

  Identity ca, other_ca;
  Identity server;            ///< for localhost and 127.0.0.1
  Identity next_server;       ///< the same, made later
  Identity client;            ///< its names: prometheus.example, 10.1.2.3
  Identity other_client;      ///< grafana.example
  Identity expired_client;    ///< it was prometheus.example
  Identity unknown_client;    ///< prometheus.example, as another CA says
  Identity server_as_client;  ///< of our CA, but made for servers only
  Identity self_signed;

  const TemporaryFolder& folder() const { return folder_; }

 private:
  Certificates();
  Identity certificate_authority(const std::string& name);
  Identity issue(const std::string& name, const Identity& by, const std::string& names,
                 const std::string& use, const std::string& when = "-days 30");

  TemporaryFolder folder_;
};

/// The text of a file.
std::string text_of(const std::string& path);

/// A bcrypt hash, of the least cost.
std::string bcrypt(const std::string& password);

}  // namespace vmflow::test
