# Runs as the first process of a server's own mount and process namespaces: puts the server's root
# folder ($1) and the instance's own folders (below $2) together, and starts the server in it.
set -e
servers=$1 dir=$2
root=$dir/root
mount --bind "$servers" "$root"
mount -o remount,bind,ro "$root"
for name in etc var run tmp dev; do
	mount --bind "$dir/$name" "$root/$name"
done
for name in null zero full random urandom; do
	: >"$dir/dev/$name"
	mount --bind "/dev/$name" "$root/dev/$name"
done
mount -t proc proc "$root/proc"
cd /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ=UTC chroot "$root" /bin/sh /etc/start
