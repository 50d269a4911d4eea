// The floor: the least that one thread can do for a fan-out with one send() per subscriber per
// event. No JSON, no topics, no timers: what a server does beyond this is its own cost.
// GET /events subscribes; POST /api/events sends its body to every subscriber.
//
// Usage: floor PORT (0 takes a free one). Prints its address. Linux only: epoll.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  // Largest request, head and body. A larger one closes its connection.
  REQUEST_BYTES_MAX = 1 << 20,
  // Most bytes that wait for a full socket, as Carillon's default lagBytesMax. Closing at the first
  // partial send would empty the benchmark as soon as the load client is late by one socket buffer,
  // and the figures would be of fewer subscribers; waiting for the socket would stall the others.
  BACKLOG_BYTES_MAX = 8 << 20,
  EVENTS_A_TURN_MAX = 512,
  LISTEN_BACKLOG = 4096,
};

#define HEAD_END "\r\n\r\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define ACCEPTED "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define STREAM_HEAD                                                                   \
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n" \
  "Transfer-Encoding: chunked\r\n\r\n5\r\n:ok\n\n\r\n"

// Bytes that wait: of a request that is here in part, or of events for a full socket. The first
// `taken` are done with: moving the rest down at each send would cost more than the sends.
struct bytes {
  char *data;
  size_t taken;
  size_t length;
  size_t capacity;
};

struct connection {
  bool is_open;
  // Place in `subscribers`, -1 where it does not subscribe.
  int place;
  struct bytes request;
  struct bytes backlog;
};

// By file descriptor: the kernel gives the lowest free one, so the array stays dense.
static struct connection *connections;
static int *subscribers;
static int subscriber_count;
static int epoll;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static bool append(struct bytes *bytes, const char *data, size_t length) {
  if (bytes->taken > bytes->length / 2) {
    bytes->length -= bytes->taken;
    memmove(bytes->data, bytes->data + bytes->taken, bytes->length);
    bytes->taken = 0;
  }
  if (bytes->length + length > bytes->capacity) {
    size_t capacity = (bytes->length + length) * 2;
    char *grown = realloc(bytes->data, capacity);
    if (grown == NULL) return false;
    bytes->data = grown;
    bytes->capacity = capacity;
  }
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
  return true;
}

static void clear(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

static void close_connection(int fd) {
  struct connection *connection = &connections[fd];
  if (connection->place >= 0) {
    int last = subscribers[--subscriber_count];
    subscribers[connection->place] = last;
    connections[last].place = connection->place;
  }
  clear(&connection->request);
  clear(&connection->backlog);
  connection->is_open = false;
  close(fd);
}

static void watch(int fd, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(epoll, operation, fd, &event) < 0) fail("epoll_ctl");
}

// Keeps what the socket did not take, and has epoll tell when it takes more.
static bool keep(int fd, const char *data, size_t length) {
  struct bytes *backlog = &connections[fd].backlog;
  if (backlog->length - backlog->taken + length > BACKLOG_BYTES_MAX) return false;
  if (backlog->length == 0) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  return append(backlog, data, length);
}

// Sends in one call, or behind what already waits. False when the connection must be closed.
static bool deliver(int fd, const char *data, size_t length) {
  if (connections[fd].backlog.length > 0) return keep(fd, data, length);
  ssize_t sent = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == (ssize_t)length) return true;
  if (sent < 0 && errno != EAGAIN) return false;
  if (sent < 0) sent = 0;
  return keep(fd, data + sent, length - sent);
}

// The socket has room again.
static void drain(int fd) {
  struct bytes *backlog = &connections[fd].backlog;
  const char *rest = backlog->data + backlog->taken;
  ssize_t sent = send(fd, rest, backlog->length - backlog->taken, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) close_connection(fd);
    return;
  }
  backlog->taken += sent;
  if (backlog->taken < backlog->length) return;
  clear(backlog);
  watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

static void subscribe(int fd) {
  if (connections[fd].place >= 0) return;
  connections[fd].place = subscriber_count;
  subscribers[subscriber_count++] = fd;
}

