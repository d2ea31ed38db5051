// SPDX-License-Identifier: GPL-2.0-only
// A page of metrics, made and compressed once for all who ask for it at the same time.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>

namespace vmflow {

/// Threads: any.
class MetricsPage {
 public:
  explicit MetricsPage(std::string text) : text_(std::move(text)) {}

  const std::string& text() const { return text_; }
  /// The same as gzip; made when it is first asked for.
  const std::string& gzipped() const;

 private:
  const std::string text_;
  mutable std::once_flag once_;
  mutable std::string gzipped_;
};

using SharedPage = std::shared_ptr<const MetricsPage>;

/// Gives everybody a page that is fresh, and makes no two of them at a time: whoever asks while one
/// is being made gets that one. So it is as of the moment it was asked for, or at most as much
/// earlier as it takes to make it; nothing is kept for later.
/// Threads: any.
class SharedPages {
 public:
  /// `make`: the text of a page as of now. It is called by one thread at a time.
  explicit SharedPages(std::function<std::string()> make) : make_(std::move(make)) {}

  /// Errors: throws what `make` throws, at all who wait for it.
  SharedPage get();

 private:
  const std::function<std::string()> make_;
  std::mutex mutex_;                       ///< not held while a page is made
  std::shared_future<SharedPage> making_;  ///< not valid: none is being made
};

}  // namespace vmflow
