# SPDX-License-Identifier: Apache-2.0
"""What is in the memory of a gateway's processes. As root only."""

import storm


def parts_of(pid):
	with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
		for line in maps:
			first, mode = line.split()[:2]
			start, end = (int(x, 16) for x in first.split("-"))
			if "r" not in mode or "[v" in line or end - start > 1 << 30:
				continue
			memory.seek(start)
			yield memory.read(end - start)


def found_in(pid, *secrets):
	"""Those of these bytes that its memory has; nothing of a room that has ended meanwhile."""
	found = set()
	try:
		for part in parts_of(pid):
			found |= {secret for secret in secrets if secret in part}
	except (FileNotFoundError, ProcessLookupError):
		return set()
	return found


def holders_of(gw, secret):
	"""Names of the processes whose memory has these bytes."""
	return {name for pid, name in storm.processes_of(gw.process.pid).items() if found_in(pid, secret)}


def rooms_of(gw, kind):
	"""Process ids of the rooms of this kind that live now."""
	return [pid for pid, name in storm.processes_of(gw.process.pid).items() if name == f"{kind} room"]
