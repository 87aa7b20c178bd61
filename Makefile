# The everyday names of gemel's build; the build itself is CMakeLists.txt, the tests are ./test.
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOURCES = $(shell find src include tests fuzz bench tools -name '*.[ch]')

all:
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_INSTALL_PREFIX=$(PREFIX) > /dev/null
	@ninja -C $(BUILD)

asan tsan:
	@./test $@

tidy: all
	@./test format
	ctest --test-dir $(BUILD) -L tidy --output-on-failure
	clang-tidy-14 --quiet -p $(BUILD) $(filter src/%.c,$(SOURCES))

fuzz:
	cmake -S . -B $(BUILD)/fuzz -G Ninja -DGEMEL_FUZZ=ON -DGEMEL_WEB=OFF -DCMAKE_C_COMPILER=clang-14 > /dev/null
	ninja -C $(BUILD)/fuzz
	tools/fuzz $(BUILD)/fuzz $(FUZZ_SECONDS)

coverage:
	cmake -S . -B $(BUILD)/coverage -G Ninja -DGEMEL_COVERAGE=ON -DGEMEL_WEB=OFF > /dev/null
	ninja -C $(BUILD)/coverage
	ctest --test-dir $(BUILD)/coverage -LE release -j2 > /dev/null; tools/coverage $(BUILD)/coverage

bench:
	@tools/setup bench
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) --quiet benches
	@tools/bench $(BUILD)

install: all
	DESTDIR=$(DESTDIR) cmake --install $(BUILD)

format:
	clang-format-14 -i $(SOURCES)

clean:
	rm -rf $(BUILD)

.PHONY: all asan tsan tidy fuzz coverage bench install format clean
