// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/domain_xml.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <memory>
#include <tuple>

#include "agent/sources/command_line.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

// Its number after this changes with nova's releases: 1.0, 1.1.
constexpr std::string_view kNova = "http://openstack.org/xmlns/libvirt/nova/";
constexpr std::string_view kKubeVirt = "http://kubevirt.io";

using Context = std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)>;
using Document = std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)>;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

/// As a label shows it, without the space around it that an editor has left.
std::string shown(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return sanitise(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

std::string text_of(const xmlNode* node) {
  if (node == nullptr) return "";
  const std::unique_ptr<xmlChar, void (*)(void*)> text(xmlNodeGetContent(node),
                                                       [](void* bytes) { xmlFree(bytes); });
  return shown(view(text.get()));
}

std::string attribute(const xmlNode* node, const char* name) {
  if (node == nullptr) return "";
  const std::unique_ptr<xmlChar, void (*)(void*)> text(
      xmlGetNoNsProp(node, reinterpret_cast<const xmlChar*>(name)),
      [](void* bytes) { xmlFree(bytes); });
  return shown(view(text.get()));
}

/// The first child of that name whose namespace begins so; empty: which has none.
const xmlNode* child(const xmlNode* node, std::string_view name, std::string_view space = "") {
  if (node == nullptr) return nullptr;
  for (const auto* one = node->children; one != nullptr; one = one->next) {
    if (one->type != XML_ELEMENT_NODE || view(one->name) != name) continue;
    const auto of = one->ns == nullptr ? std::string_view() : view(one->ns->href);
    if (space.empty() ? of.empty() : of.starts_with(space)) return one;
  }
  return nullptr;
}

void read_openstack(const xmlNode* instance, GivenNames& names) {
  names.openstack_name = text_of(child(instance, "name", kNova));
  names.openstack_flavor = attribute(child(instance, "flavor", kNova), "name");
  const auto* owner = child(instance, "owner", kNova);
  names.openstack_project = text_of(child(owner, "project", kNova));
  names.openstack_user = text_of(child(owner, "user", kNova));
}

void read_kubevirt(const xmlNode* kubevirt, const std::string& domain, GivenNames& names) {
  if (kubevirt == nullptr) return;
  names.kubevirt_uid = text_of(child(kubevirt, "uid", kKubeVirt));
  if (const auto name = split_kubevirt_name(domain))
    std::tie(names.kubevirt_namespace, names.kubevirt_name) = *name;
}

// Called where a document type begins, before anything in it is read: libvirt writes none.
void refuse_document_type(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  xmlStopParser(static_cast<xmlParserCtxt*>(context));
}

Document parse(std::string_view xml) {
  const Context context(xmlNewParserCtxt(), xmlFreeParserCtxt);
  if (!context) return {nullptr, xmlFreeDoc};
  context->sax->internalSubset = refuse_document_type;
  Document document(
      xmlCtxtReadMemory(context.get(), xml.data(), static_cast<int>(xml.size()), nullptr, nullptr,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
      xmlFreeDoc);
  if (context->wellFormed == 0 || context->disableSAX != 0) document.reset();
  return document;
}

}  // namespace

Result<LibvirtDomain> read_domain_xml(std::string_view xml) {
  if (xml.size() > kMostDomainXmlBytes)
    return failure(fmt::format("a domain's XML has {} bytes", xml.size()));
  const auto document = parse(xml);
  if (!document) return failure("a domain's XML is none, or has a document type");
  const auto* domain = xmlDocGetRootElement(document.get());
  if (domain == nullptr || view(domain->name) != "domain")
    return failure("a domain's XML describes none");
  LibvirtDomain read;
  read.uuid = valid_uuid(text_of(child(domain, "uuid")));
  if (read.uuid.empty()) return failure("a domain's XML has no uuid");
  read.name = text_of(child(domain, "name"));
  read.names.title = text_of(child(domain, "title"));
  const auto* metadata = child(domain, "metadata");
  read_openstack(child(metadata, "instance", kNova), read.names);
  read_kubevirt(child(metadata, "kubevirt", kKubeVirt), read.name, read.names);
  return read;
}

}  // namespace vmflow
