// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_terminal.h"

#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>

#define NCURSES_NOMACROS 1
#include <fmt/format.h>
#include <ncursesw/curses.h>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

constexpr int kEscape = 27, kEscapeWaitMs = 25;

short pair_of(Tone tone) {
  return static_cast<short>(static_cast<int>(tone) + 1);
}

attr_t attributes_of(Tone tone, bool has_colour) {
  const attr_t colour = has_colour ? COLOR_PAIR(pair_of(tone)) : A_NORMAL;
  switch (tone) {
    case Tone::kTitle:
      return A_REVERSE;
    case Tone::kCursor:
      return A_REVERSE | A_BOLD;
    case Tone::kWarn:
      return has_colour ? colour : A_NORMAL;
    case Tone::kBad:
      return has_colour ? colour | A_BOLD : A_BOLD;
    case Tone::kDim:
      return A_DIM;
    case Tone::kPlain:
      break;
  }
  return A_NORMAL;
}

/// A character that the terminal does not know keeps its cells.
std::string in_ascii(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end++;
    const auto character = text.substr(i, end - i);
    out += end == i + 1 ? character : std::string(cell_width(character), '?');
    i = end;
  }
  return out;
}

TopKey key_of(int key) {
  switch (key) {
    case KEY_UP:
    case 'k':
      return TopKey::kUp;
    case KEY_DOWN:
    case 'j':
      return TopKey::kDown;
    case KEY_PPAGE:
      return TopKey::kPageUp;
    case KEY_NPAGE:
    case ' ':
      return TopKey::kPageDown;
    case KEY_HOME:
    case 'g':
      return TopKey::kHome;
    case KEY_END:
    case 'G':
      return TopKey::kEnd;
    case '\n':
    case '\r':
    case KEY_ENTER:
      return TopKey::kOpen;
    case kEscape:
      return TopKey::kBack;
    case 'q':
      return TopKey::kQuit;
    case 's':
    case '>':
      return TopKey::kNextColumn;
    case '<':
      return TopKey::kPreviousColumn;
    case 'r':
      return TopKey::kReverse;
    case 'h':
    case '?':
      return TopKey::kHelp;
    case '+':
      return TopKey::kSlower;
    case '-':
      return TopKey::kFaster;
    default:  // a key that means nothing here
      return TopKey::kNone;
  }
}

}  // namespace

void TopTerminal::Closes::operator()(void* screen) const {
  endwin();
  delscreen(static_cast<SCREEN*>(screen));
}

Result<TopTerminal> TopTerminal::open(bool colour) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
    return failure("this is no terminal; -b prints text");
  // Only the characters: numbers keep their dots.
  std::setlocale(LC_CTYPE, "");
  auto* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    const char* term = std::getenv("TERM");
    return failure(fmt::format("this terminal ({}) is not known; -b prints text",
                               term == nullptr ? "TERM is not set" : in_cells(term)));
  }
  TopTerminal terminal(screen);
  if (tigetstr("cup") == nullptr)
    return failure("this terminal cannot be drawn on; -b prints text");
  terminal.is_utf8_ = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  curs_set(0);
  set_escdelay(kEscapeWaitMs);
  terminal.has_colour_ = colour && has_colors() && start_color() == OK;
  if (terminal.has_colour_) {
    const short ground = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(pair_of(Tone::kWarn), COLOR_YELLOW, ground);
    init_pair(pair_of(Tone::kBad), COLOR_RED, ground);
  }
  return terminal;
}

size_t TopTerminal::width() const {
  return static_cast<size_t>(std::max(0, getmaxx(stdscr)));
}

size_t TopTerminal::height() const {
  return static_cast<size_t>(std::max(0, getmaxy(stdscr)));
}

void TopTerminal::draw(const std::vector<Line>& lines) {
  erase();
  for (size_t y = 0; y < lines.size(); y++) {
    move(static_cast<int>(y), 0);
    for (const auto& span : lines[y]) {
      attrset(static_cast<int>(attributes_of(span.tone, has_colour_)));
      addstr(is_utf8_ ? span.text.c_str() : in_ascii(span.text).c_str());
    }
  }
  refresh();
}

TopKey TopTerminal::key(std::chrono::milliseconds wait) {
  timeout(static_cast<int>(wait.count()));
  return key_of(getch());
}

}  // namespace vmflow
