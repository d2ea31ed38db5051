// SPDX-License-Identifier: GPL-2.0-only
// cpp-httplib as what it is good at, from a whole request to a whole answer: routes, HEAD,
// bodies. It never sees a socket.
#pragma once

#include <httplib.h>

#include <string>

#include "agent/http/connection.h"
#include "agent/http/request_head.h"

namespace vmflow {

/// Routes are added as to any httplib::Server. Threads: answer() from any once they are there.
class RequestAnswerer : public httplib::Server {
 public:
  RequestAnswerer();
  HttpReply answer(const RequestHead& head, std::string body);
};

}  // namespace vmflow
