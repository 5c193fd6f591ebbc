#ifndef INTEROP_CLIENT_H
#define INTEROP_CLIENT_H
/* What the cases of the test client share; see service.md for what the server does. */
#include <farcall/rpc.h>

extern fc_channel *channel;   /* to the server under test */
extern const char *target;    /* its address */
extern const char *peer_name; /* "grpcio", "grpc-go", "farcall" */
extern const char *certs;     /* the folder of the certificates; NULL: no TLS */
extern bool mutual;           /* this client shows a certificate */

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

/* A channel as that of this run, with the credentials in options if there are some. options may be NULL. */
fc_channel *connect_to(const char *address, const fc_channel_options *options);

/* TLS that trusts an authority and shows an identity (NULL: none), by their names in the folder; NULL without TLS. */
fc_channel_credentials *credentials_of(const char *authority, const char *identity);
fc_channel_credentials *credentials_with(fc_tls_client_options *options, const char *authority,
                                         const char *identity);
const char *own_identity(void); /* of this run, or NULL */

/* A channel to the target with credentials, which it takes, and a name for the server or NULL. */
fc_channel *channel_with(fc_channel_credentials *credentials, const char *name);

/* A blocking unary call on a channel. */
fc_call *ask_on(fc_channel *to, fc_call_credentials *credentials);

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
    size_cases[], load_cases[], time_cases[], connection_cases[], security_cases[], token_cases[];

#endif
