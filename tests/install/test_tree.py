# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts where, the pages of the manual, completion, and that uninstall takes it away."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT, make


def rows_of(table, macro):
	text = (ROOT / table).read_text(encoding="utf-8")
	return re.findall(rf'^{macro}\((?:\w+, )?"([^"]+)"', text, re.MULTILINE)


def expected_files():
	processes = (ROOT / "src/role/process.def").read_text(encoding="utf-8")
	roles = {owner.lower() for owner in re.findall(r'^PROCESS\(\w+, "[^"]+", (\w+)', processes, re.MULTILINE)}
	pages = {f"postern-{name.replace(' ', '-')}.1" for name in rows_of("src/cli/commands.def", "COMMAND")}
	return {"usr/bin/postern", "usr/sbin/posternd", "etc/postern/postern.conf",
		*(f"usr/libexec/postern/postern-{name.replace('_', '-')}" for name in roles | {"drill"}),
		*(f"usr/share/man/man1/{name}" for name in pages | {"postern.1"}),
		"usr/share/man/man5/postern.conf.5", "usr/share/man/man8/posternd.8",
		*(f"usr/lib/systemd/system/postern{name}" for name in (".service", "-smtp.socket", "-smtps.socket")),
		"usr/lib/sysusers.d/postern.conf", "usr/lib/tmpfiles.d/postern.conf",
		"usr/share/bash-completion/completions/postern", "usr/share/zsh/site-functions/_postern",
		*(f"usr/share/doc/postern/{name}" for name in
			("README.md", "CHANGELOG.md", "THREAT-MODEL.md", "LICENSE", "postern.conf.example"))}


def files_in(tree):
	return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}


def test_every_file_and_no_other(tree):
	assert files_in(tree) == expected_files()


def test_nobody_but_the_owner_may_write_and_only_programs_execute(tree):
	for name in files_in(tree):
		mode = (tree / name).stat().st_mode & 0o7777
		assert mode == (0o755 if re.match(r"usr/(s?bin|libexec)/", name) else 0o644), f"{name} {mode:o}"


def test_first_configuration_is_that_of_the_readme(tree, config_text):
	first = (tree / "etc/postern/postern.conf").read_text(encoding="utf-8")
	assert "\n".join(line for line in first.splitlines() if line and line[0] != "#") + "\n" == config_text
	assert config_text.count("\n") == 6
	check = subprocess.run([tree / "usr/bin/postern", "check", tree / "etc/postern/postern.conf"], capture_output=True, text=True, check=False)
	assert check.returncode == 0, check.stderr


def test_configuration_that_is_there_is_left_alone(tree):
	path = tree / "etc/postern/postern.conf"
	kept = path.read_text(encoding="utf-8")
	path.write_text("# mine\n", encoding="utf-8")
	assert make("install", "PREFIX=/usr", f"DESTDIR={tree}").returncode == 0
	assert path.read_text(encoding="utf-8") == "# mine\n"
	path.write_text(kept, encoding="utf-8")


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is missing: tools/need test")
def test_pages_of_the_manual_have_no_fault(tree):
	pages = sorted((tree / "usr/share/man").rglob("*.[158]"))
	assert pages
	lint = subprocess.run(["mandoc", "-T", "lint", "-W", "style", *pages], capture_output=True, text=True, check=False)
	# The pages name one another, and lines of the tables are as long as they are.
	bad = [line for line in lint.stdout.splitlines() if not re.search("referenced manual not found|longer than 80 bytes", line)]
	assert not bad, "\n".join(bad[:20])
	for page in pages:
		text = subprocess.run(["mandoc", "-T", "html", page], capture_output=True, text=True, check=True).stdout
		assert all(f'id="{section}"' in text for section in ("NAME", "DESCRIPTION", "SEE_ALSO")), page


def complete(tree, *words):
	script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postern; echo "${COMPREPLY[*]}"'
	result = subprocess.run(["bash", "-c", script, "bash", tree / "usr/share/bash-completion/completions/postern", "postern", *words],
		capture_output=True, text=True, check=True)
	return result.stdout.split()


def test_bash_completes_commands_options_and_choices(tree):
	assert complete(tree, "que") == ["queue"]
	assert complete(tree, "queue", "sh") == ["show"]
	assert complete(tree, "queue", "retry", "") == ["all"]
	assert complete(tree, "audit", "verify", "--he") == ["--head", "--help"]
	assert complete(tree, "completion", "z") == ["zsh"]


def test_users_are_those_of_the_processes(tree):
	text = (tree / "usr/lib/sysusers.d/postern.conf").read_text(encoding="utf-8")
	users = re.findall(r"(?m)^u (\S+) - ", text)
	assert users == ["postern", *(f"postern-{name}" for name in rows_of("src/role/process.def", "PROCESS"))]


def test_uninstall_leaves_the_configuration_only(tmp_path):
	assert make("install", "PREFIX=/usr", f"DESTDIR={tmp_path}").returncode == 0
	result = make("uninstall", f"DESTDIR={tmp_path}")
	assert result.returncode == 0 and "are left" in result.stdout
	assert files_in(tmp_path) == {"etc/postern/postern.conf"}
	assert [p for p in tmp_path.rglob("*postern*") if p.parent.name != "postern"] == [tmp_path / "etc/postern"]
