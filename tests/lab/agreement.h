// SPDX-License-Identifier: GPL-2.0-only
// What was counted live and what a snapshot's trace tells.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "figure.h"
#include "guest.h"

namespace vmflow::lab {

/// Both sides of a report have been compared and agree.
inline void expect_agreement(const Json& report) {
  ASSERT_FALSE(report["crosscheck"]["rows"].empty())
      << "nothing was compared: " << report["crosscheck"] << report["sources"];
  for (const auto& row : report["crosscheck"]["rows"]) {
    figure("{:<14} live {:<14} trace {:<14} disagreement {:.5f}, allowed {:.5f}",
           row["quantity"].get<std::string>(), row["aggregate"].dump(), row["replay"].dump(),
           row["disagreement_ratio"].get<double>(), row["allowed_ratio"].get<double>());
    EXPECT_LE(row["disagreement_ratio"].get<double>(), row["allowed_ratio"].get<double>())
        << row["quantity"];
  }
}

}  // namespace vmflow::lab
