# SPDX-License-Identifier: Apache-2.0
# Short names for what is done most. Meson and Ninja do the work; see HACKING.md.
PREFIX ?= /usr/local
CONFIG := /etc/postern/postern.conf
T ?= 60

.PHONY: build run test bench suite-arc suite-dkim suite-dmarc suite-spf fuzz lint format install uninstall clean

build:
	@tools/need build
	tools/build build

# make run ONCE=1: send the samples and end.
run:
	./run $(if $(ONCE),--once)

# make test STEP="unit system": only those steps.
test:
	./test $(STEP)

bench: build
	@tools/need test bench
	bench/run

# The public cases of each subject (../shared/cases, or POSTERN_CASES).
suite-arc: build
	tests/suites/arc.py
suite-dkim: build
	tests/suites/differential_dkim.py
	tests/suites/dkim.py
suite-dmarc: build
	tests/suites/dmarc.py
suite-spf: build
	tests/suites/differential_spf.py
	tests/suites/spf.py

# make fuzz T=600: all fuzz targets, so many seconds together.
fuzz:
	@tools/need build lint
	tools/build build-fuzz
	tools/fuzz --build build-fuzz --total $(T)

lint: build
	@tools/need lint test
	tools/check-layers
	tools/check-size
	tools/check-format
	tools/check-docs
	tools/check-symbols
	tools/check-warnings

format:
	tools/check-format --fix

# make install PREFIX=/usr DESTDIR=/tmp/root. The programs are those that ./test tries, but for the prefix and
# without symbols. A configuration that is there already is left alone.
install:
	@tools/need build
	@[ ! -f build-install/build.ninja ] || meson configure build-install --prefix=$(PREFIX)
	@tools/build build-install --prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var -Dwerror=false -Dtests=false
	@DESTDIR="$(DESTDIR)" meson install -C build-install --no-rebuild --strip --quiet
	@[ -e "$(DESTDIR)$(CONFIG)" ] || install -D -m 644 dist/postern.conf.example "$(DESTDIR)$(CONFIG)"
	@echo "Installed below $(DESTDIR)$(PREFIX). Next: edit $(CONFIG), then see 'A real gateway' in README.md."

# What make install has put there; the configuration and the mail stay.
uninstall:
	tools/uninstall --build build-install --root "$(DESTDIR)/"

clean:
	rm -rf build build-*
