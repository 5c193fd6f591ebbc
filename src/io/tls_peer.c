/*
 * What a certificate says of a peer, as properties of an auth context. Names with a NUL inside are left out: half of the
 * world would see what stands before it.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/tls_context.h"

static fc_slice text_of(const char *text) { return fc_slice_from_string(text); }

/* ---- the subject ---- */

static bool add_bio(fc_auth_context *auth, const char *name, BIO *bio) {
  char *data;
  long len = BIO_get_mem_data(bio, &data);
  return fc__auth_add(auth, name, (fc_slice){(const uint8_t *)data, len > 0 ? (size_t)len : 0});
}

static bool add_subject(fc_auth_context *auth, const X509 *leaf) {
  BIO *bio = BIO_new(BIO_s_mem());
  bool added = bio &&
               X509_NAME_print_ex(bio, X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) >= 0 &&
               add_bio(auth, "x509_subject", bio);
  BIO_free(bio);
  return added;
}

static bool add_common_name(fc_auth_context *auth, const X509 *leaf, bool *there) {
  const X509_NAME *subject = X509_get_subject_name(leaf);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  *there = false;
  if (at < 0) return true;
  uint8_t *text = NULL;
  int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  bool added = true;
  if (len >= 0 && !memchr(text, '\0', (size_t)len)) {
    added = fc__auth_add(auth, "x509_common_name", (fc_slice){text, (size_t)len});
    *there = added;
  }
  OPENSSL_free(text);
  return added;
}

/* ---- alternative names ---- */

struct name {
  const char *property; /* NULL: of no kind that is told */
  fc_slice text;        /* empty: it cannot be told */
  char address[INET6_ADDRSTRLEN];
};

static fc_slice address_text(const ASN1_OCTET_STRING *octets, char out[INET6_ADDRSTRLEN]) {
  int len = ASN1_STRING_length(octets);
  if (len != 4 && len != 16) return FC_SLICE_EMPTY;
  inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(octets), out, INET6_ADDRSTRLEN);
  return text_of(out);
}

static void read_name(const GENERAL_NAME *general, struct name *out) {
  int type;
  const void *value = GENERAL_NAME_get0_value(general, &type);
  out->property = type == GEN_DNS     ? "peer_dns"
                  : type == GEN_URI   ? "peer_uri"
                  : type == GEN_EMAIL ? "peer_email"
                  : type == GEN_IPADD ? "peer_ip"
                                      : NULL;
  if (!out->property) return;
  const ASN1_STRING *text = value;
  out->text = type == GEN_IPADD
                  ? address_text(value, out->address)
                  : (fc_slice){ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)};
  if (out->text.len > 0 && memchr(out->text.data, '\0', out->text.len)) out->text.len = 0;
}

static GENERAL_NAMES *names_of(const X509 *leaf) {
  GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
  ERR_clear_error(); /* none, or none that can be read */
  return names;
}

/* What became of the names. */
struct names_told {
  size_t count;
  bool all;
};

static bool add_names(fc_auth_context *auth, const X509 *leaf, struct names_told *told) {
  GENERAL_NAMES *names = names_of(leaf);
  bool fine = true;
  *told = (struct names_told){0, names || X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) < 0};
  for (int i = 0; fine && i < sk_GENERAL_NAME_num(names); i++) {
    struct name name;
    read_name(sk_GENERAL_NAME_value(names, i), &name);
    if (!name.property) continue;
    if (name.text.len == 0) {
      told->all = false;
      continue;
    }
    fine = fc__auth_add(auth, "x509_subject_alternative_name", name.text) &&
           fc__auth_add(auth, name.property, name.text);
    told->count++;
  }
  GENERAL_NAMES_free(names);
  return fine;
}

void fc__tls_peer_names(const X509 *leaf, char *out, size_t size) {
  GENERAL_NAMES *names = names_of(leaf);
  size_t len = 0;
  out[0] = '\0';
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    struct name name;
    read_name(sk_GENERAL_NAME_value(names, i), &name);
    if (!name.property || name.text.len == 0) continue;
    /* As many as there is room for, each whole, and printable. */
    if (len + name.text.len + sizeof ", , ..." > size) {
      snprintf(out + len, size - len, len ? ", ..." : "...");
      break;
    }
    len += (size_t)snprintf(out + len, size - len, "%s%.*s", len ? ", " : "",
                            FC_SLICE_PRINT(name.text));
  }
  for (char *c = out; *c; c++) {
    if (*c < ' ' || *c > '~') *c = '?';
  }
  GENERAL_NAMES_free(names);
}

/* ---- the certificate itself ---- */

static bool add_certs(fc_auth_context *auth, X509 *leaf, const STACK_OF(X509) * sent) {
  BIO *bio = BIO_new(BIO_s_mem());
  bool fine = bio && PEM_write_bio_X509(bio, leaf) && add_bio(auth, "x509_pem_cert", bio);
  for (int i = 0; fine && i < sk_X509_num(sent); i++) {
    const X509 *cert = sk_X509_value(sent, i);
    if (i > 0 || X509_cmp(cert, leaf) != 0) fine = PEM_write_bio_X509(bio, cert) == 1;
  }
  fine = fine && add_bio(auth, "x509_pem_cert_chain", bio);
  BIO_free(bio);
  return fine;
}

/* A common name stands in where there are no other names, not where they cannot be told. */
static const char *identity_of(const struct names_told *names, bool has_common_name) {
  if (names->count > 0) return "x509_subject_alternative_name";
  return names->all && has_common_name ? "x509_common_name" : NULL;
}

static bool add_leaf(fc_auth_context *auth, X509 *leaf, const STACK_OF(X509) * sent,
                     bool verified) {
  bool has_common_name;
  struct names_told names;
  if (!add_subject(auth, leaf) || !add_common_name(auth, leaf, &has_common_name) ||
      !add_names(auth, leaf, &names) || !add_certs(auth, leaf, sent)) {
    return false;
  }
  if (verified) fc__auth_set_identity(auth, identity_of(&names, has_common_name));
  return true;
}

/* A resumed session of TLS 1.2 has none. */
static bool add_group(fc_auth_context *auth, SSL *ssl) {
  const char *name = OBJ_nid2sn((int)SSL_get_negotiated_group(ssl));
  if (!name || OBJ_sn2nid(name) == NID_undef) return true;
  return fc__auth_add(auth, "ssl_negotiated_key_exchange_group", text_of(name));
}

static bool add_connection(fc_auth_context *auth, SSL *ssl) {
  return fc__auth_add(auth, "transport_security_type", text_of("ssl")) && add_group(auth, ssl) &&
         fc__auth_add(auth, "security_level", text_of("TSI_PRIVACY_AND_INTEGRITY")) &&
         fc__auth_add(auth, "ssl_session_reused",
                      text_of(SSL_session_reused(ssl) ? "true" : "false"));
}

fc_auth_context *fc__tls_peer(SSL *ssl, X509 *leaf, const STACK_OF(X509) * sent, bool verified) {
  fc_auth_context *auth = fc__auth_create();
  if (!auth) return NULL;
  if (add_connection(auth, ssl) && (!leaf || add_leaf(auth, leaf, sent, verified))) return auth;
  fc__auth_unref(auth);
  ERR_clear_error();
  return NULL;
}
