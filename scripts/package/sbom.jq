# SPDX-License-Identifier: GPL-2.0-only
# Lines of "package, version, architecture, how, licence" to an SPDX 2.3 document.
def id: "SPDXRef-" + gsub("[^A-Za-z0-9.-]"; "-");
def package(name; version; licence; extra): {
  name: name, SPDXID: (name | id), versionInfo: version, downloadLocation: "NOASSERTION", filesAnalyzed: false,
  licenseConcluded: "NOASSERTION", licenseDeclared: licence, copyrightText: "NOASSERTION"} + extra;
def relation(from; kind; to): {spdxElementId: from, relationshipType: kind, relatedSpdxElement: to};

[split("\n")[] | select(length > 0) | split("\t")
 | {name: .[0], version: .[1], architecture: .[2], how: .[3], licence: .[4]}] as $libraries
| {
    spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: "vmflow-\($version)",
    documentNamespace: "https://spdx.org/spdxdocs/vmflow-\($version)-\($digest)",
    creationInfo: {created: $created, creators: ["Tool: vmflow-write_papers"]},
    packages: [
      package("vmflow"; $version; "GPL-2.0-only"; {primaryPackagePurpose: "APPLICATION"}),
      ($libraries[] | package(.name; .version; .licence; {
        supplier: "Organization: Debian",
        externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
          referenceLocator: "pkg:deb/debian/\(.name | @uri)@\(.version | @uri)?arch=\(.architecture)&distro=bookworm"}]}))],
    relationships: [
      relation("SPDXRef-DOCUMENT"; "DESCRIBES"; "SPDXRef-vmflow"),
      ($libraries[] | relation("SPDXRef-vmflow";
        {linked: "DYNAMIC_LINK", compiled: "STATIC_LINK", indirect: "DEPENDS_ON"}[.how]; .name | id))]
  }
