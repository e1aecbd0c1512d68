#!/usr/bin/env bash
# Uses the curl client generated from OpenAPI as the samples written by hand are used. Key and codes go by descriptors,
# never by a command line; what stands before the operation, the generated client hands to curl.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
call() { # OPERATION [ARGUMENT…]: the body, and on the last line the status
  bash samples/clients/generated/curl/oathserver-api.sh --silent --write-out '\\n%{http_code}' --header @/dev/fd/3 \
    --host "${OATHSERVER_URL%/}" "$@" 3< <(printf 'X-API-Key: %s\nIdempotency-Key: %s\n' "$OATHSERVER_KEY" "$(cat /proc/sys/kernel/random/uuid)")
}
case $1 in
  validate) reply=$(printf '{"user":"%s","code":"%s"}' "$2" "$3" | call validateValidate -) ;;
  resync) reply=$(printf '{"codes":["%s","%s"]}' "$3" "$4" | call resyncResynchronise "serial=$2" -) ;;
  record) reply=$(call recordsSearch "search=$2") ;;
esac
case $1-${reply##*$'\n'}-$reply in
  validate-200-*'"accepted":true'*) echo accepted ;;
  validate-200-*) echo refused; exit 1 ;;
  resync-200-*) echo resynchronised ;;
  record-200-*'"cuid":"'*) [[ $reply =~ \"cuid\":\"([0-9A-F]+)\" ]]; echo "${BASH_REMATCH[1]}" ;;
  record-200-* | resync-422-*) exit 1 ;;
  *) exit 2 ;;
esac
