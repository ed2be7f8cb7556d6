#!/bin/sh
# Installs what ./test needs on Debian, as root: the build tools with apt-get, and four IMAP servers
# into a root folder of their own. Debian's IMAP server packages conflict with one another, so none is
# installed: apt works out each server's packages as if nothing were installed yet, downloads and
# verifies them, and they are unpacked beside each other. Nothing else of the machine is touched.
#
# Safe to call again: it does nothing when its stamp is there. Exit status 0: everything is there;
# 1: standard error names what is not.
set -u

tools="git gcc libc6-dev make jq curl openssl procps dbus-daemon gnome-keyring bash-completion zsh fish mandoc"
servers="dovecot cyrus courier imap4d"
top=${IMAPKNIFE_TEST_ROOT:-/var/cache/imapknife-test}
root=$top/servers

# msmtp-mta stands in for a mail transport agent and keeps a large one from being downloaded.
packages() {
	case $1 in
	dovecot) echo dovecot-imapd dovecot-lmtpd ;;
	cyrus) echo cyrus-imapd libsasl2-modules libsasl2-modules-sql msmtp-mta ;;
	courier) echo courier-imap courier-authlib-userdb gamin msmtp-mta ;;
	imap4d) echo mailutils-imap4d msmtp-mta ;;
	esac
}

give_up() {
	echo "install.sh: $1: cannot install $tools; no tests can run on the servers $servers" >&2
	exit 1
}

stamp=$(cksum <"$0")
is_done() {
	[ "$(cat "$root/stamp" 2>/dev/null)" = "$stamp" ] && tools_are_there
}
tools_are_there() {
	for package in $tools; do
		[ -e "/var/lib/dpkg/info/$package.list" ] || ls /var/lib/dpkg/info/"$package":*.list >/dev/null 2>&1 || return 1
	done
}

[ "$(id -u)" = 0 ] || give_up "not root"
is_done && exit 0
[ -e /etc/debian_version ] && command -v apt-get >/dev/null || give_up "not Debian"

mkdir -p "$top" || exit 1
exec 9>"$top/lock"
flock 9
is_done && exit 0 # another run did it meanwhile

work=$top/work
rm -rf "$work"
mkdir -p "$work/archives/partial" "$work/root"
: >"$work/status"

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' INT TERM HUP
fi

# quietly runs a command and shows what it printed only when it failed.
quietly() {
	"$@" >"$work/output" 2>&1 </dev/null || {
		status=$?
		cat "$work/output" >&2
		return $status
	}
}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
missing=

quietly apt-get update || echo "install.sh: apt-get update failed; going on with the package lists that are there" >&2
if ! tools_are_there; then
	# shellcheck disable=SC2086
	quietly apt-get install -y --no-install-recommends $tools || missing="$missing $tools"
fi

download() {
	# shellcheck disable=SC2046
	quietly apt-get install -y --download-only --no-install-recommends \
		-o Dir::State::status="$work/status" -o Dir::State::extended_states="$work/extended" \
		-o Dir::Cache::archives="$work/archives" -o APT::Sandbox::User=root \
		coreutils dash sed grep $(packages "$1")
}
for server in $servers; do
	download "$server" || missing="$missing $server"
done

# Debian's /bin, /lib and /sbin are links into /usr; packages still carry files below either name.
for dir in bin sbin lib lib64; do
	mkdir -p "$work/root/usr/$dir"
	ln -s "usr/$dir" "$work/root/$dir"
done
for archive in "$work"/archives/*.deb; do
	[ -e "$archive" ] || continue
	dpkg-deb --fsys-tarfile "$archive" | tar -C "$work/root" -x --keep-directory-symlink \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' ||
		missing="$missing ${archive##*/}"
done
# Each server gets folders of its own over these.
for dir in etc var run tmp dev proc; do
	rm -rf "${work:?}/root/$dir"
	mkdir "$work/root/$dir"
done
[ -n "$missing" ] || echo "$stamp" >"$work/root/stamp"

# A half-done root never takes a whole one's place. Servers that run keep the old one: their mounts hold it.
if [ -z "$missing" ] || [ ! -e "$root/stamp" ]; then
	[ ! -e "$root" ] || mv "$root" "$work/old"
	mv "$work/root" "$root"
fi
rm -rf "$work"

if [ -n "$missing" ]; then
	echo "install.sh: could not install:$missing" >&2
	exit 1
fi
