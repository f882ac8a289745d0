// The HTTP port over a scripted wire: every way an answer may come, and every way it may not.
#include <doctest/doctest.h>

#include "tests/drivers/fake_http.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Bytes question = bytes_of("question");
constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n";

Result<HttpAnswer> post(FakeHttp& http, Duration limit = seconds{2}) {
  return http.port.post("application/ipp", question, http.within(limit));
}

/// Answers every request with these bytes.
void answers(FakeHttp& http, const Bytes& bytes) {
  http.device->device = [&http, bytes](const Bytes&) { http.device->arrive(bytes); };
}

std::string text_of(const Result<HttpAnswer>& answer) {
  REQUIRE_MESSAGE(bool(answer), answer.error().text());
  return {answer->body.begin(), answer->body.end()};
}

}  // namespace

TEST_CASE("http port: a request as it stands on the wire") {
  FakeHttp http;
  answers(http, http_answer(ok, bytes_of("answer")));
  const auto answer = post(http);
  CHECK(text_of(answer) == "answer");
  CHECK(answer->status == 200);
  CHECK(answer->type == "application/ipp");
  REQUIRE(http.device->written().size() == 1);
  CHECK(http.device->written()[0] ==
        bytes_of("POST /ipp/print HTTP/1.1\r\nHost: printer:631\r\nUser-Agent: kioskwatch\r\n"
                 "Content-Type: application/ipp\r\nContent-Length: 8\r\nAccept: application/ipp\r\n"
                 "Accept-Encoding: identity\r\n\r\nquestion"));
}

TEST_CASE("http port: an answer in every form and in any pieces") {
  const auto length = http_answer(ok, bytes_of("answer"));
  const auto chunked = bytes_of(std::string{ok} +
                                "Transfer-Encoding: chunked\r\n\r\n"
                                "3\r\nans\r\n3;note=1\r\nwer\r\n0\r\nTrailer: x\r\n\r\n");
  auto after_preface = bytes_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
  after_preface.insert(after_preface.end(), length.begin(), length.end());
  for (const auto& form : {length, chunked, after_preface}) {
    for (std::size_t piece = 1; piece <= form.size(); piece += piece < 8 ? 1 : 13) {
      CAPTURE(piece);
      FakeHttp http;
      http.device->device = [&](const Bytes&) {
        for (std::size_t at = 0; at < form.size(); at += piece) {
          const auto from = form.begin() + static_cast<std::ptrdiff_t>(at);
          const auto size = std::min(piece, form.size() - at);
          http.device->arrive({from, from + static_cast<std::ptrdiff_t>(size)});
        }
      };
      REQUIRE(text_of(post(http)) == "answer");
      REQUIRE(text_of(post(http)) == "answer");
      REQUIRE(http.connections == 1);
    }
  }
}

TEST_CASE("http port: an empty answer in chunks may come byte by byte") {
  const auto form = bytes_of(std::string{ok} + "Transfer-Encoding: chunked\r\n\r\n" + "0\r\n\r\n");
  FakeHttp http;
  http.device->device = [&](const Bytes&) {
    for (const auto b : form) http.device->arrive({b});
  };
  CHECK(text_of(post(http)).empty());
  CHECK(text_of(post(http)).empty());
}

TEST_CASE("http port: without a length the answer ends with the connection") {
  FakeHttp http;
  http.device->device = [&](const Bytes&) {
    http.device->arrive(bytes_of(std::string{ok} + "\r\nanswer"));
    http.device->cut_after_answer();
  };
  CHECK(text_of(post(http)) == "answer");
  CHECK(text_of(post(http)) == "answer");
  CHECK(http.connections == 2);
}

TEST_CASE("http port: a printer that closes after each answer is connected to anew") {
  FakeHttp http;
  answers(http, http_answer(std::string{ok} + "Connection: close\r\n", bytes_of("answer")));
  for (int i = 1; i <= 3; ++i) {
    CHECK(text_of(post(http)) == "answer");
    CHECK(http.connections == i);
  }
}

TEST_CASE("http port: a kept connection that was closed meanwhile costs one more try, not a miss") {
  FakeHttp http;
  answers(http, http_answer(ok, bytes_of("answer")));
  CHECK(text_of(post(http)) == "answer");
  http.device->cut();
  CHECK(text_of(post(http)) == "answer");
  CHECK(http.connections == 2);

  http.device->cut();
  http.listening = false;
  CHECK(post(http).error().code() == Errc::refused);
  http.listening = true;
  CHECK(text_of(post(http)) == "answer");
}

