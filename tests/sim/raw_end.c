/* The end of raw_end.h. */
#include "sim/raw_end.h"

#include <errno.h>
#include <stdlib.h>

#include "io/reactor.h"

enum { FRAME_MAX = 16384 };

void raw_append(struct fc__buf *b, fc_slice bytes) {
  if (b->cap - b->len < bytes.len) {
    b->cap = 2 * (b->len + bytes.len);
    b->data = realloc(b->data, b->cap);
    assert_non_null(b->data);
  }
  if (bytes.len) memcpy(b->data + b->len, bytes.data, bytes.len);
  b->len += bytes.len;
}

/* ---- the transport ---- */

static void drop(struct raw_end *end) {
  if (end->transport) end->transport->ops->close(end->transport);
  end->transport = NULL;
  end->connected = false;
}

static void hear(struct raw_end *end, fc_slice bytes) {
  if (end->layer) {
    end->layer->take(end->layer, bytes, &end->peer.sent_bytes);
  } else {
    raw_append(&end->peer.sent_bytes, bytes);
  }
}

static void read_in(struct raw_end *end) {
  uint8_t bytes[16384];
  struct iovec iov = {bytes, sizeof bytes};
  while (!end->deaf) {
    ssize_t n = end->transport->ops->read(end->transport, &iov, 1);
    if (n == -EAGAIN) return;
    if (n <= 0) {
      drop(end);
      return;
    }
    hear(end, (fc_slice){bytes, (size_t)n});
  }
}

static void write_out(struct raw_end *end) {
  struct fc__buf *b = end->layer ? &end->wire : &end->peer.in;
  if (!end->transport || !end->connected) return;
  if (end->layer) end->layer->give(end->layer, &end->peer.in, b);
  if (b->len == 0) return;
  struct iovec iov = {b->data, b->len};
  ssize_t n = end->transport->ops->write(end->transport, &iov, 1);
  if (n < 0 && n != -EAGAIN) {
    drop(end);
    return;
  }
  if (n > 0) {
    b->len -= (size_t)n;
    memmove(b->data, b->data + n, b->len);
  }
  unsigned read = end->deaf ? 0 : (unsigned)FC__READY_READ;
  unsigned more = b->len > 0 ? (unsigned)FC__READY_WRITE : 0;
  end->transport->ops->want(end->transport, read | more);
}

static void on_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct raw_end *end = t->user;
  (void)now;
  if (!end->connected && (ready & FC__READY_WRITE)) {
    if (t->ops->finish_connect(t) != 0) {
      drop(end);
      return;
    }
    end->connected = true;
  }
  if (ready & FC__READY_READ) read_in(end);
  write_out(end);
}

static void begin(struct raw_end *end, struct fc__transport *t) {
  end->transport = t;
  t->on_ready = on_ready;
  t->user = end;
  end->peer.in.len = end->peer.sent_bytes.len = end->wire.len = 0;
  if (end->layer) end->layer->begin(end->layer);
  h2_peer_decode_anew(&end->peer);
}

