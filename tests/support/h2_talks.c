/* Conversations: ordinary ones, and ones that go wrong in each way. */
#include "support/h2_talks.h"

static void begin(struct h2_peer *p) {
  if (p->config.server) h2_put_preface(p);
  h2_put_setting(p, FC__H2_INITIAL_WINDOW_SIZE, 100000);
  h2_put_settings_ack(p);
}

static void padded(struct h2_peer *p, unsigned type, unsigned flags, uint32_t id, fc_slice body) {
  uint8_t payload[1024] = {17};
  memcpy(payload + 1, body.data, body.len);
  h2_put_frame(p, type, flags | FC__H2_PADDED, id, (fc_slice){payload, 1 + body.len + 17});
}

/* ---- to a server ---- */

static void put_calls(struct h2_peer *p) {
  begin(p);
  for (uint32_t id = 1; id < 20; id += 2) {
    h2_put_request(p, id, 0);
    h2_put_data(p, id, 0, "first part, ");
    h2_put_data(p, id, id % 4 == 1 ? FC__H2_END_STREAM : 0, "second part");
    if (id % 4 == 3) h2_put_headers(p, id, FC__H2_END_STREAM, "own: trailer\n");
    h2_put_u32(p, FC__H2_WINDOW_UPDATE, 0, 100);
  }
}

static void put_interleaved(struct h2_peer *p) {
  begin(p);
  for (uint32_t id = 1; id < 10; id += 2) h2_put_request(p, id, 0);
  for (int i = 0; i < 20; i++) {
    for (uint32_t id = 1; id < 10; id += 2) h2_put_zeros(p, id, 0, 700);
    if (i % 10 == 0) h2_put_ping(p, 77, false);
  }
  for (uint32_t id = 1; id < 10; id += 2) h2_put_data(p, id, FC__H2_END_STREAM, "");
  h2_put_goaway(p, 0, FC__H2_NO_ERROR, "done");
}

static void put_padding_and_continuations(struct h2_peer *p) {
  begin(p);
  for (uint32_t id = 1; id < 12; id += 2) {
    fc_slice block = h2_block_of(H2_REQUEST "some: field\nother: field\n");
    fc_slice head = {block.data, 10 * id}, rest = {block.data + 10 * id, block.len - 10 * id};
    padded(p, FC__H2_HEADERS, 0, id, head);
    h2_put_frame(p, FC__H2_CONTINUATION, 0, id, (fc_slice){rest.data, 3});
    h2_put_frame(p, FC__H2_CONTINUATION, 0, id, TEXT(""));
    h2_put_frame(p, FC__H2_CONTINUATION, FC__H2_END_HEADERS, id,
                 (fc_slice){rest.data + 3, rest.len - 3});
    padded(p, FC__H2_DATA, 0, id, TEXT("padded"));
    padded(p, FC__H2_DATA, FC__H2_END_STREAM, id, TEXT(""));
    h2_put_frame(p, 0x55, 0xff, id, TEXT("unknown"));
  }
}

static void put_resets(struct h2_peer *p) {
  begin(p);
  for (uint32_t id = 1; id < 40; id += 2) {
    h2_put_request(p, id, 0);
    h2_put_data(p, id, 0, "x");
    if (id % 4 == 1) h2_put_u32(p, FC__H2_RST_STREAM, id, FC__H2_CANCEL);
    if (id % 4 == 3) h2_put_u32(p, FC__H2_WINDOW_UPDATE, id, FC__H2_WINDOW_MAX);
    h2_put_data(p, id, 0, "late");
  }
}

static void put_malformed(struct h2_peer *p) {
  begin(p);
  h2_put_headers(p, 1, 0, "a: b\n");
  h2_put_headers(p, 3, 0, H2_REQUEST "Upper: case\n");
  h2_put_headers(p, 5, 0, H2_REQUEST "content-length: 3\n");
  h2_put_data(p, 5, 0, "12");
  h2_put_data(p, 5, FC__H2_END_STREAM, "34");
  h2_put_request(p, 7, FC__H2_END_STREAM);
}

static void put_too_large(struct h2_peer *p) {
  static char fields[60000] = H2_REQUEST;
  begin(p);
  for (size_t at = strlen(fields); at < sizeof fields - 40; at += 32) {
    memcpy(fields + at, "a-field: of thirty-two bytes...\n", 33);
  }
  fc_slice block = h2_block_of(fields);
  for (size_t at = 0; at < block.len; at += 16000) {
    bool last = block.len - at <= 16000;
    h2_put_frame(p, at ? FC__H2_CONTINUATION : FC__H2_HEADERS, last ? FC__H2_END_HEADERS : 0, 1,
                 (fc_slice){block.data + at, last ? block.len - at : 16000});
  }
  h2_put_data(p, 1, FC__H2_END_STREAM, "served all the same");
  h2_put_request(p, 3, FC__H2_END_STREAM);
}

