# Installs the brokers that the suite measures beside stagemq, from Debian. The suite starts each itself, on loopback and in a
# directory of its own: no service of the system is started, and none that runs is touched. Prints what it would do unless --yes.
set -e
packages="redis-server rabbitmq-server nats-server beanstalkd postgresql"

if [ "$1" != --yes ]; then
  echo "Would run, as root: apt-get install -y --no-install-recommends $packages"
  echo "without starting any of them, and without a PostgreSQL cluster of the system. Do it: sh bench/install-peers.sh --yes"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "Needs root: sudo sh bench/install-peers.sh --yes" >&2; exit 4; }
command -v apt-get >/dev/null || { echo "Needs Debian or one of its children. Install these yourself: $packages" >&2; exit 1; }

# What packages ask before they start a service; whoever has a policy already keeps it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/stagemq-bench.conf
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $packages || { apt-get update -qq; apt-get install -y -qq --no-install-recommends $packages; }
# Enabled at the next start of the system otherwise.
if [ -d /run/systemd/system ]; then
  for service in redis-server rabbitmq-server nats-server beanstalkd postgresql; do systemctl disable --quiet "$service" || true; done
fi
