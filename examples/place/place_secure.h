#ifndef PLACE_SECURE_H
#define PLACE_SECURE_H
/* Mutual TLS for the demo: each side shows a certificate of one authority and wants such a one of the other. */
#include <farcall/credentials.h>

/* FOLDER of a leading "--tls FOLDER", which is taken off the arguments; NULL without. */
const char *place_tls_folder(int *argc, char ***argv);

/* From client.pem, client.key and ca.pem of the folder. */
fc_result place_client_credentials(const char *folder, fc_channel_credentials **out, fc_error *err);

/* From server.pem, server.key and ca.pem. */
fc_result place_server_credentials(const char *folder, fc_server_credentials **out, fc_error *err);

#endif
