#include "dataplane/io/netlink.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace sluice::io::netlink {
namespace {

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

int index_of(const std::string& device) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) fail(errno, "if_nametoindex");
  return static_cast<int>(index);
}

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

// One message and its answer.
class Request {
 public:
  explicit Request(std::uint16_t type, std::uint16_t flags = 0) {
    nlmsghdr* const header = mnl_nlmsg_put_header(buffer_.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header->nlmsg_seq = kSequence;
  }

  template <typename Header>
  Header* put_header() {
    return static_cast<Header*>(mnl_nlmsg_put_extra_header(message(), sizeof(Header)));
  }
  void put(std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(message(), attribute, value);
  }
  void put(std::uint16_t attribute, Bytes value) {
    mnl_attr_put(message(), attribute, value.size(), value.data());
  }

  // Sends the message and hands what comes back to `on_answer` until the kernel's acknowledgement.
  void send(mnl_cb_t on_answer = nullptr, void* context = nullptr) {
    const std::unique_ptr<mnl_socket, CloseSocket> socket(
        mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket.get(), message(), message()->nlmsg_len) < 0) {
      fail(errno, "netlink socket");
    }
    const unsigned port = mnl_socket_get_portid(socket.get());
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
      const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer_.data(), buffer_.size());
      if (got < 0) fail(errno, "netlink answer");
      more = mnl_cb_run(buffer_.data(), static_cast<std::size_t>(got), kSequence, port, on_answer,
                        context);
    }
    if (more < 0) fail(errno, "netlink request");
  }

 private:
  nlmsghdr* message() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

  static constexpr unsigned kSequence = 1;  // a socket carries one request

  // Holds the answer, too: that of a link is some 2 KiB.
  alignas(nlmsghdr) std::array<std::uint8_t, 16384> buffer_{};
};

Request change_of_link(const std::string& device, unsigned flags = 0) {
  Request request(RTM_NEWLINK);
  auto* const header = request.put_header<ifinfomsg>();
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = index_of(device);
  header->ifi_flags = flags;
  header->ifi_change = flags;
  return request;
}

std::uint64_t tx_dropped_of(const nlattr* statistics) {
  // The kernel's structure grows at its end, and its payload is aligned to four bytes only.
  rtnl_link_stats64 values{};
  std::memcpy(&values, mnl_attr_get_payload(statistics),
              std::min<std::size_t>(sizeof values, mnl_attr_get_payload_len(statistics)));
  return values.tx_dropped;
}

int on_link(const nlmsghdr* message, void* context) {
  Link& link = *static_cast<Link*>(context);
  const auto* const header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  link.up = (header->ifi_flags & IFF_UP) != 0;
  const auto* const end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof *header));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type == IFLA_MTU) link.mtu = mnl_attr_get_u32(attribute);
    if (type == IFLA_TXQLEN) link.queue_length = mnl_attr_get_u32(attribute);
    if (type == IFLA_STATS64) link.tx_dropped = tx_dropped_of(attribute);
    attribute = mnl_attr_next(attribute);
  }
  return MNL_CB_OK;
}

Bytes bytes_of(const IpAddress& address) {
  return address.is_v4() ? Bytes(address.bytes()).subspan(12) : Bytes(address.bytes());
}

}  // namespace

void set_mtu(const std::string& device, std::uint32_t mtu) {
  Request request = change_of_link(device);
  request.put(IFLA_MTU, mtu);
  request.send();
}

void set_queue_length(const std::string& device, std::uint32_t packets) {
  Request request = change_of_link(device);
  request.put(IFLA_TXQLEN, packets);
  request.send();
}

void set_up(const std::string& device) {
  change_of_link(device, IFF_UP).send();
}

void add_address(const std::string& device, const Cidr& address) {
  const bool v4 = address.address.is_v4();
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  auto* const header = request.put_header<ifaddrmsg>();
  header->ifa_family = v4 ? AF_INET : AF_INET6;
  header->ifa_prefixlen = address.prefix_length;
  header->ifa_scope = RT_SCOPE_UNIVERSE;
  header->ifa_index = static_cast<std::uint32_t>(index_of(device));
  request.put(IFA_LOCAL, bytes_of(address.address));
  request.put(IFA_ADDRESS, bytes_of(address.address));
  if (v4 && address.prefix_length < 31) {
    const IpAddress broadcast = address.last();
    request.put(IFA_BROADCAST, bytes_of(broadcast));
  }
  // Nobody else is on the device: without this an address is of no use for its first second.
  if (!v4) request.put(IFA_FLAGS, IFA_F_NODAD);
  request.send();
}

Link read_link(const std::string& device) {
  Request request(RTM_GETLINK);
  auto* const header = request.put_header<ifinfomsg>();
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = index_of(device);
  Link link;
  request.send(on_link, &link);
  return link;
}

}  // namespace sluice::io::netlink