static void put_huffman_and_tables(struct h2_peer *p) {
  begin(p);
  /* RFC 7541 C.4.1, with a method, then indexed. */
  h2_put_frame(p, FC__H2_HEADERS, FC__H2_END_HEADERS, 1,
               TEXT("\x83\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"));
  h2_put_frame(p, FC__H2_HEADERS, FC__H2_END_HEADERS, 3, TEXT("\x83\x86\x84\xbe"));
  h2_put_frame(p, FC__H2_HEADERS, FC__H2_END_HEADERS, 5, TEXT("\x20\x3f\xe1\x1f\x83\x86\x84"));
  h2_put_frame(p, FC__H2_HEADERS, FC__H2_END_HEADERS, 7, TEXT("\x83\x86\x84\xbe"));
}

static void put_overrun(struct h2_peer *p) {
  begin(p);
  h2_put_request(p, 1, 0);
  for (int i = 0; i < 5; i++) h2_put_zeros(p, 1, 0, 16384);
  h2_put_request(p, 3, FC__H2_END_STREAM);
  h2_put_u32(p, FC__H2_WINDOW_UPDATE, 9, 1);
}

static void put_wrong_preface(struct h2_peer *p) {
  h2_put_bytes(p, TEXT("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"));
}

static void put_bad_settings(struct h2_peer *p) {
  begin(p);
  h2_put_setting(p, FC__H2_MAX_FRAME_SIZE, 1);
  h2_put_request(p, 1, 0);
}

static void put_too_long(struct h2_peer *p) {
  begin(p);
  h2_put_request(p, 1, 0);
  h2_put_zeros(p, 1, 0, 16385);
}

/* ---- to a client ---- */

static void put_answers(struct h2_peer *p) {
  begin(p);
  h2_put_headers(p, 1, 0, ":status: 100\n");
  for (uint32_t id = 1; id < 6; id += 2) {
    h2_put_headers(p, id, 0, H2_RESPONSE);
    h2_put_zeros(p, id, 0, 5000);
    padded(p, FC__H2_DATA, 0, id, TEXT("more"));
  }
  for (uint32_t id = 1; id < 6; id += 2) {
    h2_put_headers(p, id, FC__H2_END_STREAM, "grpc-status: 0\ngrpc-message: fine\n");
    h2_put_u32(p, FC__H2_RST_STREAM, id, FC__H2_NO_ERROR);
  }
}

static void put_bad_answers(struct h2_peer *p) {
  begin(p);
  h2_put_data(p, 1, 0, "before headers");
  h2_put_headers(p, 3, 0, "no: status\n");
  h2_put_headers(p, 5, FC__H2_END_STREAM, ":status: 503\ncontent-length: 0\n");
  h2_put_headers(p, 7, 0, H2_RESPONSE);
}

static void put_going_away(struct h2_peer *p) {
  begin(p);
  h2_put_headers(p, 1, 0, H2_RESPONSE);
  h2_put_goaway(p, FC__H2_ID_MAX, FC__H2_NO_ERROR, "max_age");
  h2_put_ping(p, 1, false);
  h2_put_goaway(p, 3, FC__H2_NO_ERROR, "max_age");
  h2_put_headers(p, 3, FC__H2_END_STREAM, H2_RESPONSE);
  h2_put_headers(p, 1, FC__H2_END_STREAM, "grpc-status: 0\n");
}

static void put_push(struct h2_peer *p) {
  begin(p);
  h2_put_frame(p, FC__H2_PUSH_PROMISE, FC__H2_END_HEADERS, 1, TEXT("\0\0\0\2\x83\x86\x84"));
}

static void put_http1(struct h2_peer *p) {
  h2_put_bytes(p, TEXT("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
}

/* ---- */

const struct h2_talk h2_talks[] = {
    {"calls", true, 0, put_calls},
    {"interleaved", true, 0, put_interleaved},
    {"padding and continuations", true, 0, put_padding_and_continuations},
    {"resets", true, 0, put_resets},
    {"malformed requests", true, 0, put_malformed},
    {"a header list too large", true, 0, put_too_large},
    {"Huffman and tables", true, 0, put_huffman_and_tables},
    {"a window overrun", true, 0, put_overrun},
    {"a wrong preface", true, 0, put_wrong_preface},
    {"bad settings", true, 0, put_bad_settings},
    {"a frame too long", true, 0, put_too_long},
    {"answers", false, 3, put_answers},
    {"bad answers", false, 4, put_bad_answers},
    {"going away", false, 5, put_going_away},
    {"push", false, 1, put_push},
    {"HTTP/1", false, 1, put_http1},
};

const size_t h2_talks_count = sizeof h2_talks / sizeof *h2_talks;

void h2_talk_hold(const struct h2_talk *talk, struct h2_peer *p, size_t chunk) {
  h2_peer_open(p);
  p->chunk = chunk;
  p->record.answer = talk->server;
  for (unsigned i = 0; i < talk->requests; i++) h2_open_request(p, false);
  talk->put(p);
  (void)h2_feed(p);
}