static void publish(const char *body, size_t length) {
  static char frame[REQUEST_BYTES_MAX + 64];
  size_t size = sprintf(frame, "%zx\r\ndata: ", length + strlen("data: \n\n"));
  memcpy(frame + size, body, length);
  memcpy(frame + size + length, "\n\n\r\n", 4);
  size += length + 4;
  // Backwards: a subscriber that is closed is replaced by the last, which has had the event.
  for (int place = subscriber_count - 1; place >= 0; place--) {
    int fd = subscribers[place];
    if (!deliver(fd, frame, size)) close_connection(fd);
  }
}

static size_t content_length(const char *head, const char *end) {
  static const char name[] = "\r\ncontent-length:";
  const size_t length = sizeof name - 1;
  for (const char *at = head; at + length < end; at++) {
    if (*at == '\r' && strncasecmp(at, name, length) == 0) return strtoul(at + length, NULL, 10);
  }
  return 0;
}

static bool starts(const char *request, const char *line) {
  return strncmp(request, line, strlen(line)) == 0;
}

// Takes the whole requests at the start, pipelined ones too. Returns how many bytes they were, or
// -1 when the connection must be closed. The text ends in NUL, which no head contains.
static ssize_t take(int fd, const char *text, size_t length) {
  const char *at = text;
  const char *const end = text + length;
  for (;;) {
    const char *body = memmem(at, end - at, HEAD_END, strlen(HEAD_END));
    if (body == NULL) return at - text;
    body += strlen(HEAD_END);
    size_t size = content_length(at, body);
    if (size > REQUEST_BYTES_MAX) return -1;
    if (size > (size_t)(end - body)) return at - text;
    const char *answer = NOT_FOUND;
    if (starts(at, "POST /api/events ")) {
      publish(body, size);
      answer = ACCEPTED;
    } else if (starts(at, "GET /events ")) {
      subscribe(fd);
      answer = STREAM_HEAD;
    }
    // A publisher may subscribe too, and be closed by its own event.
    if (!connections[fd].is_open || !deliver(fd, answer, strlen(answer))) return -1;
    at = body + size;
  }
}

static void receive(int fd) {
  static char buffer[REQUEST_BYTES_MAX + 1];
  struct bytes *pending = &connections[fd].request;
  size_t length = pending->length;
  memcpy(buffer, pending->data == NULL ? "" : pending->data, length);
  ssize_t got = recv(fd, buffer + length, REQUEST_BYTES_MAX - length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    close_connection(fd);
    return;
  }
  length += got;
  buffer[length] = '\0';
  ssize_t taken = take(fd, buffer, length);
  if (!connections[fd].is_open) return;
  if (taken < 0 || (taken == 0 && length == REQUEST_BYTES_MAX)) {
    close_connection(fd);
    return;
  }
  clear(pending);
  if (taken < (ssize_t)length && !append(pending, buffer + taken, length - taken)) fail("realloc");
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED)) return;
    // Out of file descriptors, most likely: figures with fewer subscribers would mislead.
    if (fd < 0) fail("accept");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[fd] = (struct connection){.is_open = true, .place = -1};
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static int start(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) < 0) fail("bind");
  if (listen(listener, LISTEN_BACKLOG) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("floor listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(int count, char **arguments) {
  if (count != 2) {
    fputs("usage: floor PORT\n", stderr);
    return 2;
  }
  // A benchmark that is killed must not leave its floor behind.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  connections = calloc(files.rlim_max, sizeof *connections);
  subscribers = calloc(files.rlim_max, sizeof *subscribers);
  if (connections == NULL || subscribers == NULL) fail("calloc");

  epoll = epoll_create1(EPOLL_CLOEXEC);
  int listener = start(atoi(arguments[1]));
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);
  static struct epoll_event ready[EVENTS_A_TURN_MAX];
  for (;;) {
    int turns = epoll_wait(epoll, ready, EVENTS_A_TURN_MAX, -1);
    for (int turn = 0; turn < turns; turn++) {
      int fd = ready[turn].data.fd;
      if (fd == listener) {
        accept_all(listener);
        continue;
      }
      // What is reported may be of a connection that was closed in this turn, its number perhaps
      // taken by another: sockets do not block, so asking one that has nothing does no harm.
      if (connections[fd].is_open && connections[fd].backlog.length > 0) drain(fd);
      if (connections[fd].is_open) receive(fd);
    }
  }
}
