# SPDX-License-Identifier: Apache-2.0
# Short names for what is done most. Meson and Ninja do the work; see HACKING.md.
PREFIX ?= /usr/local
T ?= 60

.PHONY: build run test bench fuzz lint format install clean

build:
	tools/need build
	tools/build build

# make run ONCE=1: send the samples and end.
run:
	./run $(if $(ONCE),--once)

# make test STEP="unit system": only those steps.
test:
	./test $(STEP)

bench: build
	tools/need test bench
	bench/run

# make fuzz T=600: every fuzz target for so many seconds, together.
fuzz:
	tools/need build lint
	tools/build build-fuzz
	tools/fuzz --build build-fuzz --total $(T)

lint: build
	tools/need lint test
	tools/check-layers
	tools/check-size
	tools/check-format
	tools/check-docs
	tools/check-symbols
	tools/check-warnings

format:
	tools/check-format --fix

# make install PREFIX=/usr DESTDIR=/tmp/root
install:
	tools/need build
	[ -f build-install/build.ninja ] || meson setup build-install --buildtype=release --prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var
	meson configure build-install --prefix=$(PREFIX)
	DESTDIR="$(DESTDIR)" meson install -C build-install

clean:
	rm -rf build build-*
