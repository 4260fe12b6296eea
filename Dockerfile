# stagemq in a container. `.ci/run` does not build this file: it needs no container engine. What it runs is tested without one.
#
#   docker build -t stagemq .
#   docker run --rm -p 127.0.0.1:4876:4876 -v stagemq-data:/data stagemq dev --http 0.0.0.0:4876 --data /data

# The tarballs, as `npm run pack` makes them anywhere.
FROM node:24-bookworm-slim AS pack
WORKDIR /source
COPY . .
RUN npm run --silent pack

# What a user's npm makes of them, without what it only needs itself.
FROM node:24-bookworm-slim AS install
WORKDIR /opt/stagemq
COPY --from=pack /source/build/*.tgz /tarballs/
RUN echo '{ "private": true }' > package.json \
  && npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error /tarballs/*.tgz \
  && install -d -o node -g node -m 0700 /data

FROM node:24-bookworm-slim
ENV NODE_ENV=production
COPY --from=install /opt/stagemq /opt/stagemq
COPY --from=install --chown=node:node /data /data
# Nothing but /data is written: the root may be read-only.
USER node
WORKDIR /data
VOLUME /data
EXPOSE 4876
# Whoever answers is there: the message port refuses what is not signed, and that is an answer.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4876/').then(() => process.exit(0), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/stagemq/node_modules/stagemq/dist/main.js"]
# Beyond loopback `serve` wants declared keys: mount a file. `--config` names it.
CMD ["serve", "--http", "0.0.0.0:4876", "--data", "/data", "--config", "/etc/stagemq/stagemq.yaml"]
