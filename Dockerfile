# The image of the toolchain is pinned by its exact version, not by a digest: a
# digest that nobody here has pulled and checked would only look like a pin.
# For production, add the one that you have verified:
#   docker buildx imagetools inspect golang:1.26.8-bookworm
FROM golang:1.26.8-bookworm AS build
WORKDIR /src

# Dependencies first: they change seldom and are fetched once.
COPY go.mod go.sum ./
RUN go mod download && go mod verify

COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags='-s -w' -o /conclave .

# An empty image: no shell, no package manager, nothing to update but conclave.
FROM scratch

# Slack is reached over TLS. A Vault with an authority of its own has ca_file.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /conclave /conclave

# A number, since there is no /etc/passwd. The journal's volume and the secrets
# belong to it.
USER 65532:65532

# Go reads these before the program begins: freed memory is overwritten, no signal has
# registers written to a stack, and a crash prints no arguments of calls.
ENV GODEBUG=clobberfree=1,asyncpreemptoff=1 GOTRACEBACK=none

# Writes nothing but the journal and the file of marks: run it with --read-only.
ENTRYPOINT ["/conclave"]
CMD ["run", "--config", "/etc/conclave/conclave.yaml"]