TEST_CASE("http port: a new connection that is closed at once is not tried again and again") {
  FakeHttp http;
  http.device->device = [&](const Bytes&) { http.device->cut(); };
  CHECK(post(http).error().code() == Errc::disconnected);
  CHECK(http.connections == 1);
  CHECK(post(http).error().code() == Errc::disconnected);
  CHECK(http.connections == 2);
}

TEST_CASE("http port: a late answer is never taken for the next question's") {
  FakeHttp http;
  http.device->device = [&](const Bytes&) {
    http.device->arrive(http_answer(ok, bytes_of("first")), seconds{3});
  };
  CHECK(post(http).error().code() == Errc::timeout);
  answers(http, http_answer(ok, bytes_of("second")));
  http.device->pass(seconds{3});
  CHECK(text_of(post(http)) == "second");
}

TEST_CASE("http port: bytes behind an answer are not the next one's") {
  FakeHttp http;
  auto twice = http_answer(ok, bytes_of("first"));
  const auto more = http_answer(ok, bytes_of("stray"));
  twice.insert(twice.end(), more.begin(), more.end());
  answers(http, twice);
  CHECK(text_of(post(http)) == "first");
  CHECK(text_of(post(http)) == "first");
  CHECK(http.connections == 2);
}

TEST_CASE("http port: what is no answer, too long or cut short is said as what it is") {
  struct Row {
    std::string what;
    std::string bytes;
    bool cut;
    Errc code;
  };
  const std::string status{ok};
  const std::vector<Row> rows{
      {"another protocol", "220 FTP server ready\r\n", false, Errc::garbled},
      {"bytes", std::string("\x00\xff\x10\x04", 4), false, Errc::garbled},
      {"a status of no class", "HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n", false,
       Errc::garbled},
      {"a broken length", status + "Content-Length: -5\r\n\r\n", false, Errc::garbled},
      {"a body that is announced as too long", status + "Content-Length: 262145\r\n\r\n", false,
       Errc::garbled},
      {"a chunk that is too long",
       status + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + std::string(300'000, 'x'), false,
       Errc::garbled},
      {"a body without length that does not end", status + "\r\n" + std::string(300'000, 'x'),
       false, Errc::garbled},
      {"a head that does not end", status + "X: " + std::string(300'000, 'x'), false,
       Errc::garbled},
      {"nothing but prefaces",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
       false, Errc::garbled},
      {"silence", "", false, Errc::timeout},
      {"half a head", "HTTP/1.1 200 O", false, Errc::timeout},
      {"half a body", status + "Content-Length: 10\r\n\r\nhalf", false, Errc::timeout},
      {"cut in the head", "HTTP/1.1 200 O", true, Errc::disconnected},
      {"cut in the body", status + "Content-Length: 10\r\n\r\nhalf", true, Errc::disconnected},
      {"cut in a chunk", status + "Transfer-Encoding: chunked\r\n\r\n5\r\nhal", true,
       Errc::disconnected},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    FakeHttp http;
    http.device->device = [&](const Bytes&) {
      if (!row.bytes.empty()) http.device->arrive(bytes_of(row.bytes));
      if (row.cut) http.device->cut_after_answer();
    };
    const auto deadline = http.within(seconds{2});
    const auto answer = post(http);
    REQUIRE_FALSE(bool(answer));
    CHECK_MESSAGE(answer.error().code() == row.code, answer.error().text());
    CHECK(http.device->now() <= deadline);
    // The next request is not hurt by it.
    answers(http, http_answer(ok, bytes_of("answer")));
    CHECK(text_of(post(http)) == "answer");
  }
}

TEST_CASE("http port: carries no bare bytes, and cancel is for good") {
  FakeHttp http;
  answers(http, http_answer(ok, bytes_of("answer")));
  std::array<std::uint8_t, 4> some{};
  CHECK(http.port.write(some, http.within(seconds{1})).error().code() == Errc::unsupported);
  CHECK(http.port.read(some, http.within(seconds{1})).error().code() == Errc::unsupported);
  CHECK(text_of(post(http)) == "answer");
  http.port.cancel();
  CHECK(post(http).error().code() == Errc::disconnected);
  CHECK(post(http).error().code() == Errc::disconnected);
}

}  // namespace kw::drivers
