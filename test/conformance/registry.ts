// A registry of the archives, read-only, for the specs that really pull: OCI's distribution API, just its GETs.
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Blob {
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export class Registry {
  readonly #blobs = new Map<string, Blob>();
  /** `registry.k8s.io/e2e-test-images/kitten:1.8` → its manifest. */
  readonly #tags = new Map<string, Manifest>();
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response);
  });

  /** Adds the images of an archive that `writeArchive` wrote. */
  async add(file: string): Promise<void> {
    await using handle = await open(file);
    for await (const { name, ...blob } of tarFiles(handle, file)) {
      const digest = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
      if (digest) this.#blobs.set(`sha256:${digest}`, blob);
      if (name !== 'index.json') continue;
      const content = Buffer.alloc(blob.sizeBytes);
      await handle.read(content, 0, blob.sizeBytes, blob.offset);
      const index = JSON.parse(content.toString()) as { manifests: Manifest[] };
      for (const manifest of index.manifests)
        this.#tags.set(manifest.annotations['io.containerd.image.name'] ?? '', manifest);
    }
  }

  /** Listens on `address` and gives back the URL. */
  async listen(address: string): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, address, resolve));
    return `http://${address}:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://registry');
    if (pathname === '/v2/') return void response.end('{}');
    const [, name, kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
    const registry = searchParams.get('ns') ?? 'registry.k8s.io';
    const tagged = kind === 'manifests' ? this.#tags.get(`${registry}/${name}:${reference}`) : undefined;
    const digest = tagged?.digest ?? reference;
    const blob = this.#blobs.get(digest);
    if (!blob) return void response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    const isManifest = kind === 'manifests';
    response.writeHead(200, {
      'content-length': blob.sizeBytes,
      'content-type': isManifest ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream',
      'docker-content-digest': digest,
    });
    if (request.method === 'HEAD') return void response.end();
    const end = blob.offset + blob.sizeBytes - 1;
    createReadStream(blob.file, { start: blob.offset, end })
      .on('error', () => response.destroy())
      .pipe(response);
  }
}

/** Where each file of an uncompressed tar lies; names of up to 100 bytes, as in our archives. */
async function* tarFiles(handle: FileHandle, file: string): AsyncGenerator<Blob & { name: string }> {
  const header = Buffer.alloc(512);
  for (let offset = 0; ; ) {
    const { bytesRead } = await handle.read(header, 0, 512, offset);
    if (bytesRead < 512 || header[0] === 0) return;
    const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '');
    const sizeBytes = Number.parseInt(header.toString('latin1', 124, 135), 8);
    yield { name, file, offset: offset + 512, sizeBytes };
    offset += 512 + Math.ceil(sizeBytes / 512) * 512;
  }
}
