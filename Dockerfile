# The command, with its kernels compiled: no first run has to wait.
#
#   docker build -t lacodec .
#   docker run --rm -v "$PWD:/data" lacodec encode --effort 9 server.log
#   docker run --rm -i lacodec encode - < server.log > server.log.lac
#
# Kernels are compiled for the processor that builds the image. On a different kind of processor they are compiled again, each at its
# first use; build on the kind that you run on. The user has number 1000: files in /data must be readable and writable for it.
FROM python:3.13-slim

COPY . /src
WORKDIR /src
RUN python3 -m venv /opt/lacodec
RUN /opt/lacodec/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .
RUN ln -s /opt/lacodec/bin/lacodec /usr/local/bin/lacodec
RUN useradd --create-home --uid 1000 lacodec && install -d -o lacodec -g lacodec /data && rm -rf /src/*

USER lacodec
RUN lacodec warmup

WORKDIR /data
ENTRYPOINT ["lacodec"]
