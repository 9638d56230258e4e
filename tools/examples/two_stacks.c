/* Two stacks in one process, joined in memory: one connects to the other, and hears its echo.
 * No thread, no clock, no device: packets and time are this program's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/sluice.h"

static sluice_stack *client, *server;
static uint64_t now_ns;

/* The result of a call, unless it is an error: that ends the program. */
static int check(ssize_t result, const char* call) {
  if (result >= 0) return (int)result;
  fprintf(stderr, "two_stacks: %s: %s\n", call, strerror((int)-result));
  exit(1);
}

static sluice_stack* make_stack(const char* address) {
  struct sluice_config config;
  sluice_stack* stack = NULL;
  check(sluice_config_init(&config, sizeof config, "linux"), "sluice_config_init");
  config.addresses = address;
  check(sluice_stack_create(&config, &stack), "sluice_stack_create");
  return stack;
}

/* What one has to say comes to the other; false when that is nothing. */
static int carry(sluice_stack* from, sluice_stack* to) {
  unsigned char packet[1500];
  ssize_t length = sluice_output(from, packet, sizeof packet, now_ns);
  if (check(length, "sluice_output") == 0) return 0;
  check(sluice_input(to, packet, (size_t)length, now_ns), "sluice_input");
  return 1;
}

/* Carries packets, and moves time on whenever there are none, until the socket is ready. */
static void wait_for(sluice_stack* stack, int handle, int events) {
  while ((check(sluice_ready(stack, handle), "sluice_ready") & events) == 0) {
    if (carry(client, server) || carry(server, client)) continue;
    uint64_t a = sluice_next_deadline(client), b = sluice_next_deadline(server);
    now_ns = a < b ? a : b;
    check(sluice_advance(client, now_ns), "sluice_advance");
    check(sluice_advance(server, now_ns), "sluice_advance");
  }
}

int main(void) {
  struct sockaddr_in service = {.sin_family = AF_INET, .sin_port = htons(7)};
  const struct sockaddr* address = (const struct sockaddr*)&service;
  char text[64];
  service.sin_addr.s_addr = inet_addr("192.0.2.2");
  client = make_stack("192.0.2.1");
  server = make_stack("192.0.2.2");

  int listener = check(sluice_socket(server, AF_INET, SOCK_STREAM, 0), "sluice_socket");
  check(sluice_bind(server, listener, address, sizeof service), "sluice_bind");
  check(sluice_listen(server, listener, 8), "sluice_listen");

  int caller = check(sluice_socket(client, AF_INET, SOCK_STREAM, 0), "sluice_socket");
  int begun = sluice_connect(client, caller, address, sizeof service);
  check(begun == -EINPROGRESS ? 0 : begun, "sluice_connect");
  wait_for(client, caller, SLUICE_WRITABLE);
  check(sluice_connect(client, caller, address, sizeof service), "sluice_connect");
  check(sluice_send(client, caller, "hello, stack", 12, 0), "sluice_send");

  wait_for(server, listener, SLUICE_READABLE);
  int accepted = check(sluice_accept(server, listener, NULL, NULL), "sluice_accept");
  wait_for(server, accepted, SLUICE_READABLE);
  int length = check(sluice_recv(server, accepted, text, sizeof text, 0), "sluice_recv");
  check(sluice_send(server, accepted, text, (size_t)length, 0), "sluice_send");

  wait_for(client, caller, SLUICE_READABLE);
  length = check(sluice_recv(client, caller, text, sizeof text, 0), "sluice_recv");
  printf("%.*s\n", length, text);
  check(sluice_stack_destroy(client), "sluice_stack_destroy");
  check(sluice_stack_destroy(server), "sluice_stack_destroy");
  return 0;
}
