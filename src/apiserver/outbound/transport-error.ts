// Why a request had no answer, in the words that Go's HTTP client has for it: they end up in messages that people and
// programs know.

/** The request was not answered: dialling, TLS, a broken connection, the deadline. */
export class TransportError extends Error {
  /** The caller gave up, not the other side. */
  readonly isCanceled: boolean;
  /** The answer had begun, and broke off. */
  readonly hasAnswer: boolean;

  constructor(message: string, options: ErrorOptions & { isCanceled?: boolean; hasAnswer?: boolean } = {}) {
    super(message, options);
    this.isCanceled = options.isCanceled ?? false;
    this.hasAnswer = options.hasAnswer ?? false;
  }
}

interface NodeProblem extends Error {
  readonly code?: string;
  readonly errors?: readonly NodeProblem[];
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  /** What the parser of HTTP stumbled over. */
  readonly rawPacket?: Buffer;
}

const verify = 'tls: failed to verify certificate: x509: ';

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

const dialProblems: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  EINVAL: 'connect: invalid argument',
  ETIMEDOUT: 'i/o timeout',
};

const hostPort = (host: string, port: number | undefined) => `${host.includes(':') ? `[${host}]` : host}:${port}`;

function dialText({ code = '', address, port, hostname }: NodeProblem): string | undefined {
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`;
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: server misbehaving`;
  const text = dialProblems[code];
  return text && address ? `dial tcp ${hostPort(address, port)}: ${text}` : undefined;
}

function tlsText({ code = '', message }: NodeProblem): string | undefined {
  if (unknownAuthority.has(code)) return `${verify}certificate signed by unknown authority`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `${verify}certificate has expired or is not yet valid: ${message}`;
  if (code !== 'EPROTO' && !code.startsWith('ERR_SSL_')) return undefined;
  if (/wrong.version.number|packet.length.too.long/i.test(message))
    return 'http: server gave HTTP response to HTTPS client';
  return `remote error: tls: ${/alert ([a-z ]+)/.exec(message)?.[1] ?? 'handshake failure'}`;
}

const maxQuoted = 100;

function brokenText({ code = '', message, rawPacket }: NodeProblem): string | undefined {
  if (code === 'ECONNRESET') return message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  if (code === 'EPIPE') return 'write: broken pipe';
  if (code.startsWith('HPE_')) {
    const line = JSON.stringify(rawPacket?.toString('latin1', 0, maxQuoted).split('\r\n')[0] ?? '');
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${line}`;
  }
  return undefined;
}

/** What a socket or a request failed with, said as Go says it. `signal` is the request's. */
export function transportError(error: unknown, signal: AbortSignal): TransportError {
  if (error instanceof TransportError) return error;
  if (signal.aborted) {
    const isDeadline = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    const message = isDeadline ? 'context deadline exceeded' : 'context canceled';
    return new TransportError(message, { cause: error, isCanceled: !isDeadline });
  }
  const problem = error as NodeProblem;
  if (typeof problem.code !== 'string') return new TransportError(problem.message, { cause: error });
  // Several addresses were tried: the last one's failure is what there is to say.
  const one = problem.errors?.at(-1) ?? problem;
  return new TransportError(dialText(one) ?? tlsText(one) ?? brokenText(one) ?? one.message, { cause: error });
}

export { verify as verifyProblem };
