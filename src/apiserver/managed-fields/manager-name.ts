import { header, type ServerRequest } from '../http/exchange.ts';

const maxBytes = 128;

/** What the client calls itself: `?fieldManager=`, else the first part of its user agent. */
export function managerName(fieldManager: string, request: ServerRequest): string {
  if (fieldManager) return fieldManager;
  const agent = header(request, 'user-agent');
  const end = agent.indexOf('/');
  const product = end < 0 ? agent : agent.slice(0, end);
  return known.get(product) ?? remember(product);
}

/** Clients are few, requests are many. */
const known = new Map<string, string>();

function remember(product: string): string {
  const name = printable(product) || 'unknown';
  if (known.size < 1000) known.set(product, name);
  return name;
}

function printable(text: string): string {
  let name = '';
  for (const char of text) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) continue;
    if (Buffer.byteLength(name) + Buffer.byteLength(char) > maxBytes) break;
    name += char;
  }
  return name;
}
