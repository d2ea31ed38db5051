// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/metrics_page.h"

#include <exception>
#include <utility>

#include "agent/http/gzip.h"

namespace vmflow {

const std::string& MetricsPage::gzipped() const {
  std::call_once(once_, [this] { gzipped_ = gzip(text_); });
  return gzipped_;
}

SharedPage SharedPages::get() {
  std::promise<SharedPage> mine;
  {
    std::unique_lock lock(mutex_);
    if (making_.valid()) {
      const auto page = making_;
      lock.unlock();
      return page.get();
    }
    making_ = mine.get_future().share();
  }
  SharedPage page;
  std::exception_ptr failure;
  try {
    page = std::make_shared<MetricsPage>(make_());
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    making_ = {};
  }
  if (failure) {
    mine.set_exception(failure);
    std::rethrow_exception(failure);
  }
  mine.set_value(page);
  return page;
}

}  // namespace vmflow
