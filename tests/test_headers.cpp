// SPDX-License-Identifier: GPL-2.0-only
// Only its header is wanted (test_headers.h).
