# Everything a person does with this project on one machine. `make` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
TAG := dev
SEEDS := 60
NDVI_TEST_IMAGE_LOADER ?= kind load docker-image
LOCAL := $(BIN)/python -m ndvi_airflow.local
REAL := NDVI_LOCAL_SEASON=southtyrol NDVI_LOCAL_HOME=.local-southtyrol

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-real up down status clean late-field test test-long test-faults test-chart test-cluster bench bench-masks bench-start bench-plan bench-pipeline bench-page bench-load lint lint-js format types lock image image-ndvi image-airflow \
	compose-up compose-down

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## virtual environment with the locked dependencies

$(VENV)/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: set PYTHON to one of 3.11 or newer, e.g. make PYTHON=python3.12 demo"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: setup ## the whole system on synthetic scenes: fields in, NDVI out; Airflow stays up
	@$(REAL) $(LOCAL) down
	@$(LOCAL) demo

demo-real: setup ## the same on real scenes of South Tyrol (NDVI_REALDATA names their folder)
	@$(LOCAL) down
	@$(REAL) $(LOCAL) demo

up: setup ## start the servers and Airflow, and wait until all are healthy
	@$(LOCAL) up

status: setup ## show what runs
	@$(LOCAL) status

late-field: setup ## upload fields (FILE=some.geojson) and follow them until their days are computed
	@$(LOCAL) late-field $(FILE)

down: setup ## stop everything; the data stay
	@$(LOCAL) down
	@$(REAL) $(LOCAL) down

clean: setup ## stop everything and remove its data
	@$(LOCAL) clean
	@$(REAL) $(LOCAL) clean

test: setup ## run the tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-long: setup ## try the properties on many more examples, drawn by chance
	$(BIN)/pytest --hypothesis-profile long -m hypothesis --numprocesses 2

test-faults: setup ## try many schedules of faults over the whole pipeline: SEEDS=200, or SEEDS=17-17 for one again
	NDVI_FAULT_SEEDS=$(SEEDS) $(BIN)/pytest tests/faults --numprocesses 2 -rP

test-chart: setup ## run those that need the official chart: NDVI_CHART=airflow-1.22.0.tgz (helm-values/README.md)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement helm-values/requirements.txt
	NDVI_CHART=$(NDVI_CHART) $(BIN)/pytest tests/deployment/test_chart.py

test-cluster: setup ## run those that need Kubernetes, on the kubeconfig's cluster; with the chart's archive (NDVI_CHART) also those that install it
	$(MAKE) image-ndvi TAG=test
	$(NDVI_TEST_IMAGE_LOADER) ndvi:test
ifdef NDVI_CHART
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement helm-values/requirements.txt
	$(MAKE) image-airflow TAG=test
	$(NDVI_TEST_IMAGE_LOADER) ndvi-airflow:test
	NDVI_IMAGE=ndvi:test NDVI_AIRFLOW_IMAGE=ndvi-airflow:test NDVI_CHART=$(NDVI_CHART) $(BIN)/pytest tests/deployment/test_image.py tests/cluster
else
	NDVI_IMAGE=ndvi:test $(BIN)/pytest tests/deployment/test_image.py tests/cluster
endif

bench: setup .venv-bench/ready ## measure against other libraries (half an hour); the table is also in .bench/bench.md
	.venv-bench/bin/python -m benchmarks

.venv-bench/ready: benchmarks/requirements.txt pyproject.toml
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-bench
	$(BIN)/uv pip sync --quiet --compile-bytecode --python .venv-bench/bin/python benchmarks/requirements.txt
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --no-deps --editable .
	@touch $@

bench-start: .venv-bench/ready ## measure what a task imports before it computes
	.venv-bench/bin/python -m benchmarks.start

bench-masks: setup ## measure what each cloud mask lets through and costs (needs the real scenes, see NDVI_REALDATA)
	$(BIN)/python -m benchmarks.masks

bench-plan: setup ## measure planning and recording with up to a million fields, and their seasons
	$(BIN)/python -m benchmarks.plan
	$(BIN)/python -m benchmarks.seasons

bench-pipeline: setup ## measure many fields through Airflow, from the trigger to the published day (ten minutes)
	$(BIN)/python -m benchmarks.pipeline

bench-page: setup ## measure the fields page with 10,000 and 100,000 fields, beside Leaflet and MapLibre (needs chromium, chromium-driver and npm)
	$(BIN)/python -m benchmarks.page

bench-load: setup ## measure 100 uploads at once, a catch-up of 5,000 fields beside daily runs, and 50 people on the page
	$(BIN)/python -m benchmarks.load

lint: setup ## style, common mistakes, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	git ls-files | xargs $(BIN)/codespell
	$(MAKE) --no-print-directory lint-js
	@! git grep -niE 'airflow|kubernetes' ndvi_core || { echo "ndvi_core names a scheduler, of which it knows nothing"; exit 1; }

# The page itself needs no node and no build; npm brings what checks it.
lint-js:
	@if command -v npm >/dev/null; then $(MAKE) --silent node_modules/ready && npm run --silent check; \
	else echo "the page's JavaScript was not checked: there is no npm"; fi

node_modules/ready: package.json package-lock.json
	npm ci --silent
	@touch $@

format: setup ## rewrite the code in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## check the types
	$(BIN)/mypy

image: image-ndvi image-airflow ## build the images ndvi and ndvi-airflow (TAG=dev; PYTHON_IMAGE, AIRFLOW_IMAGE: other bases)

BUILD = docker build --file docker/Dockerfile --build-arg VERSION=$(TAG) --build-arg REVISION=$$(git rev-parse HEAD) \
	$(foreach base,PYTHON_IMAGE AIRFLOW_IMAGE,$(if $($(base)),--build-arg $(base)=$($(base))))

image-ndvi:
	$(BUILD) --target ndvi --tag ndvi:$(TAG) .

image-airflow:
	$(BUILD) --target airflow --tag ndvi-airflow:$(TAG) .

# The later file counts. A catalogue in .env stands in for the sample season.
COMPOSE = TAG=$(TAG) docker compose --project-directory . --file docker/compose.yaml --env-file .compose/secrets.env \
	$(if $(shell grep -sE '^STAC_API_URL=.' .env),,--profile sample --env-file docker/sample.env) \
	$(patsubst %,--env-file %,$(wildcard .env))

compose-up: image .compose/secrets.env ## the same system in containers, and wait until all are healthy
	$(COMPOSE) up --detach --wait --wait-timeout 600

compose-down: .compose/secrets.env ## stop the containers; the data stay in their volumes
	$(COMPOSE) down

.compose/secrets.env:
	@mkdir -p .compose && umask 077 && $(PYTHON) docker/make_secrets.py > $@.new && mv $@.new $@

COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock" --quiet

lock: setup ## bring requirements.txt, and what the images install of it, to the newest versions that pyproject.toml allows
	$(COMPILE) --all-extras --upgrade --output-file requirements.txt
	$(COMPILE) --constraints requirements.txt --no-annotate --upgrade --output-file docker/requirements.txt
	$(COMPILE) --constraints requirements.txt --no-annotate --upgrade --extra airflow \
		--output-file docker/requirements-airflow.txt
	$(COMPILE) --constraints requirements.txt --upgrade --group bench --output-file benchmarks/requirements.txt
	$(BIN)/uv pip compile --group pyproject.toml:chart --universal --python-version 3.11 --constraints requirements.txt \
		--no-emit-index-url --custom-compile-command "make lock" --quiet --no-annotate --upgrade \
		--output-file helm-values/requirements.txt
