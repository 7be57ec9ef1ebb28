# Needs Go, git and make. Outputs go to bin/, demo/ and out/.

export CGO_ENABLED = 0

GOFUMPT     = go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
MFLOW       = bin/mflow
FUZZTIME    = 10s
RESULTS     =

.PHONY: build test test-arm64 test-plain demo lint bench bench-jamba microbench fuzz torture results ablation notebooks cuda-build cuda-test cuda-probe clean distclean

build:
	go build -trimpath -o $(MFLOW) ./cmd/mflow

test: build
	go vet ./...
	go test ./...

# Trains on the synthetic set "plates" (ridges of density along great circles,
# known in closed form), since real catalogues are not part of the repository:
# the default model, and a plain Moser flow to compare it with.
demo: build
	@mkdir -p demo
	$(MFLOW) train --data plates --overwrite -o demo/plates.mflow
	$(MFLOW) eval demo/plates.mflow
	$(MFLOW) sample demo/plates.mflow -n 2000 -o demo/samples.csv
	$(MFLOW) plot demo/plates.mflow --samples demo/samples.csv -o demo/plates.png
	$(MFLOW) train --data plates --prior uniform --time 30s --overwrite -o demo/moser.mflow
	$(MFLOW) plot --curves demo/moser.run -o demo/curves.png
	$(MFLOW) compare demo/plates.mflow demo/moser.mflow
	@echo "The data are synthetic: the set \"plates\", made by mflow itself."
	@echo "Map: demo/plates.png  Curves: demo/curves.png  Samples: demo/samples.csv  Models: demo/plates.mflow, demo/moser.mflow"

lint:
	@test -z "$$($(GOFUMPT) -l . | tee -a /dev/stderr)"
	go vet ./...
	$(STATICCHECK) ./...

# Times the hot paths beside PyTorch (python3-torch) and writes the tables of
# docs/performance.md. Density and samples are those of a model of earthquakes.
bench: build
	@mkdir -p out
	$(MFLOW) train --data earthquake --prior uniform --steps 1000 --seed 0 --overwrite -o out/bench.mflow
	go run ./bench -model out/bench.mflow $(BENCHFLAGS)

# The float32 path of arm64 under qemu-user, and plain Go on amd64.
test-arm64:
	@mkdir -p bin
	@for p in internal/kernel internal/op flow/nn divergence; do \
		GOARCH=arm64 go test -c -o bin/arm64.test ./$$p && (cd $$p && qemu-aarch64 $(CURDIR)/bin/arm64.test -test.timeout 60m) || exit 1; \
	done

test-plain:
	GOAMD64=v1 GODEBUG=cpu.avx2=off go test -timeout 60m ./internal/kernel ./flow/nn ./divergence ./train ./sample

# Times the Jamba beside PyTorch (python3-torch) on one thread, for docs/jamba.md.
bench-jamba:
	go run ./flow/jamba/bench

# The benchmarks of every package.
microbench:
	go test -run '^$$' -bench . -benchtime 300ms ./...

# Every fuzz target in turn.
fuzz:
	@for pkg in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; \
			go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# Kills a run at 20 random moments; the model must come out the same, byte by byte.
torture:
	MFLOW_KILLS=20 go test -count=1 -timeout 30m -v -run TestKilled ./cmd/mflow

# Remakes docs/results.md, from out/results where that has a run already; interrupted, the
# same command goes on. The data come from MFLOW_DATA, the cache or their public sources.
# RESULTS passes flags: make results RESULTS="-only '^flood' -jobs 1", or -list, -dry, -help.
results: build
	go run ./bench/results $(RESULTS)

# Remakes the table of docs/recipe.md.
ablation: build
	go run ./bench/results -ablation $(RESULTS)

# Runs the notebooks and keeps their outputs. Needs jupyter-nbconvert and xarray.
notebooks: build
	cd notebooks && jupyter-nbconvert --to notebook --execute --inplace *.ipynb

# The probe of NVIDIA GPUs, docs/gpu.md. Needs cc. The libraries made here are empty: they
# answer the -lcuda and -lcublas of gorgonia.org/cu, and internal/cuda/load.c has the functions.
CUDA = CGO_ENABLED=1 CGO_CFLAGS="-O2 -I$(CURDIR)/internal/cuda/include" CGO_LDFLAGS=-L$(CURDIR)/bin/cuda

cuda-build:
	@mkdir -p bin/cuda
	@for lib in cuda cublas; do printf '!<arch>\n' >bin/cuda/lib$$lib.a; done
	$(CUDA) go vet -tags cuda ./internal/cuda ./bench/cudaprobe
	$(CUDA) go build -trimpath -tags cuda -o bin/cudaprobe ./bench/cudaprobe

cuda-test: cuda-build
	$(CUDA) go test -tags cuda ./internal/cuda ./bench/cudaprobe

cuda-probe: cuda-build
	bin/cudaprobe

# The results that `make results` keeps in out/ took hours: distclean removes them too.
clean:
	rm -rf bin demo

distclean: clean
	rm -rf out