static void greet(struct raw_end *end) {
  if (end->greeting) {
    h2_put_bytes(&end->peer, fc_slice_from_string(end->greeting));
    return;
  }
  h2_put_frame(&end->peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  h2_put_settings_ack(&end->peer);
}

static void on_connections(struct fc__listener *l, int64_t now) {
  struct raw_end *end = l->user;
  struct fc__transport *t;
  struct fc__addr peer;
  (void)now;
  while (l->ops->accept(l, &t, &peer) == 0) {
    drop(end);
    end->accepted++;
    begin(end, t);
    end->connected = true;
    greet(end);
    write_out(end);
  }
}

/* ---- life ---- */

static struct fc__net *start(struct raw_end *end, struct sim *sim, const char *address,
                             struct raw_layer *layer, struct fc__addr *addr) {
  struct fc__net *net = fc__reactor_net(sim_reactor(sim));
  *end = (struct raw_end){.sim = sim, .loop = fc__reactor_loop(sim_reactor(sim)), .layer = layer};
  h2_peer_init(&end->peer, false);
  const char *path = strchr(address, '/');
  assert_true(net->ops->parse(net, path ? "unix" : "ipv4", path ? path : address, addr));
  return net;
}

void raw_end_connect_by(struct raw_end *end, struct sim *sim, const char *address,
                        struct raw_layer *layer) {
  struct fc__addr addr;
  struct fc__transport *t;
  struct fc__net *net = start(end, sim, address, layer, &addr);
  fc__loop_lock(end->loop);
  assert_int_equal(net->ops->connect(net, &addr, &t), 0);
  begin(end, t);
  h2_put_preface(&end->peer);
  greet(end);
  fc__loop_unlock(end->loop);
}

void raw_end_connect(struct raw_end *end, struct sim *sim, const char *address) {
  raw_end_connect_by(end, sim, address, NULL);
}

void raw_end_listen_by(struct raw_end *end, struct sim *sim, const char *address,
                       struct raw_layer *layer) {
  struct fc__addr addr;
  struct fc__net *net = start(end, sim, address, layer, &addr);
  fc__loop_lock(end->loop);
  assert_int_equal(net->ops->listen(net, &addr, NULL, &end->listener, NULL), 0);
  end->listener->on_ready = on_connections;
  end->listener->user = end;
  fc__loop_unlock(end->loop);
}

void raw_end_listen(struct raw_end *end, struct sim *sim, const char *address) {
  raw_end_listen_by(end, sim, address, NULL);
}

void raw_end_hang_up(struct raw_end *end) {
  fc__loop_lock(end->loop);
  drop(end);
  fc__loop_unlock(end->loop);
}

void raw_end_finish(struct raw_end *end) {
  raw_end_hang_up(end);
  fc__loop_lock(end->loop);
  if (end->listener) end->listener->ops->close(end->listener);
  end->listener = NULL;
  fc__loop_unlock(end->loop);
  h2_peer_finish(&end->peer);
  free(end->wire.data);
  end->wire = (struct fc__buf){0};
}

/* ---- saying and hearing ---- */

void raw_end_block(struct raw_end *end, uint32_t id, unsigned flags, fc_slice block) {
  unsigned type = FC__H2_HEADERS;
  for (; block.len > FRAME_MAX; block.data += FRAME_MAX, block.len -= FRAME_MAX) {
    h2_put_frame(&end->peer, type, flags, id, (fc_slice){block.data, FRAME_MAX});
    type = FC__H2_CONTINUATION;
    flags = 0;
  }
  h2_put_frame(&end->peer, type, flags | FC__H2_END_HEADERS, id, block);
}

fc_slice raw_end_framed(unsigned compressed, fc_slice message) {
  static struct fc__buf framed;
  uint8_t prefix[5] = {(uint8_t)compressed};
  fc__h2_put_u32(prefix + 1, (uint32_t)message.len);
  framed.len = 0;
  raw_append(&framed, (fc_slice){prefix, sizeof prefix});
  raw_append(&framed, message);
  return (fc_slice){framed.data, framed.len};
}

void raw_end_message(struct raw_end *end, uint32_t id, unsigned flags, unsigned compressed,
                     fc_slice message) {
  fc_slice all = raw_end_framed(compressed, message);
  for (size_t at = 0; at < all.len; at += FRAME_MAX) {
    bool last = all.len - at <= FRAME_MAX;
    fc_slice piece = {all.data + at, last ? all.len - at : FRAME_MAX};
    h2_put_frame(&end->peer, FC__H2_DATA, last ? flags : 0, id, piece);
  }
}

/* ---- header blocks ---- */

static void put_byte(struct raw_block *b, unsigned byte) {
  assert_true(b->len < sizeof b->bytes);
  b->bytes[b->len++] = (uint8_t)byte;
}

/* RFC 7541 section 5.1 */
static void put_integer(struct raw_block *b, unsigned first, unsigned mask, size_t value) {
  if (value < mask) {
    put_byte(b, first | (unsigned)value);
    return;
  }
  put_byte(b, first | mask);
  for (value -= mask; value >= 128; value >>= 7) put_byte(b, (unsigned)value | 128);
  put_byte(b, (unsigned)value);
}

static void put_string(struct raw_block *b, fc_slice text) {
  put_integer(b, 0, 0x7f, text.len);
  for (size_t i = 0; i < text.len; i++) put_byte(b, text.data[i]);
}

void raw_block_literal(struct raw_block *b, enum raw_literal how, const char *name,
                       fc_slice value) {
  put_byte(b, how);
  put_string(b, fc_slice_from_string(name));
  put_string(b, value);
}

void raw_block_index(struct raw_block *b, unsigned index) { put_integer(b, 0x80, 0x7f, index); }

void raw_block_begin(struct raw_block *b, const char *fields) {
  fc_slice plain = h2_block_of(fields);
  b->len = plain.len;
  memcpy(b->bytes, plain.data, plain.len);
}

fc_slice raw_block_slice(const struct raw_block *b) { return (fc_slice){b->bytes, b->len}; }

/* ---- time ---- */

void raw_end_go(struct raw_end *end) {
  fc__loop_lock(end->loop);
  write_out(end);
  fc__loop_unlock(end->loop);
  sim_run_for(end->sim, 20 * FC_MILLISECOND);
}

const char *raw_end_said(struct raw_end *end) { return h2_said(&end->peer); }

unsigned raw_end_count(const char *text, const char *part) {
  unsigned count = 0;
  for (; (text = strstr(text, part)); text += strlen(part)) count++;
  return count;
}
