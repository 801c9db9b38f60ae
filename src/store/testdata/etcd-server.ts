// An etcd for a test: found on the machine, on free ports, its data in memory where there is such a file system.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface EtcdProgram {
  readonly file: string;
  /** `3.4.23` */
  readonly version: string;
}

/** Debian's, installed or unpacked by `make setup`, and others named in CORACLE_TEST_ETCD with colons between; one of each minor version. */
export function findEtcds(): EtcdProgram[] {
  const candidates = ['/usr/bin/etcd', join(import.meta.dirname, '../../../build/tools/etcd'), ...(process.env['CORACLE_TEST_ETCD'] ?? '').split(':')];
  const found = new Map<string, EtcdProgram>();
  for (const file of candidates.filter((each) => each && existsSync(each))) {
    const text = execFileSync(file, ['--version'], { encoding: 'utf8' });
    const version = /etcd Version: (\S+)/.exec(text)?.[1];
    if (version) found.set(version.split('.').slice(0, 2).join('.'), { file, version });
  }
  return [...found.values()];
}

export interface EtcdServerOptions {
  readonly flags?: readonly string[];
}

export class EtcdServer implements AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly #program: EtcdProgram;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(program: EtcdProgram, url: string, folder: string, args: readonly string[]) {
    this.#program = program;
    this.url = url;
    this.folder = folder;
    this.#args = args;
  }

  static async start(program: EtcdProgram, { flags = [] }: EtcdServerOptions = {}): Promise<EtcdServer> {
    const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'coracle-etcd-'));
    const [client, peer] = [await freePort(), await freePort()];
    const url = `${flags.some((flag) => flag.startsWith('--cert-file')) ? 'https' : 'http'}://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const args = [
      ...['--name', 'test', '--data-dir', join(folder, 'data'), '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `test=${peerUrl}`, '--heartbeat-interval', '10', '--election-timeout', '100'],
      ...['--backend-batch-interval', '1ms', '--max-txn-ops', '2000', '--max-request-bytes', String(8 << 20)],
      ...flags,
    ];
    const server = new EtcdServer(program, url, folder, args);
    await server.run();
    return server;
  }

  /** Starts it, again after kill(). Settles when it takes connections. */
  async run(): Promise<void> {
    const child = spawn(this.#program.file, this.#args, { stdio: 'ignore' });
    this.#child = child;
    const { hostname, port } = new URL(this.url);
    const { connect } = await import('node:net');
    for (;;) {
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`);
      const isUp = await new Promise<boolean>((resolve) => {
        const socket = connect(Number(port), hostname, () => resolve(true));
        socket.on('error', () => setTimeout(() => resolve(false), 10));
        socket.on('connect', () => socket.destroy());
      });
      if (isUp) return;
    }
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
