// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/metrics_page.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "agent/http/gzip.h"
#include "tests/agent/web/gunzip.h"

namespace vmflow::test {
namespace {

using namespace std::chrono_literals;

/// Makes one page after another, each when it is let to.
class SlowPages {
 public:
  SharedPages pages{[this] {
    begun++;
    while (let < begun) std::this_thread::yield();
    if (fails) throw std::runtime_error("no page");
    return "page " + std::to_string(begun) + "\n";
  }};
  std::atomic<int> begun = 0, let = 0;
  std::atomic<bool> fails = false;

  std::future<SharedPage> ask() {
    return std::async(std::launch::async, [this] { return pages.get(); });
  }
  void wait_for(int page) const {
    while (begun < page) std::this_thread::yield();
  }
};

TEST(SharedPages, who_asks_while_one_is_made_gets_that_one) {
  SlowPages slow;
  auto first = slow.ask();
  slow.wait_for(1);
  std::vector<std::future<SharedPage>> others;
  for (int i = 0; i < 5; i++) others.push_back(slow.ask());
  // They wait: none of them makes one, or is given an older one.
  for (auto& other : others) EXPECT_EQ(other.wait_for(20ms), std::future_status::timeout);
  slow.let = 1;
  const auto page = first.get();
  EXPECT_EQ(page->text(), "page 1\n");
  for (auto& other : others) EXPECT_EQ(other.get(), page);
  EXPECT_EQ(slow.begun, 1);
}

TEST(SharedPages, who_asks_once_it_is_there_gets_one_of_his_own) {
  SlowPages slow;
  slow.let = 2;
  const auto first = slow.pages.get();
  EXPECT_EQ(slow.pages.get()->text(), "page 2\n");
  EXPECT_EQ(first.use_count(), 1) << "a page is kept";
}

TEST(SharedPages, a_page_that_cannot_be_made_is_told_to_all_and_not_remembered) {
  SlowPages slow;
  slow.fails = true;
  auto first = slow.ask();
  slow.wait_for(1);
  auto second = slow.ask();
  EXPECT_EQ(second.wait_for(20ms), std::future_status::timeout);
  slow.let = 1;
  EXPECT_THROW(first.get(), std::runtime_error);
  EXPECT_THROW(second.get(), std::runtime_error);
  slow.fails = false;
  slow.let = 2;
  EXPECT_EQ(slow.pages.get()->text(), "page 2\n");
}

TEST(MetricsPage, is_compressed_once) {
  const MetricsPage page(std::string(10'000, 'a'));
  const auto* gzipped = &page.gzipped();
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; i++)
    readers.emplace_back([&] { EXPECT_EQ(page.gzipped().data(), gzipped->data()); });
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(gunzip(*gzipped), page.text());
}

TEST(Gzip, gives_the_same_text_back) {
  EXPECT_EQ(gunzip(gzip("a")), "a");
  EXPECT_LT(gzip(std::string(500'000, 'a')).size(), 5'000u);
  // More than a chunk of what cannot be compressed.
  std::mt19937 random(7);
  std::string noise(300'000, ' ');
  for (auto& c : noise) c = static_cast<char>(random());
  EXPECT_EQ(gunzip(gzip(noise)), noise);
  EXPECT_FALSE(gzip("").empty());
  EXPECT_EQ(gunzip(gzip("")), "");
}

}  // namespace
}  // namespace vmflow::test
