// usb-stage PROGRAM [ARGUMENT…]: runs a program beside mocked USB devices, which it plugs, spoils
// and unplugs as that program says: one command a line to the descriptor $KW_STAGE_ASK, one answer
// a line from $KW_STAGE_TELL. Its exit code is the program's. To be run under umockdev-wrapper.
//
//   plug DEVICE | unplug DEVICE | mute DEVICE on|off | halt DEVICE ENDPOINT | bind DEVICE DRIVER |
//   elsewhere DEVICE on|off | claims DEVICE | transfers DEVICE | driver DEVICE | say DEVICE
//   ENDPOINT HEX | set DEVICE CONDITION on|off | status plain BYTE
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <glib-unix.h>
#include <sys/wait.h>
#include <umockdev.h>
#include <unistd.h>

#include "drivers/simulators/player.hpp"
#include "tests/peers/usb/mock_device.hpp"

namespace {

using namespace kw;
using mock::Bytes;
using mock::MockDevice;
using mock::Shape;

/// HID 1.11: a boot interface with one interrupt endpoint.
Shape hid(std::uint16_t vendor, std::uint16_t product, std::string name) {
  return {vendor, product, "Example", std::move(name), "", {{0, 0, 3, 1, 1, {{0x81, 3, 8}}}}};
}

/// USB printer class 1.1: a bulk pair, bi-directional.
Shape printer(std::uint16_t vendor, std::uint16_t product, std::string name, std::string serial) {
  return {vendor,          product,           "Example",
          std::move(name), std::move(serial), {{0, 0, 7, 1, 2, {{0x02, 2, 64}, {0x81, 2, 64}}}}};
}

std::map<std::string, Shape> shapes() {
  std::map<std::string, Shape> out;
  // Answers what it is sent; the interrupt endpoint says what it is told to.
  out["echo"] = {0x0400,
                 0xc35a,
                 "Example",
                 "Echo",
                 "",
                 {{0,
                   0,
                   0xff,
                   0,
                   0,
                   {{0x01, 2, 64}, {0x81, 2, 64}, {0x82, 3, 8}, {0x06, 2, 64}, {0x85, 2, 64}}}}};
  out["twin-a"] = printer(0x0519, 0x0003, "Twin", "A1");
  out["twin-b"] = printer(0x0519, 0x0003, "Twin", "B2");
  out["receipt"] = printer(0x04b8, 0x0e15, "Receipt printer", "J4ZF000001");
  out["plain"] = printer(0x0483, 0x5743, "Plain printer", "");
  out["touch"] = hid(0x0eef, 0x0001, "Touch screen");
  // What nobody configures at a kiosk.
  out["keyboard"] = hid(0x1a2c, 0x0e24, "USB Keyboard");
  out["stick"] = {0x0951,      0x1666,
                  "Example",   "Memory stick",
                  "STICK0077", {{0, 0, 8, 6, 0x50, {{0x81, 2, 64}, {0x02, 2, 64}}}}};
  out["scanner-keyboard"] = hid(0x1eab, 0x0c03, "Scanner, keyboard mode");
  out["scanner-serial"] = {
      0x1eab,
      0x0c06,
      "Newland",
      "Scanner, serial mode",
      "SN77",
      {{0, 0, 2, 2, 1, {{0x83, 3, 8}}}, {1, 0, 10, 0, 0, {{0x02, 2, 64}, {0x81, 2, 64}}}}};
  out["bridge"] = {0x1a86,   0x7523,
                   "",       "USB Serial",
                   "",       {{0, 0, 0xff, 1, 2, {{0x82, 2, 32}, {0x02, 2, 32}, {0x81, 3, 8}}}},
                   "ttyUSB0"};
  out["card"] = {0x08e6,    0x3437,
                 "Gemalto", "Card reader",
                 "",        {{0, 0, 0x0b, 0, 0, {{0x01, 2, 64}, {0x82, 2, 64}, {0x83, 3, 8}}}}};
  // A native SAM-V module: header and body on pipes of their own. One is polled, with the other an
  // operator tests.
  const std::vector<Shape::Endpoint> four{
      {0x02, 2, 64}, {0x06, 2, 64}, {0x81, 2, 64}, {0x85, 2, 64}};
  out["id-reader"] = {0x0400, 0xc35a, "Example", "ID reader", "", {{0, 0, 0xff, 0, 0, four}}};
  out["id-reader-test"] = {0x2015, 0x0008, "Example", "ID reader", "", {{0, 0, 0xff, 0, 0, four}}};
  return out;
}

struct Stage {
  UMockdevTestbed* bed = umockdev_testbed_new();
  std::map<std::string, std::unique_ptr<MockDevice>> devices;
  std::map<std::string, std::unique_ptr<devices::Player>> players;
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  std::string heard;
  std::uint8_t plain_status = 0x18;  ///< selected, no error
  int ask = -1;
  int tell = -1;
  int result = 1;
  bool offended = false;  ///< a reader was asked for what no poll may ask
};

using Given = std::map<std::string, std::string, std::less<>>;

/// A simulated device of kiosk-devices.
std::unique_ptr<devices::Player> player_of(std::string_view protocol, const Given& given = {}) {
  for (const auto& card : devices::players()) {
    if (card.protocol != protocol) continue;
    std::vector<Error> wrong;
    const auto settings = drivers::Settings::read(card.settings, given, wrong);
    auto made = card.make(settings);
    if (made) return std::move(*made);
  }
  std::abort();
}

/// Puts a simulated reader behind four pipes. What it must not be asked makes usb-stage fail.
void put_reader(Stage& stage, const std::string& name, const Given& settings) {
  stage.players[name] = player_of("sdt", settings);
  auto* device = stage.devices[name].get();
  device->heard = [&stage, device, name, one = stage.players[name].get()](std::uint8_t endpoint,
                                                                          const Bytes& bytes) {
    if (endpoint != 0x02 && endpoint != 0x06) return;
    const auto answer = one->answer(bytes);
    if (!answer.note.empty()) std::fprintf(stderr, "%s: %s\n", name.c_str(), answer.note.c_str());
    if (!answer.offence.empty()) {
      std::fprintf(stderr, "%s: offence: %s\n", name.c_str(), answer.offence.c_str());
      stage.offended = true;
    }
    constexpr std::size_t header = 7;
    if (answer.bytes.size() < header) return;
    const auto body = answer.bytes.begin() + header;
    device->say(0x81, Bytes{answer.bytes.begin(), body});
    for (auto at = body; at != answer.bytes.end();) {
      const auto end = at + std::min<std::ptrdiff_t>(64, answer.bytes.end() - at);
      device->say(0x85, Bytes{at, end});
      at = end;
    }
  };
}

/// USB printer class 1.1, 4.2: what the two queries answer.
std::optional<Bytes> printer_class(std::span<const std::uint8_t> setup, std::uint8_t status) {
  if (setup[0] != 0xa1) return std::nullopt;
  if (setup[1] == 1) return Bytes{status};
  if (setup[1] != 0) return std::nullopt;
  const std::string id = "MFG:Example;MDL:KioskThermal;CMD:ESC/POS;SN:J4ZF000001;";
  Bytes out{0, static_cast<std::uint8_t>(id.size() + 2)};
  out.insert(out.end(), id.begin(), id.end());
  return out;
}

void set_up(Stage& stage) {
  unsigned port = 0;
  for (auto& [name, shape] : shapes()) {
    stage.devices[name] = std::make_unique<MockDevice>(stage.bed, shape, ++port);
  }
  auto* echo = stage.devices["echo"].get();
  echo->heard = [echo](std::uint8_t endpoint, const Bytes& bytes) {
    // Each pair of endpoints on its own; cut into packets as a device does.
    const std::uint8_t back = endpoint == 0x01 ? 0x81 : 0x85;
    for (std::size_t at = 0; at < bytes.size(); at += 64) {
      const auto end = std::min(at + 64, bytes.size());
      echo->say(back, Bytes{bytes.begin() + static_cast<std::ptrdiff_t>(at),
                            bytes.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  };
  echo->asked = [](std::span<const std::uint8_t> setup, const Bytes& data) -> std::optional<Bytes> {
    if (setup[0] == 0xc0 && setup[1] == 0x10) return Bytes{1, 2, 3, 4};
    if (setup[0] == 0x40 && setup[1] == 0x11 && data == Bytes{9, 8}) return Bytes{};
    return std::nullopt;
  };
  auto& player = stage.players["receipt"];
  player = player_of("escpos");
  auto* receipt = stage.devices["receipt"].get();
  receipt->heard = [receipt, one = player.get()](std::uint8_t, const Bytes& bytes) {
    auto answer = one->answer(bytes);
    if (!answer.bytes.empty()) receipt->say(0x81, std::move(answer.bytes));
  };
  receipt->asked = [](auto setup, const auto&) { return printer_class(setup, 0x18); };
  put_reader(stage, "id-reader", {});
  put_reader(stage, "id-reader-test", {{"allow_reads", "true"}});
  // Prints, and answers nothing over its bulk pair.
  stage.devices["plain"]->asked = [&stage](auto setup, const auto&) {
    return printer_class(setup, stage.plain_status);
  };
}

Bytes unhex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::string obey(Stage& stage, const std::string& line) {
  std::istringstream words{line};
  std::string verb;
  std::string name;
  std::string what;
  std::string how;
  words >> verb >> name >> what >> how;
  const auto found = stage.devices.find(name);
  if (found == stage.devices.end()) return "no device " + name;
  auto& device = *found->second;
  const auto endpoint = [&] { return static_cast<std::uint8_t>(std::stoul(what, nullptr, 0)); };
  if (verb == "plug") {
    device.plug();
  } else if (verb == "unplug") {
    device.unplug();
  } else if (verb == "mute") {
    device.mute(what == "on");
  } else if (verb == "halt") {
    device.halt(endpoint());
  } else if (verb == "bind") {
    device.bind(what);
  } else if (verb == "elsewhere") {
    device.claimed_elsewhere(what == "on");
  } else if (verb == "say") {
    device.say(endpoint(), unhex(how));
  } else if (verb == "claims") {
    return std::to_string(device.claims());
  } else if (verb == "transfers") {
    return std::to_string(device.transfers());
  } else if (verb == "driver") {
    return device.driver();
  } else if (verb == "status" && name == "plain") {
    stage.plain_status = endpoint();
  } else if (verb == "set" && stage.players.contains(name)) {
    stage.players[name]->set(what, how == "on");
  } else {
    return "unknown command " + line;
  }
  return "ok";
}

gboolean on_asked(gint fd, GIOCondition, gpointer data) {
  auto& stage = *static_cast<Stage*>(data);
  std::array<char, 512> chunk{};
  const auto got = read(fd, chunk.data(), chunk.size());
  if (got <= 0) return G_SOURCE_REMOVE;
  stage.heard.append(chunk.data(), static_cast<std::size_t>(got));
  for (auto end = stage.heard.find('\n'); end != std::string::npos; end = stage.heard.find('\n')) {
    const auto line = stage.heard.substr(0, end);
    stage.heard.erase(0, end + 1);
    const auto answer = obey(stage, line) + "\n";
    if (write(stage.tell, answer.data(), answer.size()) < 0) return G_SOURCE_REMOVE;
  }
  return G_SOURCE_CONTINUE;
}

void on_ended(GPid, gint status, gpointer data) {
  auto& stage = *static_cast<Stage*>(data);
  stage.result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  g_main_loop_quit(stage.loop);
}

}  // namespace

int main(int argc, char** argv) {
  Stage stage;
  if (argc < 2 || !umockdev_in_mock_environment()) {
    std::fputs("usb-stage: run as umockdev-wrapper usb-stage PROGRAM\n", stderr);
    return 2;
  }
  set_up(stage);
  std::array<int, 2> asking{};
  std::array<int, 2> telling{};
  if (pipe(asking.data()) != 0 || pipe(telling.data()) != 0) return 1;
  stage.ask = asking[0];
  stage.tell = telling[1];
  setenv("KW_STAGE_ASK", std::to_string(asking[1]).c_str(), 1);
  setenv("KW_STAGE_TELL", std::to_string(telling[0]).c_str(), 1);
  GPid child = 0;
  GError* error = nullptr;
  const auto flags =
      static_cast<GSpawnFlags>(G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                               G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_CHILD_INHERITS_STDIN);
  if (!g_spawn_async(nullptr, argv + 1, nullptr, flags, nullptr, nullptr, &child, &error)) {
    std::fprintf(stderr, "usb-stage: %s\n", error->message);
    return 1;
  }
  close(asking[1]);
  g_child_watch_add(child, on_ended, &stage);
  g_unix_fd_add(stage.ask, G_IO_IN, on_asked, &stage);
  g_main_loop_run(stage.loop);
  stage.devices.clear();
  g_object_unref(stage.bed);
  return stage.offended ? 3 : stage.result;
}
