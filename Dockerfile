# The workflow and all that it needs, for machines without such a Python:
#   docker build -t passt-hear .
#   docker run -v "$PWD/results:/passt-hear/results" passt-hear --cores 2
# Not built yet by anyone we know of: no builder was at hand. A test runs a dry run on exactly the
# files that are copied here. On x86-64, PyPI's torch is the CUDA build: several GB.
FROM python:3.11-slim-bookworm
WORKDIR /passt-hear

COPY requirements.txt requirements-models.txt ./
RUN pip install --no-cache-dir -r requirements.txt \
    && pip install --no-cache-dir --no-deps -r requirements-models.txt

COPY Snakefile environment.yml environment.post-deploy.sh CITATION.cff LICENSE ./
COPY workflow workflow
COPY passt passt
COPY hear hear
COPY mini mini
COPY zoo zoo
COPY analysis analysis
COPY config config
COPY profiles profiles
COPY resources/*.csv resources/*.json resources/
COPY resources/checkpoints_mini resources/checkpoints_mini

ENTRYPOINT ["snakemake"]
CMD ["--cores", "2"]
