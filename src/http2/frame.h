#ifndef FC_HTTP2_FRAME_H
#define FC_HTTP2_FRAME_H
/* The frame header and the constants of framing. Spec: RFC 9113 sections 4.1, 6, 6.5.2 */
#include <stdbool.h>
#include <stdint.h>

enum {
  FC__H2_HEADER_LEN = 9,
  FC__H2_FRAME_MIN_MAX = 16384,    /* SETTINGS_MAX_FRAME_SIZE: least value and default */
  FC__H2_FRAME_MAX_MAX = 16777215, /* and greatest */
  FC__H2_DEFAULT_WINDOW = 65535,   /* of a stream until SETTINGS say otherwise, of the connection */
};

#define FC__H2_WINDOW_MAX INT32_MAX /* RFC 9113 section 6.9.1 */
#define FC__H2_ID_MAX UINT32_C(0x7fffffff)

enum fc__h2_type {
  FC__H2_DATA,
  FC__H2_HEADERS,
  FC__H2_PRIORITY,
  FC__H2_RST_STREAM,
  FC__H2_SETTINGS,
  FC__H2_PUSH_PROMISE,
  FC__H2_PING,
  FC__H2_GOAWAY,
  FC__H2_WINDOW_UPDATE,
  FC__H2_CONTINUATION,
};

enum fc__h2_flag {
  FC__H2_ACK = 0x1, /* SETTINGS, PING */
  FC__H2_END_STREAM = 0x1,
  FC__H2_END_HEADERS = 0x4,
  FC__H2_PADDED = 0x8,
  FC__H2_HAS_PRIORITY = 0x20,
};

enum fc__h2_setting {
  FC__H2_HEADER_TABLE_SIZE = 1,
  FC__H2_ENABLE_PUSH = 2,
  FC__H2_MAX_CONCURRENT_STREAMS = 3,
  FC__H2_INITIAL_WINDOW_SIZE = 4,
  FC__H2_MAX_FRAME_SIZE = 5,
  FC__H2_MAX_HEADER_LIST_SIZE = 6,
};

struct fc__h2_frame {
  uint32_t len, id;
  uint8_t type, flags;
};

static inline uint32_t fc__h2_get_u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void fc__h2_put_u32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 24);
  p[1] = (uint8_t)(v >> 16);
  p[2] = (uint8_t)(v >> 8);
  p[3] = (uint8_t)v;
}

static inline struct fc__h2_frame fc__h2_frame_read(const uint8_t *p) {
  return (struct fc__h2_frame){
      .len = fc__h2_get_u32(p) >> 8,
      .type = p[3],
      .flags = p[4],
      .id = fc__h2_get_u32(p + 5) & FC__H2_ID_MAX, /* the reserved bit is ignored */
  };
}

static inline void fc__h2_frame_write(uint8_t *p, struct fc__h2_frame frame) {
  fc__h2_put_u32(p, frame.len << 8 | frame.type);
  p[4] = frame.flags;
  fc__h2_put_u32(p + 5, frame.id);
}

#endif
