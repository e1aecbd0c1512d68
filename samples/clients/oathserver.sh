#!/usr/bin/env bash
# OathServer from a shell, by curl. Needs curl 7.71 and python3 (for JSON).
#   OATHSERVER_URL=https://oath.example.com OATHSERVER_KEY=… ./oathserver.sh validate USER CODE
#   … resync SERIAL CODE CODE | record CUID-OR-SERIAL-OR-NAME
# Ends with 0: accepted, resynchronised, found; 1: refused, not found; 2: no answer to rely on.
set -euo pipefail
: "${OATHSERVER_URL:?where OathServer is}" "${OATHSERVER_KEY:?an API key}"

# A request is a line of JSON on standard input: secrets never stand on a command line, where everybody sees them.
call() { # METHOD PATH [curl option…]: prints the body and, on the last line, the status
  local method=$1 path=$2; shift 2
  curl --silent --show-error --max-time 10 --request "$method" "$OATHSERVER_URL$path" \
    --header @<(printf 'X-API-Key: %s\nContent-Type: application/json\n' "$OATHSERVER_KEY") --write-out '\n%{http_code}' "$@"
}

json() { # NAME VALUE NAME VALUE…; NAME[] collects a list
  python3 -c '
import json, sys
made, words = {}, sys.stdin.read().split("\0")
for name, value in zip(words[0::2], words[1::2]):
    made.setdefault(name[:-2], []).append(value) if name.endswith("[]") else made.update({name: value})
print(json.dumps(made))' < <(local first=1; for word in "$@"; do ((first)) || printf '\0'; first=0; printf '%s' "$word"; done)
}

case ${1:-} in
  validate)
    # The same id on every try: after a lost reply the server gives the same answer again instead of "used before".
    id=$(cat /proc/sys/kernel/random/uuid)
    body=$(json user "$2" code "$3")
    for pause in 0 0.2 1; do
      sleep "$pause"
      reply=$(call POST /v1/validate --header "Idempotency-Key: $id" --data-binary @- <<<"$body") || continue
      case ${reply##*$'\n'} in
        200) [[ $reply == *'"accepted":true'* ]] && { echo accepted; exit 0; }; echo refused; exit 1;;
        429 | 503) ;;
        *) echo "$reply" >&2; exit 2;;
      esac
    done
    echo "no answer" >&2; exit 2;;
  resync)
    reply=$(json 'codes[]' "$3" 'codes[]' "$4" | call POST "/v1/tokens/$2/resync" --data-binary @-) || exit 2
    case ${reply##*$'\n'} in
      200) echo resynchronised;;
      404 | 422) echo "${reply%$'\n'*}" >&2; exit 1;;
      *) echo "$reply" >&2; exit 2;;
    esac;;
  record)
    reply=$(call GET /v1/records --get --data-urlencode "search=$2") || exit 2
    [[ ${reply##*$'\n'} == 200 ]] || { echo "$reply" >&2; exit 2; }
    [[ ${reply%$'\n'*} != '[]' ]] || { echo "no record" >&2; exit 1; }
    echo "${reply%$'\n'*}";;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2;;
esac
