// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/request_head.h"

#include <gtest/gtest.h>

#include <random>

namespace vmflow {
namespace {

int status_of(const std::string& text) {
  const auto head = parse_request_head(text + "\r\n\r\n");
  return head ? 200 : head.error().status;
}

TEST(RequestHead, a_scrape_is_read) {
  const auto head = parse_request_head(
      "GET /metrics?a=b HTTP/1.1\r\nHost: host7:9752\r\nAccept: */*\r\nACCEPT-Encoding:  gzip \r\n"
      "Authorization: Basic YTpi\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n");
  ASSERT_TRUE(head) << head.error().text;
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->target, "/metrics?a=b");
  EXPECT_EQ(head->content_length, 0u);
  EXPECT_FALSE(head->wants_close);
  EXPECT_EQ(head->header("authorization"), "Basic YTpi");
  EXPECT_EQ(head->forwarded(),
            "GET /metrics?a=b HTTP/1.1\r\nhost: host7:9752\r\naccept: */*\r\n"
            "vmflow-accepts-gzip: yes\r\nConnection: keep-alive\r\n\r\n");
}

TEST(RequestHead, what_multiplies_an_answer_is_not_handed_on) {
  const auto head = parse_request_head(
      "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-,0-,0-\r\nExpect: 100-continue\r\n"
      "Content-Encoding: gzip\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->expects_continue);
  EXPECT_EQ(head->forwarded(), "GET / HTTP/1.1\r\nhost: a\r\nConnection: keep-alive\r\n\r\n");
}

TEST(RequestHead, no_encoding_is_handed_on_but_gzip) {
  const auto accepts = [](const std::string& encodings) {
    const auto head = parse_request_head(
        "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + encodings + "\r\n\r\n");
    EXPECT_EQ(head->forwarded(), std::string("GET / HTTP/1.1\r\nhost: a\r\n") +
                                     (head->accepts_gzip() ? "vmflow-accepts-gzip: yes\r\n" : "") +
                                     "Connection: keep-alive\r\n\r\n");
    return head->accepts_gzip();
  };
  for (const auto* yes : {"gzip", "br, gzip", "deflate;q=1,GZip ; q=0.1", "x-gzip", "*", "*;q=0.5"})
    EXPECT_TRUE(accepts(yes)) << yes;
  for (const auto* no : {"", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "identity", "gzipped"})
    EXPECT_FALSE(accepts(no)) << no;
}

TEST(RequestHead, a_connection_lasts_as_its_version_says) {
  const auto closes = [](const std::string& text) {
    return parse_request_head(text + "\r\n\r\n")->wants_close;
  };
  EXPECT_FALSE(closes("GET / HTTP/1.1\r\nHost: a"));
  EXPECT_TRUE(closes("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close"));
  EXPECT_TRUE(closes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, te"));
  EXPECT_TRUE(closes("GET / HTTP/1.0"));
  EXPECT_FALSE(closes("GET / HTTP/1.0\r\nConnection: keep-alive"));
}

TEST(RequestHead, what_is_not_http_to_the_letter_is_refused) {
  struct Row {
    std::string text;
    int status;
  };
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const auto& [text, status] :
       {Row{"GET / HTTP/1.1\r\nHost: a", 200},
        Row{"GET /", 400},
        Row{"GET", 400},
        Row{"", 400},
        Row{"GET / HTTP/2.0\r\nHost: a", 505},
        Row{"GET / FTP/1.1\r\nHost: a", 400},
        Row{"GET / HTTP/1.1", 400},
        Row{"G\x01T / HTTP/1.1\r\nHost: a", 400},
        Row{"GET http://b/ HTTP/1.1\r\nHost: a", 400},
        Row{"GET /\xff\x1b HTTP/1.1\r\nHost: a", 400},
        Row{"GET /a b HTTP/1.1\r\nHost: a", 400},
        Row{get + "no colon", 400},
        Row{get + ": no name", 400},
        Row{get + "a b: c", 400},
        Row{get + " continued: line", 400},
        Row{get + "a: b\x01", 400},
        Row{get + std::string("a: \0b", 5), 400},
        Row{get + "a: b\nc: d", 400},
        Row{get + "Host: b", 400},
        Row{get + "Authorization: a\r\nauthorization: b", 400},
        Row{get + "Content-Length: 1\r\nContent-Length: 1", 400},
        Row{get + "Content-Length: -1", 400},
        Row{get + "Content-Length: 1, 1", 400},
        Row{get + "Content-Length: 0x1", 400},
        Row{get + "Content-Length: 1 ", 200},
        Row{get + "Content-Length: 99999999999999999999", 413},
        Row{get + "Transfer-Encoding: chunked", 411},
        Row{get + "Transfer-Encoding: chunked\r\nContent-Length: 1", 411},
        Row{"GET /" + std::string(3000, 'a') + " HTTP/1.1\r\nHost: a", 414}})
    EXPECT_EQ(status_of(text), status) << text.substr(0, 60);
  std::string many = "GET / HTTP/1.1\r\nHost: a";
  for (int i = 0; i < 100; i++) many += "\r\na: b";
  EXPECT_EQ(status_of(many), 431);
}

TEST(RequestHead, whatever_comes_is_read_or_refused) {
  const std::string whole =
      "POST /api/v1/snapshots?a=b HTTP/1.1\r\nHost: host7\r\nContent-Length: 12\r\n"
      "Authorization: Basic YTpi\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n";
  std::mt19937 random(1);
  size_t good = 0;
  for (int i = 0; i < 20'000; i++) {
    auto text = whole;
    for (unsigned changes = 1 + random() % 3; changes > 0; changes--) {
      const auto place = random() % text.size();
      if (random() % 2 == 0)
        text[place] = static_cast<char>(random());
      else
        text.erase(place, 1 + random() % 8);
    }
    const auto head = parse_request_head(text);
    if (!head) {
      EXPECT_GE(head.error().status, 400);
      continue;
    }
    good++;
    // What is handed on is itself a request of the same meaning.
    const auto again = parse_request_head(head->forwarded());
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(again->target, head->target);
    EXPECT_EQ(again->content_length, head->content_length);
    EXPECT_EQ(again->wants_close, head->wants_close);
  }
  EXPECT_GT(good, 100u);
}

}  // namespace
}  // namespace vmflow
