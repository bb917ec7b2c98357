#!/usr/bin/env bash
# Durable SMTP accept beside Postfix: the same sender (smtp-source, 4 KB, one connection for each message),
# the same machine, the same disk, one after the other in one run. Postfix discards what it has queued,
# the gateway settles what it has taken, both while they go on taking. Figures only.
#
#   tests/load/postfix.sh PROGRAM [MESSAGES]
#
# Needs root, because Postfix does; keeps to a folder of its own and to free loopback ports.
set -euo pipefail
program=$1
messages=${2:-3000}
work=$(mktemp -d "${TMPDIR:-/tmp}/kakehashi-postfix.XXXXXX")
chmod 755 "$work"
gateway=
stop_all() {
  [ -n "$gateway" ] && kill "$gateway" 2>/dev/null && wait "$gateway" 2>/dev/null
  [ -f "$work/etc/master.cf" ] && postfix -c "$work/etc" stop >/dev/null 2>&1
  rm -rf "$work"
}
trap stop_all EXIT
free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  echo "no free port" >&2
  exit 1
}

# --- Postfix ------------------------------------------------------------------------------------------
postfix_port=$(free_port)
mkdir -p "$work/etc" "$work/spool" "$work/state"
chown postfix "$work/state"
cat >"$work/etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $work/spool
data_directory = $work/state
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = in.kakehashi.example
mydestination = in.kakehashi.example
local_recipient_maps =
local_transport = discard:
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 200
maillog_file = $work/log
maillog_file_prefixes = $work
CF
# The package's services, none of them in a chroot, with the listener on our port.
sed -e "s/^smtp \+inet.*$/127.0.0.1:$postfix_port inet n - n - - smtpd/" \
  -e 's/^\([^ #]\+ \+\(unix\|fifo\|inet\|unix-dgram\) \+[^ ]\+ \+[^ ]\+ \+\)y /\1n /' /etc/postfix/master.cf |
  grep -v -e '^maildrop' -e '^uucp' -e '^ifmail' -e '^bsmtp' -e '^scalemail' -e '^mailman' -e '^  ' >"$work/etc/master.cf"
postfix -c "$work/etc" check 2>/dev/null
postfix -c "$work/etc" start 2>/dev/null

# --- figures ------------------------------------------------------------------------------------------
# Neither has work of the other's beside it: Postfix is stopped before the gateway starts.
rate() { # port sessions
  local begun ended
  begun=$(date +%s%N)
  smtp-source -s "$2" -l 4096 -m "$messages" -f nurse@st.example -t intake@in.kakehashi.example "127.0.0.1:$1"
  ended=$(date +%s%N)
  echo $((messages * 1000000000 / (ended - begun)))
}
declare -A theirs
for sessions in 1 8 32; do
  theirs[$sessions]=$(rate "$postfix_port" "$sessions")
done
postfix -c "$work/etc" stop >/dev/null 2>&1

# --- the gateway --------------------------------------------------------------------------------------
# Each row begins on fresh data, as in the load tool: Postfix's queue is empty again by then, and nobody pays for the
# settling of the row before.
gateway_starts() { # sessions
  gateway_port=$(free_port)
  "$program" demo --data-dir "$work/gateway-$1" --http 127.0.0.1:0 --mllp 127.0.0.1:0 --smtp "127.0.0.1:$gateway_port" \
    >"$work/gateway.out" 2>"$work/gateway.err" &
  gateway=$!
  for _ in $(seq 300); do
    grep -q '^ready' "$work/gateway.out" && break
    sleep 0.2
  done
  grep -q '^ready' "$work/gateway.out" || { cat "$work/gateway.err"; exit 1; }
  # The scenario of the demo is printed and sent.
  sleep 2
}

echo "sessions	Postfix/s	kakehashi/s	times	($messages mails of 4 KB, one connection each)"
for sessions in 1 8 32; do
  gateway_starts "$sessions"
  ours=$(rate "$gateway_port" "$sessions")
  echo "$sessions	${theirs[$sessions]}	$ours	$(awk "BEGIN { printf \"%.1f\", $ours / ${theirs[$sessions]} }")"
  kill -9 "$gateway" && wait "$gateway" 2>/dev/null || true
  rm -rf "$work/gateway-$sessions"
done
