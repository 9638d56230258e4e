/* A stack on a TUN device, with poll: an echo server on port 7.
 *
 *     tun_echo DEVICE ADDRESS        a device that exists, or that is made now
 *     tun_echo DESCRIPTOR ADDRESS    one that was opened with IFF_TUN | IFF_NO_PI
 *
 * As root: ip netns add x; ip netns exec x ./tun_echo tun7 10.0.7.2 &
 *          ip -n x address add 10.0.7.1/24 dev tun7; ip -n x link set tun7 up
 *          ip netns exec x nc 10.0.7.2 7 */
#define _DEFAULT_SOURCE  // NOLINT(bugprone-reserved-identifier): beside C11, what Linux has
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/sluice.h"

enum { PORT = 7, LARGEST_PACKET = 65535, PACKETS_A_TURN = 64 };

static void fail(const char* what, int error) {
  fprintf(stderr, "tun_echo: %s: %s\n", what, strerror(error));
  exit(1);
}

static long check(long result, const char* what) {
  if (result < 0) fail(what, (int)-result);
  return result;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int open_device(const char* name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  char* rest;
  long given = strtol(name, &rest, 10);
  if (*name != 0 && *rest == 0) {
    if (fcntl((int)given, F_SETFL, O_NONBLOCK) != 0) fail(name, errno);
    return (int)given;
  }
  if (strlen(name) >= sizeof request.ifr_name) fail(name, ENAMETOOLONG);
  strcpy(request.ifr_name, name);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) fail("/dev/net/tun", errno);
  if (ioctl(device, TUNSETIFF, &request) != 0) fail(name, errno);
  return device;
}

/* Sends back what has come, as far as there is room; the rest stays where it is until there is. */
static void echo(sluice_stack* stack, int handle, int events, void* unused) {
  char bytes[16384];
  (void)events, (void)unused;
  for (;;) {
    ssize_t come = sluice_recv(stack, handle, bytes, sizeof bytes, MSG_PEEK);
    ssize_t sent = come > 0 ? sluice_send(stack, handle, bytes, (size_t)come, 0) : come;
    if (sent == -EAGAIN) return;
    if (sent <= 0) break; /* the end, or an error */
    check(sluice_recv(stack, handle, bytes, (size_t)sent, 0), "sluice_recv");
  }
  check(sluice_close(stack, handle), "sluice_close");
}

static void accept_all(sluice_stack* stack, int listener, int events, void* unused) {
  int handle;
  (void)events, (void)unused;
  while ((handle = sluice_accept(stack, listener, NULL, NULL)) >= 0) {
    check(sluice_set_callback(stack, handle, echo, NULL), "sluice_set_callback");
  }
  if (handle != -EAGAIN) fail("sluice_accept", -handle);
}

static sluice_stack* make_server(const char* addresses) {
  struct sluice_config config;
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
  sluice_stack* stack = NULL;
  check(sluice_config_init(&config, sizeof config, "linux"), "sluice_config_init");
  config.addresses = addresses;
  if (sluice_config_problem(&config)[0] != 0) {
    fprintf(stderr, "tun_echo: %s\n", sluice_config_problem(&config));
    exit(2);
  }
  check(sluice_stack_create(&config, &stack), "sluice_stack_create");
  int listener = (int)check(sluice_socket(stack, AF_INET6, SOCK_STREAM, 0), "sluice_socket");
  check(sluice_bind(stack, listener, (const struct sockaddr*)&any, sizeof any), "sluice_bind");
  check(sluice_listen(stack, listener, 128), "sluice_listen");
  check(sluice_set_callback(stack, listener, accept_all, NULL), "sluice_set_callback");
  return stack;
}

/* Packets in, packets out. What a device that is down does not take, TCP sends again. */
static void turn(sluice_stack* stack, int device) {
  static char packet[LARGEST_PACKET];
  ssize_t length;
  for (int i = 0; i < PACKETS_A_TURN; ++i) {
    length = read(device, packet, sizeof packet);
    if (length < 0 && errno != EAGAIN && errno != EINTR) fail("reading the device", errno);
    if (length <= 0) break;
    check(sluice_input(stack, packet, (size_t)length, now_ns()), "sluice_input");
  }
  check(sluice_advance(stack, now_ns()), "sluice_advance");
  while ((length = sluice_output(stack, packet, sizeof packet, now_ns())) > 0) {
    if (write(device, packet, (size_t)length) < 0 && errno != EIO && errno != EAGAIN) {
      fail("writing to the device", errno);
    }
  }
  check(length, "sluice_output");
}

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: tun_echo DEVICE|DESCRIPTOR ADDRESS\n");
    return 2;
  }
  sluice_stack* stack = make_server(arguments[2]);
  struct pollfd device = {.fd = open_device(arguments[1]), .events = POLLIN};
  for (;;) {
    turn(stack, device.fd);
    uint64_t now = now_ns(), next = sluice_next_deadline(stack);
    uint64_t wait_ms = next <= now ? 0 : (next - now + 999999) / 1000000;
    int timeout_ms = next == UINT64_MAX || wait_ms > 1000 ? 1000 : (int)wait_ms;
    if (poll(&device, 1, timeout_ms) < 0 && errno != EINTR) fail("poll", errno);
  }
}
