#!/usr/bin/env bash
# A SLURM cluster of one machine for tests, without systemd: slurm.sh install | start | stop
#   install   Debian's SLURM, munge and MariaDB (root, apt)
#   start     munge, MariaDB, slurmdbd, slurmctld and slurmd, on loopback, unless they run already; then jobs can be submitted
#   stop      ends what start has started, by pid file, and removes all it wrote
# SLURM reads /etc/slurm only (the executor plugin drops SLURM_CONF); a configuration of others there is never replaced.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
state=${ANATOMY_SLURM_STATE:-/var/tmp/anatomy-slurm}
host=$(hostname -s)
configurations="slurm.conf gres.conf slurmdbd.conf"

die() {
    echo "slurm.sh: $*" >&2
    exit 1
}

# wait_for WHAT COMMAND...: until the command succeeds, 30 s at most
wait_for() {
    local what=$1
    shift
    for _ in $(seq 300); do
        "$@" > /dev/null 2>&1 && return 0
        sleep 0.1
    done
    tail -n 5 "$state"/*.log >&2 || true
    die "waited 30 s in vain for $what"
}

alive() {
    [ -f "$1" ] && kill -0 "$(cat "$1")" 2> /dev/null
}

refuse_another_cluster() {
    for file in $configurations; do
        if [ -f "/etc/slurm/$file" ] && ! grep -q anatomy-test "/etc/slurm/$file"; then
            die "/etc/slurm/$file belongs to another cluster; tests need a machine without one"
        fi
    done
}

install_packages() {
    local packages="slurmctld slurmd slurm-client slurmdbd munge mariadb-server"
    command -v slurmctld slurmd slurmdbd sacct munged mariadbd > /dev/null && return 0
    export DEBIAN_FRONTEND=noninteractive
    # so that no package starts a daemon of its own
    local policy=/usr/sbin/policy-rc.d mine=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod +x $policy
        mine=yes
    fi
    apt-get update --quiet=2
    # shellcheck disable=SC2086
    apt-get install --quiet=2 --yes --no-install-recommends $packages > /dev/null
    [ -z "$mine" ] || rm $policy
}

write_configurations() {
    mkdir -p /etc/slurm "$state"/{slurmctld,slurmd}
    for file in $configurations; do
        sed -e "s|@HOST@|$host|g" -e "s|@STATE@|$state|g" "$here/etc/$file.in" > "/etc/slurm/$file"
    done
    chmod 600 /etc/slurm/slurmdbd.conf  # slurmdbd refuses one that others can read
}

start_munge() {
    mkdir -p /run/munge
    chown munge:munge /run/munge
    munge --no-input 2> /dev/null | unmunge > /dev/null 2>&1 && return 0
    su --shell /bin/sh munge --command "/usr/sbin/munged --pid-file /run/munge/anatomy-test.pid"
    wait_for munge sh -c "munge --no-input | unmunge"
}

start_database() {
    local data=$state/mysql
    mkdir -p "$data" /run/mysqld
    chown mysql:mysql "$data" /run/mysqld
    [ -d "$data/mysql" ] ||
        mariadb-install-db --no-defaults --user=mysql --datadir="$data" --skip-test-db > "$state/mariadb-install.log"
    setsid mariadbd --no-defaults --user=mysql --datadir="$data" --pid-file="$data/mariadbd.pid" \
        --socket=/run/mysqld/mysqld.sock --skip-networking \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=64M --innodb-lock-wait-timeout=900 \
        > "$state/mariadbd.log" 2>&1 < /dev/null &
    wait_for MariaDB mariadb-admin ping
    mariadb --execute "CREATE DATABASE IF NOT EXISTS anatomy_accounting"
}

start_accounting() {
    slurmdbd
    wait_for slurmdbd sacctmgr --noheader show cluster
    sacctmgr --immediate --quiet add cluster anatomy > "$state/sacctmgr.log"
    sacctmgr --immediate --quiet add account lab Description=test Organization=test >> "$state/sacctmgr.log"
    sacctmgr --immediate --quiet add user root Account=lab DefaultAccount=lab >> "$state/sacctmgr.log"
}

start() {
    [ "$(id -u)" = 0 ] || die "needs root"
    command -v slurmctld slurmd slurmdbd munged mariadbd > /dev/null || die "first: slurm.sh install"
    refuse_another_cluster
    if [ -e "$state" ]; then
        scontrol ping > /dev/null || die "$state was left by a cluster that has died; first: slurm.sh stop"
        return 0
    fi
    write_configurations
    start_munge
    start_database
    start_accounting
    slurmctld
    wait_for slurmctld scontrol ping
    slurmd
    wait_for slurmd sh -c "sinfo --noheader --partition accelerated --states idle | grep -q ."
}

# end PID_FILE: ask, wait 10 s, insist
end() {
    alive "$1" || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2> /dev/null && [ "$(ps -o stat= -p "$pid" | cut -c1)" != Z ] || return 0
        sleep 0.1
    done
    kill -9 "$pid" || true
}

stop() {
    if alive "$state/slurmctld.pid"; then
        scancel --user root || true
        wait_for "the end of all jobs" sh -c "[ -z \"\$(squeue --noheader)\" ]"
    fi
    for daemon in slurmd slurmctld slurmdbd mysql/mariadbd; do
        end "$state/$daemon.pid"
    done
    end /run/munge/anatomy-test.pid
    for file in $configurations; do
        grep -qs anatomy-test "/etc/slurm/$file" && rm "/etc/slurm/$file"
    done
    rm -rf "$state"
}

case ${1:-} in
    install) install_packages ;;
    start) start ;;
    stop) stop ;;
    *) die "install, start or stop" ;;
esac
