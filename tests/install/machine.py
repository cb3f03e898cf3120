# SPDX-License-Identifier: Apache-2.0
"""A machine of its own for the tests of an installation: this one's files below an overlay, namespaces of
its own for everything else, and systemd as its first process. Nothing of it reaches the real machine: what
is written goes to memory, and it has no way out to any network.

    machine = Machine(folder, {"/usr": tree / "usr"})   # copied over it before the start
    machine.run("systemctl", "start", "postern.service")
    machine.end()
"""

import signal
import subprocess
import time
from pathlib import Path

# Runs in fresh namespaces, as their process 1, and becomes systemd there. $1 is an empty folder, the rest
# are pairs: what is copied, and where to.
BOOT = r"""
set -eu
place=$1; shift
mount --make-rprivate /
mount -t tmpfs tmpfs "$place"
mkdir "$place/up" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/up,workdir=$place/work" "$place/root"
root=$place/root
while [ $# -gt 0 ]; do mkdir -p "$root$2"; cp -a "$1/." "$root$2"; shift 2; done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for name in run dev tmp var/lib; do mount -t tmpfs -o mode=755 tmpfs "$root/$name"; done
chmod 1777 "$root/tmp"
for name in null zero full random urandom tty; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue" "$root/old"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
rm -rf "$root/etc/systemd/system"
mkdir -p "$root/etc/systemd/system"
cat >"$root/etc/systemd/system/machine.target" <<TXT
[Unit]
Requires=basic.target
After=basic.target
TXT
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
	systemd-networkd.service systemd-networkd.socket network-online.target systemd-resolved.service; do
	ln -s /dev/null "$root/etc/systemd/system/$unit"
done
cd "$root"
pivot_root . old
umount -l /old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=machine.target \
	--log-target=journal --show-status=no
"""

NEEDED = ("/lib/systemd/systemd", "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/sbin/ip")


def why_not():
	"""What this machine lacks for it, or ''."""
	missing = [name for name in NEEDED if not Path(name).exists()]
	if missing:
		return f"missing: {' '.join(missing)}"
	probe = subprocess.run(["unshare", "-mpuinC", "--fork", "sh", "-ec", "mount --make-rprivate /; mount -t tmpfs tmpfs /mnt; "
		"mkdir /mnt/u /mnt/w /mnt/r; mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r; "
		"mount -t cgroup2 cgroup2 /mnt/u"], capture_output=True, text=True, check=False)
	return probe.stderr.strip()


class Machine:
	def __init__(self, folder, copies):
		folder.mkdir(parents=True, exist_ok=True)
		pairs = [str(part) for where, what in copies.items() for part in (what, where)]
		self.process = subprocess.Popen(["unshare", "-mpuinC", "--fork", "--kill-child", "sh", "-c", BOOT, "boot", folder, *pairs],
			stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
		self.pid = self._wait_started()

	def _first_process(self):
		children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
		return int(children[0]) if children else 0

	def _wait_started(self):
		end = time.monotonic() + 60
		while time.monotonic() < end and self.process.poll() is None:
			self.pid = self._first_process()
			if self.pid and self.run("systemctl", "is-active", "machine.target", check=False).stdout.strip() == "active":
				return self.pid
			time.sleep(0.2)
		self.process.kill()
		raise RuntimeError(f"the machine did not start: {self.process.stderr.read()[-2000:]}")

	def command(self, *words):
		return ["nsenter", "--target", str(self.pid), "--all", "--root", "--wd=/", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			"LC_ALL=C.UTF-8", *map(str, words)]

	def run(self, *words, check=True, seconds=60, **more):
		result = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=seconds, check=False,
			**({"stdin": subprocess.DEVNULL} if "input" not in more else {}), **more)
		assert result.returncode == 0 or not check, f"{words}: {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
		return result

	def start(self, *words, **more):
		return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, **more)

	def pid_in(self, process):
		"""The machine's own number of a process that start() began (nsenter forks into the namespace)."""
		children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
		status = Path(f"/proc/{children[0]}/status").read_text(encoding="ascii")
		return status.split("NSpid:")[1].split("\n")[0].split()[-1]

	def write(self, path, text):
		self.run("sh", "-c", 'cat >"$0"', path, input=text)

	def journal(self, unit="postern.service"):
		return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

	def wait(self, what, condition, seconds=30):
		end = time.monotonic() + seconds
		while not condition():
			assert time.monotonic() < end, f"{what} within {seconds} s; the log:\n{self.journal()[-4000:]}"
			time.sleep(0.2)

	def end(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait(20)
		self.process.stderr.close()

