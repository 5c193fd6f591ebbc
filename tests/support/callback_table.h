#ifndef FC_TESTS_CALLBACK_TABLE_H
#define FC_TESTS_CALLBACK_TABLE_H
/*
 * Where the library calls the application, and what may be called there: the two sides of a matrix that callbacks.h
 * fills. scripts/check_callbacks.py compares both with the public headers: a new function or callback fails it until it
 * has its row here.
 */

/* What the headers say of a place: it may block; it may, but it is a handler of the server's; it must not block. */
enum callback_rule { MAY_BLOCK, IN_HANDLER, NO_BLOCKING };

/* X(struct or function, its member or parameter, rule). More than one way to a place: with a suffix. */
#define CALLBACK_PLACES(X)                                                                         \
  X(fc_bytes_wrap, release, NO_BLOCKING)                                                           \
  X(fc_call_credentials_from_plugin, drop, MAY_BLOCK)                                              \
  X(fc_call_credentials_from_plugin, plugin, MAY_BLOCK)                                            \
  X(fc_call_hooks, drop, MAY_BLOCK)                                                                \
  X(fc_call_hooks, drop_server, MAY_BLOCK)                                                         \
  X(fc_call_hooks, on_done, NO_BLOCKING)                                                           \
  X(fc_call_hooks, on_done_server, NO_BLOCKING)                                                    \
  X(fc_call_hooks, on_receive, NO_BLOCKING)                                                        \
  X(fc_call_hooks, on_receive_server, NO_BLOCKING)                                                 \
  X(fc_call_hooks, on_send, NO_BLOCKING)                                                           \
  X(fc_call_hooks, on_send_server, NO_BLOCKING)                                                    \
  X(fc_call_on_done, done, MAY_BLOCK)                                                              \
  X(fc_call_on_initial_metadata, done, MAY_BLOCK)                                                  \
  X(fc_call_recv_async, done, MAY_BLOCK)                                                           \
  X(fc_call_send_async, done, MAY_BLOCK)                                                           \
  X(fc_channel_watch, fn, MAY_BLOCK)                                                               \
  X(fc_handler, drop, MAY_BLOCK)                                                                   \
  X(fc_handler, fn, IN_HANDLER)                                                                    \
  X(fc_handler, fn_async, NO_BLOCKING)                                                             \
  X(fc_interceptor, call, MAY_BLOCK)                                                               \
  X(fc_server_interceptor, call, IN_HANDLER)                                                       \
  X(fc_server_options, on_end, MAY_BLOCK)                                                          \
  X(fc_server_options, on_untaken, MAY_BLOCK)                                                      \
  X(fc_set_interrupt_check, check, MAY_BLOCK)                                                      \
  X(fc_stream_stream_async, done, MAY_BLOCK)                                                       \
  X(fc_stream_stream_async, on_message, MAY_BLOCK)                                                 \
  X(fc_stream_stream_async, source, MAY_BLOCK)                                                     \
  X(fc_stream_unary, source, MAY_BLOCK)                                                            \
  X(fc_stream_unary_async, done, MAY_BLOCK)                                                        \
  X(fc_stream_unary_async, source, MAY_BLOCK)                                                      \
  X(fc_tls_client_options, verify, NO_BLOCKING)                                                    \
  X(fc_tls_client_options, verify_drop, MAY_BLOCK)                                                 \
  X(fc_tls_server_options, handshake_drop, MAY_BLOCK)                                              \
  X(fc_tls_server_options, on_handshake, NO_BLOCKING)                                              \
  X(fc_tls_server_options, verify, NO_BLOCKING)                                                    \
  X(fc_tls_server_options, verify_drop, MAY_BLOCK)                                                 \
  X(fc_unary_stream_async, done, MAY_BLOCK)                                                        \
  X(fc_unary_stream_async, on_message, MAY_BLOCK)                                                  \
  X(fc_unary_unary_async, done, MAY_BLOCK)

/* X(struct, member, why not): no code of the application that may call the library. */
#define CALLBACK_PLACES_LEFT_OUT(X)                                                                \
  X(fc_allocator, alloc, "memory functions are called anywhere, under locks too")                  \
  X(fc_allocator, resize, "as alloc")                                                              \
  X(fc_allocator, release, "as alloc")

