# shellcheck shell=bash
# Words that the scripts share. Sourced, never run; leaves the shell at the root of the repository.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# Where cargo puts what it builds.
# shellcheck disable=SC2034
target=${CARGO_TARGET_DIR:-$PWD/target}

# For people: standard error, so that standard output stays for programs.
say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# step NAME COMMAND…: runs it under a heading, and says how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  say "== $name"
  "$@"
  say "== $name: $((SECONDS - start)) s"
}

# wait_until SECONDS COMMAND…: asks again four times a second until the command succeeds; fails at the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.25
  done
}

# start_noctis BINARY DIR ARG…: starts `noctis serve` on a free port with its state and output in DIR, waits until it has
# indexed its paths, and sets noctis_pid and noctis_url. The caller ends it: stop_noctis.
start_noctis() {
  local binary=$1 dir=$2
  shift 2
  # What an earlier one said is gone before anybody looks: the one below begins in its own time.
  : >"$dir/stdout"
  "$binary" serve --listen 127.0.0.1:0 --data "$dir/data" "$@" >"$dir/stdout" 2>"$dir/stderr" </dev/null &
  noctis_pid=$!
  wait_until 300 indexed_or_gone "$dir" || die "noctis serve did not index its paths in 300 s; see $dir/stderr"
  kill -0 "$noctis_pid" 2>/dev/null || die "noctis serve ended early: $(tail -n 5 "$dir/stderr")"
  noctis_url=$(sed -n 's/^listening on \(http:[^ ]*\).*/\1/p' "$dir/stdout" | head -n 1)
  [[ -n $noctis_url ]] || die "noctis serve printed no address: $(head -n 5 "$dir/stdout")"
}
indexed_or_gone() { grep -q '^indexed ' "$1/stdout" || ! kill -0 "$noctis_pid"; }

stop_noctis() {
  [[ -n ${noctis_pid:-} ]] || return 0
  kill -TERM "$noctis_pid" 2>/dev/null || true
  wait "$noctis_pid" 2>/dev/null || true
  noctis_pid=
}
