#ifndef INTEROP_CLIENT_H
#define INTEROP_CLIENT_H
/* What the cases of the test client share; see service.md for what the server does. */
#include <farcall/rpc.h>

extern fc_channel *channel;   /* to the server under test */
extern const char *target;    /* its address */
extern const char *peer_name; /* "grpcio", "grpc-go", "farcall" */

/* Notes that the running case fails, the first time with the reason; gives ok back. */
bool expect(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool expect_code(fc_call *call, fc_code code);
bool expect_slice(fc_slice is, fc_slice wanted, const char *what);

/* Metadata of keys and values in turn, with NULL at the end. */
fc_metadata *wants(const char *key, ...) __attribute__((sentinel));

/* The trailing metadata's value of a key as a number; -1 if there is none. */
long last_number(fc_call *call, const char *key);

/* Options of a pattern with metadata, which free_options frees. */
fc_call_options options_of(fc_pattern pattern, fc_metadata *metadata);
void free_options(fc_call_options *options);

/* A blocking unary call; its handle is always given. *response may be NULL. Takes the metadata. */
fc_call *ask(const char *method, fc_slice request, fc_metadata *metadata, fc_bytes **response);

/* Opens a call whose client sends messages by fc_call_send. Takes the metadata. */
fc_call *open_call(const char *method, fc_pattern pattern, fc_metadata *metadata);

bool send_all(fc_call *call, fc_slice message, int count);
int receive_all(fc_call *call, size_t *bytes);

/* Another unary call on the same channel still works. */
void expect_alive(void);

/* What the server says of a cancelled call. */
void expect_noticed(const char *id);

fc_slice text(const char *chars);

/* size bytes of memory that never goes, the same in every call. */
fc_slice filler(size_t size);

int64_t now_ms(void);

struct test_case {
  const char *name;
  void (*run)(void);
};

/* Each ends with an empty one. */
extern const struct test_case basic_cases[], metadata_cases[], status_cases[], compression_cases[],
    size_cases[], load_cases[], time_cases[], connection_cases[];

#endif
