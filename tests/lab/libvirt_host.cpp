// SPDX-License-Identifier: GPL-2.0-only
#include "libvirt_host.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace vmflow::lab {
namespace {

constexpr int kAttemptsToAnswer = 60;

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

void replace(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// What libvirt-daemon-system and systemd would have brought.
void make_settings() {
  for (const auto* folder : {"/etc/libvirt", "/var/log/libvirt/qemu", "/var/lib/libvirt"})
    std::filesystem::create_directories(folder);
  append("/etc/passwd", "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false\n");
  append("/etc/group", "libvirt-qemu:x:64055:\nkvm:x:64056:\n");
  replace("/etc/libvirt/libvirtd.conf", "auth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\n");
  replace("/etc/libvirt/qemu.conf",
          "user = \"root\"\ngroup = \"root\"\nsecurity_driver = \"none\"\nremember_owner = 0\n"
          "namespaces = []\nstdio_handler = \"file\"\n");
}

}  // namespace

LibvirtHost::LibvirtHost() {
  make_settings();
}

void LibvirtHost::start() {
  daemon_ = std::make_unique<Process>(std::vector<std::string>{"libvirtd"});
  for (int attempt = 0; attempt < kAttemptsToAnswer; attempt++) {
    if (run({"virsh", "-r", "-c", "qemu:///system", "list"}).status == 0) return;
    usleep(200'000);
  }
  throw std::runtime_error("libvirtd does not answer: " + daemon_->err());
}

void LibvirtHost::kill() {
  daemon_.reset();
}
void LibvirtHost::freeze() {
  daemon_->signal(SIGSTOP);
}
void LibvirtHost::go_on() {
  daemon_->signal(SIGCONT);
}

std::string LibvirtHost::virsh(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"virsh", "-q", "-c", "qemu:///system"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto finished = run(command);
  if (finished.status != 0) throw std::runtime_error("virsh: " + finished.err);
  return finished.out;
}

int LibvirtHost::pid_of(const std::string& domain) {
  int pid = 0;
  std::ifstream("/run/libvirt/qemu/" + domain + ".pid") >> pid;
  return pid;
}

}  // namespace vmflow::lab
