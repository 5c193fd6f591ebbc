#!/bin/bash
# Makes the certificates that tests of TLS use: certs.sh FOLDER. Nothing of them is kept in the repository, and
# nothing is done when the folder holds them already.
#   ca other_ca             two authorities; bundle.pem holds both
#   server renewed rsa_server other_server     good for localhost, *.test.example, 127.0.0.1 and ::1
#   server_chain            the same behind an intermediate authority, which its file holds too
#   client other_client     for clients, with names of every kind; cn_client has a common name alone
#   expired future expired_client wrong_name no_ip wrong_usage cn_only self_signed wildcard nul_name
#                           each wrong in the way that it says
#   encrypted.key encrypted_old.key            server.key behind the passphrase "secret", in both formats
set -eu
[ $# = 1 ] || { echo "usage: certs.sh FOLDER" >&2; exit 2; }
folder=$(realpath -m "$1")
version=$(cksum <"${BASH_SOURCE[0]}")
if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then exit; fi

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
cd "$work"
finish() {
  local status=$?
  if [ $status != 0 ]; then tail -n 20 "$work/log" >&2; fi
  rm -rf "$work"
}
trap finish EXIT

names="DNS:localhost,DNS:*.test.example,IP:127.0.0.1,IP:::1"
client_names="DNS:client.test.example,URI:spiffe://test.example/client,email:client@test.example,IP:10.0.0.1"
year=31536000

key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>>log
}

# request NAME SUBJECT EXTENSION ...: what is asked for, in a configuration of our own: the system's adds extensions.
request() {
  local name=$1 subject=$2
  shift 2
  {
    printf '%s\n' "[req]" "distinguished_name = subject" "prompt = no" "[subject]" "O = farcall tests" "CN = $subject"
    printf '%s\n' "[ext]" "subjectKeyIdentifier = hash" "$@"
  } >"$name.cnf"
  openssl req -new -config "$name.cnf" -key "$name.key" -out "$name.csr" 2>>log
}

# sign NAME AUTHORITY [BEGIN END]: both in seconds from now.
sign() {
  local name=$1 authority=$2 issuer=(-cert "$2.pem" -keyfile "$2.key")
  if [ "$authority" = "$name" ]; then issuer=(-selfsign -keyfile "$name.key"); fi
  : >database
  printf '%s\n' "[ca]" "default_ca = ca" "[ca]" "database = database" "new_certs_dir = ." "default_md = sha256" \
    "serial = serial" "policy = any" "unique_subject = no" "[any]" "O = optional" "CN = supplied" >sign.conf
  openssl ca -batch -notext -config sign.conf -rand_serial "${issuer[@]}" -in "$name.csr" -out "$name.pem" \
    -extfile "$name.cnf" -extensions ext -startdate "$(stamp "${3:--3600}")" \
    -enddate "$(stamp "${4:-$((10 * year))}")" 2>>log
}

# A number of seconds from now, as openssl wants times.
stamp() {
  date -u -d "@$(($(date +%s) + $1))" +%Y%m%d%H%M%SZ
}

# authority NAME PARENT
authority() {
  key "$1"
  request "$1" "$1" "basicConstraints = critical,CA:TRUE" "keyUsage = critical,keyCertSign,cRLSign"
  sign "$1" "$2"
}

# leaf NAME AUTHORITY USAGE ALTERNATIVE-NAMES [BEGIN END]: makes a key too, unless there is one.
leaf() {
  local name=$1 extensions=("basicConstraints = critical,CA:FALSE" "extendedKeyUsage = $3")
  if [ "$name" != "$2" ]; then extensions+=("authorityKeyIdentifier = keyid"); fi
  if [ -n "$4" ]; then extensions+=("subjectAltName = $4"); fi
  [ -s "$name.key" ] || key "$name"
  request "$name" "${subject:-$name}" "${extensions[@]}"
  sign "$name" "$2" "${@:5}"
}

# A name of which some see only what stands before the NUL: "localhost\0.wrong.example".
nul_name() {
  local hex
  hex=$(printf 'localhost\0.wrong.example' | od -An -v -tx1 | tr -d ' \n')
  printf 'DER:30%02x82%02x%s' $((${#hex} / 2 + 2)) $((${#hex} / 2)) "$hex"
}

authority ca ca
authority other_ca other_ca
authority intermediate ca
cat ca.pem other_ca.pem >bundle.pem

leaf server ca serverAuth "$names"
leaf renewed ca serverAuth "$names"
leaf other_server other_ca serverAuth "$names"
leaf server_chain intermediate serverAuth "$names"
cat intermediate.pem >>server_chain.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa_server.key 2>>log
leaf rsa_server ca serverAuth "$names"

subject=test-client
leaf client ca clientAuth "$client_names"
leaf expired_client ca clientAuth "$client_names" $((-2 * year)) $((-year))
leaf other_client other_ca clientAuth "$client_names"
leaf cn_client ca clientAuth ""

subject=localhost
leaf expired ca serverAuth "$names" $((-2 * year)) $((-year))
leaf future ca serverAuth "$names" "$year" $((2 * year))
leaf wrong_name ca serverAuth DNS:wrong.example
leaf no_ip ca serverAuth DNS:localhost
leaf wrong_usage ca clientAuth "$names"
leaf cn_only ca serverAuth ""
leaf self_signed self_signed serverAuth "$names"
subject=wildcard
leaf wildcard ca serverAuth "DNS:*,DNS:*.example,DNS:w*.test.example,DNS:x.*.example,DNS:*.*.example,DNS:127.0.0.1"
subject=nul
leaf nul_name ca serverAuth "$(nul_name)"

openssl pkcs8 -topk8 -in server.key -passout pass:secret -out encrypted.key 2>>log
openssl ec -in server.key -aes128 -passout pass:secret -out encrypted_old.key 2>>log

chmod 600 ./*.key
rm -f ./*.csr ./*.cnf sign.conf database* serial* log ./[0-9A-F]*.pem
echo "$version" >version
chmod 755 .

# Whole or not at all; whoever was first at it may keep his.
rm -rf "$folder"
mv -T "$work" "$folder" 2>/dev/null || [ -s "$folder/version" ]
