# The server, as the last stage; `feeder` is for the sandbox of compose.yaml.
# Run it under an init: docker run --init; see docs/operations.md.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run -s build

FROM build AS feeder
COPY scripts scripts
USER node
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--import", "tsx", "scripts/feeder.ts"]

FROM node:22-bookworm-slim AS server
WORKDIR /app
COPY package.json package-lock.json LICENSE ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=build /app/dist dist
# With every preset, so that the health check knows it.
ENV PORT=8080
EXPOSE 8080
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
