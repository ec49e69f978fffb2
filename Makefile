# A thin front: every target is one script or one command, and works as the first thing after
# `git clone`. tools/setup.sh sees to the packages that are missing.

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
RANDOM_SEED ?= 1
RANDOM_COUNT ?= 100000
SEEDS ?= 10000

all:  ## build/weir, optimised
	@tools/build.sh release weir

demo:  ## builds, and shows a query over recorded data
	@tools/build.sh release weir
	@examples/demo/run.sh build/weir

test:  ## everything: unit tests, SQL cases, real servers, examples
	@tools/test.sh all

test-quick:  ## seconds: unit tests and SQL cases, on the debug build
	@tools/test.sh quick

test-asan test-ubsan test-tsan:  ## unit tests, SQL cases and servers under a sanitizer
	@tools/test.sh $(subst test-,,$@)

test-all:  ## test, and all three sanitizers
	@tools/test.sh all quick asan ubsan tsan

bench:  ## all benchmarks, Nexmark last, beside Flink's figures and plain C; BENCH_PARTS="start decode": these
	@tools/build.sh release weir
	@test/bench/run.sh

fuzz:  ## each target for FUZZ_SECONDS
	@tools/fuzz.sh $(FUZZ_SECONDS)

random:  ## RANDOM_COUNT random queries from RANDOM_SEED, against SQLite; RANDOM_FLAGS=--flink asks Flink
	@tools/build.sh release weir
	@tools/random.sh $(RANDOM_SEED) $(RANDOM_COUNT) --sqlite $(RANDOM_FLAGS)

torture:  ## 2 M records through Kafka, 30 kills of weir, 3 of the broker, a minute offline: in memory, on RocksDB
	@tools/build.sh release weir
	@for settings in "" "SET 'state.backend.type' = 'rocksdb'; SET 'execution.checkpointing.incremental' = 'true';"; do \
		WEIR_EOS_RECORDS=2000000 WEIR_EOS_KILLS=30 WEIR_EOS_CRASHES=3 WEIR_EOS_CUT=60 \
			WEIR_EOS_SETTINGS="$$settings" test/services/kafka_eos.sh || exit 1; \
	done

sim:  ## SEEDS seeds of the simulator; SEED=n: that one, with its trace; JOB=name: of that job only
	@tools/build.sh debug simulator
	@build-debug/test/sim/weir-sim $(if $(SEED),--seed $(SEED) --trace,--seeds $(SEEDS)) \
		$(if $(JOB),--job $(JOB))

sim-mutants:  ## whether the simulator finds every bug of test/sim/mutants.txt
	@tools/build.sh debug mutants
	@test/sim/mutants.sh build-debug/test/sim

install:  ## binary, libraries, header, pkg-config, man page, completion; PREFIX, DESTDIR
	@tools/build.sh release
	@meson configure build -Dprefix=$(PREFIX)
	@meson install -C build --quiet >build/install.log || { cat build/install.log; exit 1; }

accept:  ## writes today's plans into test/sql/explain/weir.test, for the reviewer to read in the diff
	@tools/build.sh debug weir
	@build-debug/weir test --record test/sql/explain/weir.test

accept-known:  ## takes the cases that pass by now off test/sql/known-failures.txt
	@tools/build.sh release weir
	@tools/known.sh build/weir

docs:  ## docs/sql/functions.md, settings.md, options.md from the tables in the code; flink-compatibility.md
	@tools/build.sh debug weir-reference
	@build-debug/weir-reference >docs/sql/functions.md
	@build-debug/weir-reference settings >docs/sql/settings.md
	@build-debug/weir-reference options >docs/sql/options.md
	@tools/compatibility.py

format:  ## clang-format over the C
	@git ls-files 'src/*.[ch]' 'test/*.[ch]' 'fuzz/*.[ch]' 'include/*.h' 'examples/*.[ch]' | xargs clang-format -i

narrow:  ## lays out anew only what is wider than 100 columns
	@tools/narrow.sh

clean:
	@rm -rf build build-debug build-asan build-ubsan build-tsan build-clang build-fuzz

help:
	@sed -nE 's/^([a-z -]+): +## (.*)/  make \1\t\2/p' Makefile | expand -t 36

.PHONY: all docs demo test test-quick test-asan test-ubsan test-tsan test-all bench fuzz random torture sim sim-mutants install accept \
	accept-known format narrow clean help
