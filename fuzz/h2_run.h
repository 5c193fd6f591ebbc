#ifndef FC_FUZZ_H2_RUN_H
#define FC_FUZZ_H2_RUN_H
/* A connection that is told the same bytes twice, cut differently. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * data[0]: bits 0 to 2 choose the size of the pieces, bit 3 lets the peer read nothing, bit 4 lets
 * the owner keep windows closed, bit 5 lets it refuse requests (server) or end its own at once
 * (client), bit 6 spares the bytes the beginning of a connection, bit 7 lets the owner answer
 * nothing (server) or send messages (client). The rest is what the peer says.
 */
void h2_run_twice(bool server, const uint8_t *data, size_t size);

#endif
