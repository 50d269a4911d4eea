# The server, as the last stage; `feeder` is for the sandbox of compose.yaml.
#
# Stages that run something run on the builder's own platform. The last one only copies files, so an
# image for another platform needs no emulation, and its base needs no shell. An npm configuration
# (another registry, a login, an authority) comes in as build secrets, which no layer keeps; see
# scripts/image.sh, or `make image`.

FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=npmca \
  npm ci --no-audit --no-fund --loglevel=error
# The server has its own documents: the build makes pages of them.
COPY tsconfig.json tsconfig.build.json LICENSE README.md ./
COPY docs docs
COPY src src
COPY scripts/page scripts/page
COPY scripts/serializers.ts scripts/
RUN npm run -s build
# What the server needs. Optional packages are none of it: they are native ones, of this platform.
# uWebSockets.js comes with an addon of 6 MB for each of 24 platforms and versions of Node: the one.
ARG TARGETARCH
RUN addons=node_modules/uWebSockets.js/dist/bin && \
  cpu=$(echo "$TARGETARCH" | sed s/amd64/x64/) && \
  addon=uws_linux_${cpu}_$(node -p process.versions.modules).node && \
  test -f "$addons/$addon" && \
  find "$addons" -type f ! -name "$addon" -delete && \
  mkdir /server && cp -r package.json package-lock.json LICENSE dist node_modules /server/ && \
  cd /server && npm prune --omit=dev --omit=optional --no-audit --no-fund --loglevel=error && \
  find node_modules -type d -empty -delete && \
  rm package-lock.json

FROM build AS feeder
COPY scripts scripts
USER node
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--import", "tsx", "scripts/feeder.ts"]

# Of the image's platform, for its Node.
FROM node:22-bookworm-slim AS node

FROM gcr.io/distroless/cc-debian12:nonroot AS server
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=
LABEL org.opencontainers.image.title="Carillon" \
  org.opencontainers.image.description="A Server-Sent Events dispatcher" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.created="$CREATED" \
  org.opencontainers.image.source="$SOURCE" \
  org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/LICENSE /usr/local/share/doc/node/LICENSE
COPY --from=build /server /app
COPY deploy/container/health-check.mjs /app/
# After the copies, which give /app to root: made by WORKDIR it would be the user's to write.
WORKDIR /app
# With every preset, so that the health check knows it.
ENV PORT=8080
EXPOSE 8080
# The base's own user, by number: Kubernetes holds no name against runAsNonRoot.
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s \
  CMD ["/usr/local/bin/node", "/app/health-check.mjs"]
ENTRYPOINT ["/usr/local/bin/node", "/app/dist/main.js"]
