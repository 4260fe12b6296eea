# The clients of the peers, installed only to measure. Runs before the suite; nothing when the lock file has not changed.
set -e
cd "$(dirname "$0")"
cmp -s package-lock.json node_modules/.installed || {
  npm ci --ignore-scripts --loglevel=error --no-audit --no-fund >&2
  cp package-lock.json node_modules/.installed
}
