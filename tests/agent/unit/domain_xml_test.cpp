// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/domain_xml.h"

#include <gtest/gtest.h>

#include "analysis/vm_label.h"

namespace vmflow::test {
namespace {

const std::string kUuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";

std::string domain(const std::string& name, const std::string& rest) {
  return "<domain type='kvm' id='7'><name>" + name + "</name><uuid>" + kUuid + "</uuid>" + rest +
         "</domain>";
}

std::string openstack_domain() {
  return domain("instance-0000002a", R"(
    <metadata>
      <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
        <nova:package version="27.1.0"/>
        <nova:name>shop-front</nova:name>
        <nova:creationTime>2026-11-27 06:03:16</nova:creationTime>
        <nova:flavor name="m1.small"><nova:memory>2048</nova:memory></nova:flavor>
        <nova:owner>
          <nova:user uuid="1f2e">ann</nova:user>
          <nova:project uuid="9c1d">webshop</nova:project>
        </nova:owner>
      </nova:instance>
    </metadata>)");
}

std::string titled(const std::string& title) {
  return domain("web", "<title>" + title + "</title>");
}

std::string title_of(const std::string& xml) {
  const auto read = read_domain_xml(xml);
  return read ? read->names.title : "error: " + read.error().message;
}

bool is_refused(const std::string& xml) {
  return !read_domain_xml(xml);
}

TEST(DomainXml, a_plain_domain_has_a_name_and_a_title) {
  const auto read = read_domain_xml(titled("  Shop &lt;front&gt;\n"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->uuid, kUuid);
  EXPECT_EQ(read->name, "web");
  EXPECT_EQ(read->names, (GivenNames{.title = "Shop <front>"}));
}

TEST(DomainXml, nova_tells_instance_project_user_and_flavor) {
  const auto read = read_domain_xml(openstack_domain());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->names, (GivenNames{.openstack_name = "shop-front",
                                     .openstack_project = "webshop",
                                     .openstack_user = "ann",
                                     .openstack_flavor = "m1.small"}));
}

TEST(DomainXml, kubevirt_tells_namespace_name_and_uid) {
  const auto read = read_domain_xml(domain("shop_web-1", R"(
    <metadata>
      <kubevirt xmlns="http://kubevirt.io">
        <uid>c3c1a1f4-6b43-4a3c-8e57-6a5d9c1b7e21</uid>
        <graceperiod><deletionGracePeriodSeconds>30</deletionGracePeriodSeconds></graceperiod>
      </kubevirt>
    </metadata>)"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->names, (GivenNames{.kubevirt_namespace = "shop",
                                     .kubevirt_name = "web-1",
                                     .kubevirt_uid = "c3c1a1f4-6b43-4a3c-8e57-6a5d9c1b7e21"}));
}

TEST(DomainXml, elements_of_other_namespaces_or_places_tell_nothing) {
  const auto read = read_domain_xml(domain("a_b", R"(
    <title xmlns="http://elsewhere">no</title>
    <devices><title>no</title></devices>
    <metadata>
      <title>no</title>
      <instance xmlns="http://elsewhere"><name>no</name></instance>
      <kubevirt><uid>no</uid></kubevirt>
      <n:instance xmlns:n="http://openstack.org/xmlns/libvirt/nova/1.1">
        <name xmlns="">no</name>
        <n:flavor xmlns:x="http://elsewhere" x:name="no"/>
      </n:instance>
    </metadata>)"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->names, GivenNames{});
}

TEST(DomainXml, hostile_text_is_escaped_and_bounded) {
  EXPECT_EQ(title_of(titled("bell&#x85;two&#10;lines")), "bell\ufffdtwo\nlines");
  EXPECT_EQ(title_of(titled("<![CDATA[<title>\"}\\ 1]]>")), "<title>\"}\\ 1");
  EXPECT_EQ(title_of(titled(std::string(3'000'000, 'x'))), std::string(256, 'x'));
  std::string accents;
  for (int i = 0; i < 2048; i++) accents += "\u00e9";
  EXPECT_EQ(title_of(titled(accents)), accents.substr(0, 256));
}

TEST(DomainXml, what_is_no_xml_is_refused) {
  EXPECT_TRUE(is_refused(""));
  EXPECT_TRUE(is_refused("no xml"));
  EXPECT_TRUE(is_refused("<domain>"));
  EXPECT_TRUE(is_refused(titled("a & b")));
  EXPECT_TRUE(is_refused(titled("bell\a")));
  EXPECT_TRUE(is_refused(titled("bell&#7;")));
  EXPECT_TRUE(is_refused(titled("not\xff utf")));
  EXPECT_TRUE(is_refused(titled("cut\xc3")));
  EXPECT_TRUE(is_refused(titled(std::string("nul\0nul", 7))));
  EXPECT_TRUE(is_refused(titled("&undefined;")));
  EXPECT_TRUE(is_refused(titled("<x>") + "</x>"));
  EXPECT_TRUE(is_refused("<network><uuid>" + kUuid + "</uuid></network>"));
  EXPECT_TRUE(is_refused("<domain><name>web</name></domain>"));
  EXPECT_TRUE(is_refused("<domain><uuid>" + kUuid + "x</uuid></domain>"));
}

TEST(DomainXml, a_document_type_is_refused_before_its_entities_are_read) {
  std::string laughs = "<!DOCTYPE domain [<!ENTITY l0 'ha'>";
  for (int i = 1; i <= 12; i++) {
    laughs += "<!ENTITY l" + std::to_string(i) + " '";
    for (int k = 0; k < 10; k++) laughs += "&l" + std::to_string(i - 1) + ";";
    laughs += "'>";
  }
  laughs += "]>";
  EXPECT_TRUE(is_refused(laughs + titled("&l12;")));
  EXPECT_TRUE(is_refused(laughs + titled("harmless")));
  EXPECT_TRUE(is_refused("<!DOCTYPE domain [<!ENTITY file SYSTEM 'file:///etc/passwd'>]>" +
                         titled("&file;")));
  EXPECT_TRUE(is_refused("<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x.dtd'>" + titled("x")));
  EXPECT_TRUE(is_refused("<!DOCTYPE domain>" + titled("x")));
}

TEST(DomainXml, a_broken_byte_anywhere_leaves_texts_that_may_be_shown) {
  const auto whole = openstack_domain();
  int read_well = 0;
  for (size_t i = 0; i < whole.size(); i++)
    for (const char byte : {'\0', '<', '>', '&', '"', ':', '\a', '\xc3', '\xff'}) {
      auto broken = whole;
      broken[i] = byte;
      const auto read = read_domain_xml(broken);
      if (!read) continue;
      read_well++;
      EXPECT_EQ(read->uuid, kUuid);
      EXPECT_EQ(read->name, sanitise(read->name));
      EXPECT_EQ(read->names, shown_names(read->names));
    }
  EXPECT_GT(read_well, 100);
}

TEST(DomainXml, what_is_too_long_or_too_deep_is_refused) {
  EXPECT_TRUE(is_refused(titled(std::string(10 << 20, 'x'))));
  EXPECT_FALSE(is_refused(titled(std::string(1 << 20, 'x'))));
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += "<a>";
  EXPECT_TRUE(is_refused(domain("web", deep)));
}

}  // namespace
}  // namespace vmflow::test
