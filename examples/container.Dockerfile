# An image with the compiled program alone. Build it where dist/mailtee is, made by `deno task compile` for Linux:
#   docker build -f examples/container.Dockerfile -t mailtee .
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 8025 --no-create-home mailtee && install -d -m 0700 -o mailtee /data
COPY dist/mailtee /usr/local/bin/mailtee
USER mailtee
VOLUME /data
EXPOSE 2525 1100
ENTRYPOINT ["/usr/local/bin/mailtee"]
CMD ["run", "/etc/mailtee/proxy.config.ts"]
