# SPDX-License-Identifier: GPL-2.0-only
# One package, as .deb and as .tar.gz: cpack --config build/release/CPackConfig.cmake
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME vmflow)
set(CPACK_PACKAGE_VENDOR vmflow)
set(CPACK_PACKAGE_CONTACT ${VMFLOW_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "tells from the hypervisor alone why a virtual machine is slow")
set(CPACK_PACKAGE_DESCRIPTION
    "vmflowd keeps, for every KVM virtual machine, a ledger of where its time
goes, by eBPF programs on the host: nothing is installed in the guest.
Prometheus scrapes it, and what led to an anomaly is kept as a trace, from
which vmflow tells what it was. Rules, alerts with runbooks, and dashboards
are included.")

# With absolute paths, so that the settings are in /etc in both.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
    "prometheus, prometheus-alertmanager, lttng-tools, lttng-modules-dkms, babeltrace2, libvirt0")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA conffiles postinst prerm postrm)
list(TRANSFORM CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)

include(CPack)