/* Where a function is called. */
enum callback_scope {
  EVERYWHERE,
  /* It waits for what others must do, which works in some callbacks and deadlocks in others, and nothing refuses it. It is
   * called where the header of the callback does not say that it must not block. */
  UNLESS_NO_BLOCKING,
  NOT_BY_HANDLERS,     /* the same, and its own header excepts handlers */
  BY_INTERCEPTORS,     /* it takes what only they are given: fc_next */
  BY_SRV_INTERCEPTORS, /* fc_server_next */
  BY_PLUGINS,          /* fc_auth_request */
  NOWHERE,             /* before the first use of the library alone */
};

/* X(function, scope) */
#define CALLBACK_FUNCTIONS(X)                                                                      \
  X(fc_auth_context_at, EVERYWHERE)                                                                \
  X(fc_auth_context_count, EVERYWHERE)                                                             \
  X(fc_auth_context_find, EVERYWHERE)                                                              \
  X(fc_auth_context_identity, EVERYWHERE)                                                          \
  X(fc_auth_request_answer, BY_PLUGINS)                                                            \
  X(fc_auth_request_method, BY_PLUGINS)                                                            \
  X(fc_auth_request_service_url, BY_PLUGINS)                                                       \
  X(fc_bytes_copy, EVERYWHERE)                                                                     \
  X(fc_bytes_create, EVERYWHERE)                                                                   \
  X(fc_bytes_ref, EVERYWHERE)                                                                      \
  X(fc_bytes_slice, EVERYWHERE)                                                                    \
  X(fc_bytes_unref, EVERYWHERE)                                                                    \
  X(fc_bytes_wrap, EVERYWHERE)                                                                     \
  X(fc_call_add_hooks, EVERYWHERE)                                                                 \
  X(fc_call_auth_context, EVERYWHERE)                                                              \
  X(fc_call_cancel, EVERYWHERE)                                                                    \
  X(fc_call_close_send, EVERYWHERE)                                                                \
  X(fc_call_credentials_composite, EVERYWHERE)                                                     \
  X(fc_call_credentials_destroy, EVERYWHERE)                                                       \
  X(fc_call_credentials_from_plugin, EVERYWHERE)                                                   \
  X(fc_call_credentials_from_token, EVERYWHERE)                                                    \
  X(fc_call_destroy, EVERYWHERE)                                                                   \
  X(fc_call_finish, EVERYWHERE)                                                                    \
  X(fc_call_initial_metadata, EVERYWHERE)                                                          \
  X(fc_call_is_done, EVERYWHERE)                                                                   \
  X(fc_call_method, EVERYWHERE)                                                                    \
  X(fc_call_on_done, EVERYWHERE)                                                                   \
  X(fc_call_on_initial_metadata, EVERYWHERE)                                                       \
  X(fc_call_peer, EVERYWHERE)                                                                      \
  X(fc_call_recv, EVERYWHERE)                                                                      \
  X(fc_call_recv_async, EVERYWHERE)                                                                \
  X(fc_call_respond, EVERYWHERE)                                                                   \
  X(fc_call_send, EVERYWHERE)                                                                      \
  X(fc_call_send_async, EVERYWHERE)                                                                \
  X(fc_call_send_copy, EVERYWHERE)                                                                 \
  X(fc_call_send_initial_metadata, EVERYWHERE)                                                     \
  X(fc_call_set_compression, EVERYWHERE)                                                           \
  X(fc_call_set_trailing_metadata, EVERYWHERE)                                                     \
  X(fc_call_status, EVERYWHERE)                                                                    \
  X(fc_call_time_remaining, EVERYWHERE)                                                            \
  X(fc_call_trailing_metadata, EVERYWHERE)                                                         \
  X(fc_call_try_recv, EVERYWHERE)                                                                  \
  X(fc_call_wait, EVERYWHERE)                                                                      \
  X(fc_channel_call, EVERYWHERE)                                                                   \
  X(fc_channel_close, EVERYWHERE)                                                                  \
  X(fc_channel_create, EVERYWHERE)                                                                 \
  X(fc_channel_credentials_composite, EVERYWHERE)                                                  \
  X(fc_channel_credentials_destroy, EVERYWHERE)                                                    \
  X(fc_channel_credentials_insecure, EVERYWHERE)                                                   \
  X(fc_channel_credentials_local, EVERYWHERE)                                                      \
  X(fc_channel_credentials_tls, EVERYWHERE)                                                        \
  X(fc_channel_destroy, EVERYWHERE)                                                                \
  X(fc_channel_state, EVERYWHERE)                                                                  \
  X(fc_channel_wait_change, EVERYWHERE)                                                            \
  X(fc_channel_wait_ready, EVERYWHERE)                                                             \
  X(fc_channel_watch, EVERYWHERE)                                                                  \
  X(fc_code_name, EVERYWHERE)                                                                      \
  X(fc_connectivity_name, EVERYWHERE)                                                              \
  X(fc_metadata_add, EVERYWHERE)                                                                   \
  X(fc_metadata_add_string, EVERYWHERE)                                                            \
  X(fc_metadata_at, EVERYWHERE)                                                                    \
  X(fc_metadata_copy, EVERYWHERE)                                                                  \
  X(fc_metadata_count, EVERYWHERE)                                                                 \
  X(fc_metadata_create, EVERYWHERE)                                                                \
  X(fc_metadata_destroy, EVERYWHERE)                                                               \
  X(fc_metadata_find, EVERYWHERE)                                                                  \
  X(fc_next_call, BY_INTERCEPTORS)                                                                 \
  X(fc_reactor_create, EVERYWHERE)                                                                 \
  X(fc_reactor_destroy, EVERYWHERE)                                                                \
  X(fc_reactor_dispatch, EVERYWHERE)                                                               \
  X(fc_reactor_fd, EVERYWHERE)                                                                     \
  X(fc_reactor_timeout, EVERYWHERE)                                                                \
  X(fc_result_text, EVERYWHERE)                                                                    \
  X(fc_server_await, EVERYWHERE)                                                                   \
  X(fc_server_create, EVERYWHERE)                                                                  \
  X(fc_server_credentials_destroy, EVERYWHERE)                                                     \
  X(fc_server_credentials_insecure, EVERYWHERE)                                                    \
  X(fc_server_credentials_local, EVERYWHERE)                                                       \
  X(fc_server_credentials_tls, EVERYWHERE)                                                         \
  X(fc_server_credentials_update, EVERYWHERE)                                                      \
  X(fc_server_destroy, NOT_BY_HANDLERS)                                                            \
  X(fc_server_listen, EVERYWHERE)                                                                  \
  X(fc_server_listen_secure, EVERYWHERE)                                                           \
  X(fc_server_next_call, BY_SRV_INTERCEPTORS)                                                      \
  X(fc_server_register, EVERYWHERE)                                                                \
  X(fc_server_set_fallback, EVERYWHERE)                                                            \
  X(fc_server_shutdown, EVERYWHERE)                                                                \
  X(fc_server_start, EVERYWHERE)                                                                   \
  X(fc_server_take, EVERYWHERE)                                                                    \
  X(fc_server_wait, NOT_BY_HANDLERS)                                                               \
  X(fc_set_allocator, NOWHERE)                                                                     \
  X(fc_set_interrupt_check, EVERYWHERE)                                                            \
  X(fc_slice_equals, EVERYWHERE)                                                                   \
  X(fc_slice_from_string, EVERYWHERE)                                                              \
  X(fc_stream_stream, EVERYWHERE)                                                                  \
  X(fc_stream_stream_async, EVERYWHERE)                                                            \
  X(fc_stream_unary, UNLESS_NO_BLOCKING)                                                           \
  X(fc_stream_unary_async, EVERYWHERE)                                                             \
  X(fc_stream_unary_future, EVERYWHERE)                                                            \
  X(fc_unary_stream, EVERYWHERE)                                                                   \
  X(fc_unary_stream_async, EVERYWHERE)                                                             \
  X(fc_unary_unary, UNLESS_NO_BLOCKING)                                                            \
  X(fc_unary_unary_async, EVERYWHERE)                                                              \
  X(fc_unary_unary_future, EVERYWHERE)                                                             \
  X(fc_version, EVERYWHERE)                                                                        \
  X(fc_watch_cancel, EVERYWHERE)

#endif
