# A front door: each word of it is one command of CMake or one script. BUILD is the build folder, CC the
# compiler, PYTHON the Python that runs the peers, PREFIX where `make install` puts things. PROGRAM and TRACE are for
# `make threads`.
BUILD ?= build
PYTHON ?= python3
PREFIX ?= /usr/local
SECONDS ?= 60
SEED ?= 0
PRESET ?= release

ifneq ($(origin CC),default)
compiler := -DCMAKE_C_COMPILER=$(CC)
export CC
endif
export BUILD PYTHON PROGRAM TRACE

.PHONY: all configure demo test threads bench bench-python budget budget-update fuzz models lint format install abi-update clean

all: configure
	cmake --build $(BUILD)/$(PRESET)

configure:
	@scripts/setup.sh build
	cmake --preset $(PRESET) -B $(BUILD)/$(PRESET) $(compiler)

demo:
	@scripts/demo.sh

test:
	@scripts/test.sh

threads:
	@scripts/threads.sh $(SECONDS) $(SEED)

bench:
	@scripts/bench.sh

bench-python:
	@scripts/bench_python.sh

budget:
	@scripts/budget.sh

budget-update:
	@scripts/budget.sh --update

fuzz:
	@scripts/fuzz.sh $(SECONDS)

models:
	@scripts/models.sh $(SECONDS) $(SEED)

lint:
	@scripts/lint.sh

format:
	@scripts/format.sh

install: all
	cmake --install $(BUILD)/$(PRESET) --prefix $(PREFIX)

abi-update: all
	$(PYTHON) scripts/check_abi.py --update $(BUILD)/$(PRESET)/libfarcall.so

clean:
	cmake -E rm -rf $(BUILD)
