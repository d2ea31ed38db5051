// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/web_config_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "agent/one_line.h"

namespace vmflow {
namespace {

Result<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure("cannot be read");
  std::string text(kMostWebConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return failure("cannot be read");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<std::unique_ptr<WebConfigFile>> WebConfigFile::open(const std::string& path) {
  std::unique_ptr<WebConfigFile> file(new WebConfigFile(path));
  auto setup = file->read();
  if (!setup)
    return failure(fmt::format("web.config.file: '{}': {}", one_line(path), setup.error().message));
  file->setup_ = std::move(*setup);
  file->read_state_ = file->stamps();
  file->success_unix_seconds_ = unix_seconds();
  return file;
}

std::vector<WebConfigFile::Stamp> WebConfigFile::stamps() const {
  std::vector<Stamp> stamps;
  for (const auto& path : files_) {
    Stamp stamp{path, {}};
    struct stat now {};
    if (stat(path.c_str(), &now) == 0)
      stamp.state = {static_cast<int64_t>(now.st_dev),
                     static_cast<int64_t>(now.st_ino),
                     now.st_size,
                     now.st_mtim.tv_sec,
                     now.st_mtim.tv_nsec,
                     now.st_ctim.tv_sec,
                     now.st_ctim.tv_nsec};
    stamps.push_back(std::move(stamp));
  }
  return stamps;
}

Result<std::shared_ptr<const WebSetup>> WebConfigFile::read() {
  auto setup = std::make_shared<WebSetup>();
  if (path_.empty()) {
    setup->passwords = std::make_shared<PasswordCheck>(std::map<std::string, std::string>{});
    return setup;
  }
  files_ = {path_};
  const auto text = text_of(path_);
  if (!text) return tl::unexpected(text.error());
  auto config = parse_web_config(*text, std::filesystem::path(path_).parent_path().string());
  if (!config) return tl::unexpected(config.error());
  if (config->tls) {
    for (const auto* source : {&config->tls->cert, &config->tls->key, &config->tls->client_ca})
      if (!source->path.empty()) files_.push_back(source->path);
    auto tls = make_tls_context(*config->tls);
    if (!tls) return tl::unexpected(tls.error());
    setup->tls = std::move(*tls);
  }
  setup->passwords = std::make_shared<PasswordCheck>(std::move(config->users));
  setup->headers = std::move(config->headers);
  setup->rate_limit = config->rate_limit;
  if (setup_ && (setup_->tls == nullptr) != (setup->tls == nullptr))
    return failure("TLS can be put on or off only by a restart");
  if (setup_ && setup_->passwords->is_needed() && !setup->passwords->is_needed())
    return failure("the last user can be taken away only by a restart");
  return setup;
}

std::shared_ptr<const WebSetup> WebConfigFile::current() {
  if (path_.empty()) return setup_;
  const auto files = files_;
  const auto before = stamps();
  if (before == read_state_) return setup_;
  auto setup = read();
  // As they were before reading: what changes meanwhile is read again.
  read_state_ = files_ == files ? before : stamps();
  successful_ = setup.has_value();
  if (setup) {
    setup_ = std::move(*setup);
    success_unix_seconds_ = unix_seconds();
    spdlog::info("web.config.file: read again: '{}'", one_line(path_));
  } else {
    spdlog::error("web.config.file: '{}': {}; what was read before stays in use", one_line(path_),
                  setup.error().message);
  }
  return setup_;
}

void WebConfigFile::fill_in(WebFlow& flow) const {
  flow.has_config = !path_.empty();
  flow.last_reload_successful = successful_;
  flow.last_reload_unix_seconds = success_unix_seconds_;
}

Result<void> check_web_config(const std::string& path) {
  const auto file = WebConfigFile::open(path);
  if (!file) return tl::unexpected(file.error());
  return {};
}

}  // namespace vmflow
