// The API servers that a machine which joined may turn to: those it was told of, and those that the cluster names itself, in
// the endpoints of the Service `kubernetes`. They are kept in a file, so that the next start knows them as well.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind } from '../../../generated/kinds.ts';
import { writeDurably } from '../../base/durable-file.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';

interface ServersFile {
  /** As `join` was told. */
  readonly told: readonly string[];
  /** As the cluster says. */
  readonly learned: readonly string[];
}

const service = 'kubernetes';
const maxServers = 16;

export class KnownServers {
  readonly #file: string;
  readonly #told: readonly string[];
  readonly #slices = new Map<string, readonly string[]>();
  #learned: readonly string[];

  /** @param usual URLs, where the file says none */
  constructor(file: string, usual: readonly string[]) {
    this.#file = file;
    const { told, learned } = read(file);
    this.#told = told.length > 0 ? told : usual;
    this.#learned = learned;
  }

  /** URLs; at least one. */
  list(): readonly string[] {
    return [...new Set([...this.#told, ...this.#learned])].slice(0, maxServers);
  }

  /** Hears of servers that come and go. An empty list is not believed: it would leave nobody to ask for a better one. */
  follow(informers: InformerFactory): void {
    const look = (slice: EndpointSlice, urls: readonly string[]) => {
      const { namespace, name, labels } = slice.metadata;
      if (namespace !== 'default' || labels?.['kubernetes.io/service-name'] !== service) return;
      this.#slices.set(name, urls);
      const learned = [...new Set([...this.#slices.values()].flat())].sort();
      if (learned.length === 0 || learned.join() === this.#learned.join()) return;
      this.#learned = learned;
      write(this.#file, { told: this.#told, learned });
    };
    const present = (slice: EndpointSlice) => look(slice, urlsOf(slice));
    const gone = (slice: EndpointSlice) => look(slice, []);
    informers.informer(endpointSliceKind).onChange({ added: present, updated: present, deleted: gone });
  }
}

function urlsOf({ endpoints, ports }: EndpointSlice): string[] {
  const port = ports?.find(({ name }) => name === 'https')?.port;
  if (!port) return [];
  const addresses = (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap((e) => e.addresses);
  return addresses
    .filter((address) => isIP(address) > 0)
    .map((address) => `https://${address.includes(':') ? `[${address}]` : address}:${port}`);
}

function read(file: string): ServersFile {
  try {
    const { told = [], learned = [] } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ServersFile>;
    return { told, learned };
  } catch {
    return { told: [], learned: [] }; // not there yet
  }
}

function write(file: string, servers: ServersFile): void {
  writeDurably(file, `${JSON.stringify(servers, null, 2)}\n`);
}

/** What `join` was told. */
export function keepTold(file: string, told: readonly string[]): void {
  write(file, { told, learned: read(file).learned });
}
