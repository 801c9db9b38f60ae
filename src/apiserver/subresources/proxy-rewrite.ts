// Pages and redirects of what is behind a proxy lead back through the proxy: their links get its path put before theirs.
import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw, gunzip, gzip, inflateRaw } from 'node:zlib';
import type { Answer } from '../http/answer.ts';
import type { BodySink } from '../http/exchange.ts';
import { rewriteLinks } from './html-links.ts';
import { relayed } from './passed-on.ts';

export interface ProxyPlace {
  /** The path up to and with `/proxy`. */
  readonly prefix: string;
  /** `host:port` of what is behind. */
  readonly backendHost: string;
  /** The Host that the client asked for. */
  readonly requestHost: string;
}

/** Larger pages go out as they are. */
const maxPageBytes = 1 << 20;

const coders = {
  gzip: { decode: promisify(gunzip), encode: promisify(gzip) },
  deflate: { decode: promisify(inflateRaw), encode: promisify(deflateRaw) },
} as const;

/** A link that leads to the same host gets the proxy's path; others stay. */
export function rewriteUrl(link: string, { prefix, backendHost, requestHost }: ProxyPlace): string {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(link);
  if (!match) return link;
  const [, scheme = '', authority = '', path = '', rest = ''] = match;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const isElsewhere = host !== '' && host !== backendHost && host !== requestHost;
  if (isElsewhere || !path.startsWith('/')) return link;
  const start = host !== '' && host === requestHost ? `${scheme}//${authority}` : '';
  if (path.startsWith(prefix)) return `${start}${path}${rest}`;
  const joined = posix.join(prefix, path);
  return `${start}${path.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined}${rest}`;
}

/** The answer with its redirect or its page led back. */
export function rewritten(response: IncomingMessage, place: ProxyPlace): Answer {
  const answer = relayed(response);
  const { location } = response.headers;
  if (location) return { ...answer, headers: { ...answer.headers, location: rewriteUrl(location, place) } };
  const encoding = response.headers['content-encoding'] ?? '';
  const isPage = (response.headers['content-type'] ?? '').split(';', 1)[0]!.trim() === 'text/html';
  const isReadable = encoding === '' || encoding === 'gzip' || encoding === 'deflate';
  if (!isPage || !isReadable) return answer;
  const { lengthBytes: _changes, ...rest } = answer;
  return { ...rest, write: (sink) => writePage(response, encoding, place, sink) };
}

async function writePage(
  response: IncomingMessage,
  encoding: '' | 'gzip' | 'deflate',
  place: ProxyPlace,
  sink: BodySink,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isTooLarge = false;
  for await (const chunk of response) {
    if (sink.isClosed) return;
    if (isTooLarge) {
      if (!sink.write(chunk as Buffer)) await sink.drained();
      continue;
    }
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size <= maxPageBytes) continue;
    isTooLarge = true;
    for (const each of chunks.splice(0)) if (!sink.write(each)) await sink.drained();
  }
  if (isTooLarge) return;
  const body = Buffer.concat(chunks);
  sink.write(await changed(body, encoding, place).catch(() => body));
}

async function changed(body: Buffer, encoding: '' | 'gzip' | 'deflate', place: ProxyPlace): Promise<Buffer> {
  const coder = encoding === '' ? undefined : coders[encoding];
  const page = coder ? await coder.decode(body, { maxOutputLength: maxPageBytes }) : body;
  const next = Buffer.from(
    rewriteLinks(page.toString('latin1'), (link) => rewriteUrl(link, place)),
    'latin1',
  );
  return coder ? coder.encode(next) : next;
}
