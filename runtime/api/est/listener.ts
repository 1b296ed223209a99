import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { plainClaimCode } from '../../contracts/claim-code.ts';
import { UpstreamAway } from '../../platform/http/client.ts';
import { type ProblemError, toProblemError } from '../../platform/http/problem.ts';
import type { Log } from '../../platform/service/log.ts';
import { readServerFiles, watchServerFiles } from '../../platform/tls/server-files.ts';
import type { Limit, RateLimits } from '../limits/rate-limits.ts';
import { contextOf, openContext } from '../routes/context.ts';
import { limitEnrolment } from '../routes/operations.ts';
import type { Enrolment, Outcome } from './devices.ts';
import { basicPassword, blocks, certsOnly, csrAttributes, requestPem } from './messages.ts';

export type EstOptions = {
  port: number;
  bind: string;
  tlsDir: string;
  enrolment: Enrolment;
  limits: RateLimits;
  enrolmentLimit: Limit;
  log: Log;
};

const root = '/.well-known/est';
const challenge = 'Basic realm="EST: any name, the claim code as password"';

/**
 * Enrolment over Secure Transport (RFC 7030) on a TLS port of its own: it asks for a client certificate, which the API's
 * port must not, since browsers would ask their users. TLS proves that the device holds its key; whether the certificate
 * is one that counts is the devices service's to say.
 */
export async function startEst(options: EstOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { log, tlsDir } = options;
  const app = Fastify({
    https: {
      ...(await readServerFiles(tlsDir)),
      minVersion: 'TLSv1.2',
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
    },
    bodyLimit: 16_384,
    requestTimeout: 20_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: 'idle',
  }) as unknown as FastifyInstance;
  app.server.maxConnections = 1_000;
  app.removeAllContentTypeParsers();
  // Stock clients name it application/pkcs10; what counts is what is in it.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => void openContext(request, reply, log));
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const ms = Math.round(reply.elapsedTime);
    contextOf(request).log.info(
      { operation: `${method} ${routeOptions.url ?? '?'}`, status: reply.statusCode, ms },
      'answered',
    );
  });
  app.setErrorHandler((error, request, reply) => say(reply, toProblemError(error), request));
  app.setNotFoundHandler((_request, reply) =>
    text(reply, 404, `EST is here: ${root}/ with cacerts, csrattrs, simpleenroll, simplereenroll`),
  );
  addRoutes(app, options);
  await app.listen({ host: options.bind, port: options.port });
  const stopWatching = watchServerFiles(tlsDir, log, (files) =>
    (app.server as unknown as { setSecureContext(f: object): void }).setSecureContext({
      ...files,
      minVersion: 'TLSv1.2',
    }),
  );
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      stopWatching();
      await app.close();
    },
  };
}

function addRoutes(app: FastifyInstance, options: EstOptions): void {
  const { enrolment } = options;
  app.get(`${root}/cacerts`, async (request, reply) => {
    const pems = await enrolment.authorities(contextOf(request).traceparent);
    return base64(reply, 'application/pkcs7-mime; smime-type=certs-only', certsOnly(pems.flatMap(blocks)));
  });
  app.get(`${root}/csrattrs`, async (_request, reply) => base64(reply, 'application/csrattrs', csrAttributes));
  for (const renew of [false, true])
    app.post(`${root}/simple${renew ? 'reenroll' : 'enroll'}`, async (request, reply) => {
      await limitEnrolment(options, request);
      const outcome = await enrol(enrolment, request, renew);
      if ('certificate' in outcome)
        return base64(reply, 'application/pkcs7-mime; smime-type=certs-only', certsOnly([outcome.certificate]));
      return refuse(reply, outcome);
    });
}

async function enrol(enrolment: Enrolment, request: FastifyRequest, renew: boolean): Promise<Outcome> {
  const { traceparent } = contextOf(request);
  const csr = typeof request.body === 'string' ? requestPem(request.body) : undefined;
  const certificate = (request.raw.socket as TLSSocket).getPeerX509Certificate()?.toString();
  const code = renew ? undefined : basicPassword(request.headers.authorization);
  if (code === undefined && certificate === undefined)
    return unauthorized(
      renew
        ? 'simplereenroll needs the certificate that is to be renewed, as TLS client certificate'
        : 'simpleenroll needs HTTP Basic with a claim code as password, or the certificate of a factory CA',
    );
  if (code !== undefined && plainClaimCode(code) === undefined)
    return unauthorized('the password is no claim code: it has 20 letters and digits in groups of five');
  if (csr === undefined)
    return { status: 400, detail: 'the body must be a PKCS #10 request: DER, in base64', retryAfterSeconds: undefined };
  if (code !== undefined) return await enrolment.byCode(code, csr, traceparent);
  return await enrolment.byCertificate(certificate ?? '', csr, renew, traceparent);
}

const unauthorized = (detail: string): Outcome => ({ status: 401, detail, retryAfterSeconds: undefined });

/** The statuses of RFC 7030 section 4.2.3: 401 for who is not known, 202 for what may succeed later. */
function refuse(reply: FastifyReply, { status, detail, retryAfterSeconds }: Exclude<Outcome, { certificate: string }>) {
  if (status === 404 || status === 401) return text(reply.header('www-authenticate', challenge), 401, detail);
  if (status === 409) return text(reply, 403, detail);
  if (status === 503)
    return text(
      reply.header('retry-after', String(retryAfterSeconds ?? 5)),
      202,
      `${detail}; ask again with the same request`,
    );
  return text(reply, status === 400 || status === 422 ? 400 : 500, status < 500 ? detail : 'internal error');
}

/** EST has no problem documents: what it says is text (RFC 7030 section 4.2.3). */
function say(reply: FastifyReply, error: ProblemError, request: FastifyRequest): FastifyReply {
  if (error.cause instanceof UpstreamAway)
    return text(
      reply.header('retry-after', String(error.cause.retryAfter)),
      503,
      'a part of the platform does not answer now',
    );
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  if (error.status >= 500) contextOf(request).log.error({ error: error.cause ?? error }, 'EST request failed');
  return text(reply, error.status, error.detail);
}

const text = (reply: FastifyReply, status: number, words: string) =>
  reply
    .code(status)
    .header('content-type', 'text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(`${words}\n`);

/** With the header that RFC 7030 asks for and RFC 8951 lets clients ignore. */
const base64 = (reply: FastifyReply, type: string, body: string) =>
  reply.header('content-type', type).header('content-transfer-encoding', 'base64').send(body);
