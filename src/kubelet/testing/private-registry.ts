// Debian's registry with TLS of an authority of its own, and one user: for tests.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface PrivateRegistry {
  /** `127.0.0.1:40000` */
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** Of `hosts.toml` files, for containerd. */
  readonly hostsDir: string;
  stop(): Promise<void>;
}

/** The machine's, else the one that `make setup` has fetched. */
const fetched = join(import.meta.dirname, '../../../build/tools/docker-registry');
const program = existsSync(fetched) ? fetched : 'docker-registry';

export function hasDockerRegistry(): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not installed
  }
}

const password = 'pull me';
/** bcrypt, the only form it takes. */
const htpasswd = 'puller:$2y$05$vqTAcAm1WQKzo3XV41EmXOQs633eg8ionDh62zLrV4m5PQ9ms8cle\n';

/** Keeps all it has below `dir`. */
export async function startPrivateRegistry(dir: string): Promise<PrivateRegistry> {
  mkdirSync(dir, { recursive: true });
  makeCertificate(dir);
  writeFileSync(join(dir, 'htpasswd'), htpasswd, { mode: 0o600 });
  const host = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(dir, 'config.yml'), configuration(dir, host));
  const hostsDir = join(dir, 'certs.d');
  mkdirSync(join(hostsDir, host), { recursive: true });
  const hosts = `server = "https://${host}"\n[host."https://${host}"]\n  ca = "${join(dir, 'ca.crt')}"\n`;
  writeFileSync(join(hostsDir, host, 'hosts.toml'), hosts);
  const child = spawn(program, ['serve', join(dir, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await untilItSays(child, 'listening on');
  return {
    host,
    user: 'puller',
    password,
    hostsDir,
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

function configuration(dir: string, host: string): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(dir, 'storage') } },
    http: { addr: host, tls: { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') } },
    auth: { htpasswd: { realm: 'registry', path: join(dir, 'htpasswd') } },
  });
}

function makeCertificate(dir: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=registry-ca', '-days', '2');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=registry');
  writeFileSync(join(dir, 'extensions'), 'subjectAltName=IP:127.0.0.1');
  const signed = ['-in', 'server.csr', '-out', 'server.crt', '-days', '2', '-extfile', 'extensions'];
  openssl('x509', '-req', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', ...signed);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function untilItSays(child: ChildProcess, words: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr!.on('data', (chunk) => {
      said = (said + chunk).slice(-4096);
      if (said.includes(words)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the registry ended: ${said}`)));
  });
}
