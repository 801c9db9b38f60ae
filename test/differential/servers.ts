// The two sides: upstream's API server with its etcd, and ours alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, untilServing } from '../../bench/serving.ts';
import { renderKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { openPki } from '../../src/cluster/pki.ts';

/** Upstream without controllers: what is stored changes only by what is asked. */
export class UpstreamApiServer implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.kubeconfig = join(folder, 'kubeconfig');
  }

  /** `bin`: a folder with etcd and kube-apiserver. */
  static async start(bin: string): Promise<UpstreamApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-differential-'));
    const server = new UpstreamApiServer(folder);
    try {
      await server.#start(bin);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  async #start(bin: string): Promise<void> {
    const folder = this.#folder;
    const [api, etcd, peer] = (await freePorts(3)) as [number, number, number];
    await mkdir(join(folder, 'pki'), { recursive: true });
    const pki = await openPki(join(folder, 'pki'), Date.now());
    await pki.ensure({ file: 'serving', commonName: 'kube-apiserver', hosts: ['localhost', '127.0.0.1'] });
    const admin = await pki.ensure({ file: 'admin', commonName: 'admin', organizations: ['system:masters'] });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(folder, 'tokens.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    const access = { context: 'upstream', server: `https://127.0.0.1:${api}`, ca: pki.ca, ...admin };
    writeFileSync(this.kubeconfig, renderKubeconfig(access), { mode: 0o600 });
    this.#spawn(join(bin, 'etcd'), [
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      '--log-level=error',
    ]);
    this.#spawn(join(bin, 'kube-apiserver'), [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--secure-port=${api}`,
      '--bind-address=127.0.0.1',
      `--tls-cert-file=${folder}/pki/serving.crt`,
      `--tls-private-key-file=${folder}/pki/serving.key`,
      `--client-ca-file=${folder}/pki/ca.crt`,
      `--service-account-key-file=${folder}/tokens.key`,
      `--service-account-signing-key-file=${folder}/tokens.key`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged',
      // There is no proxy on a node: a Service's endpoints are asked at once.
      '--enable-aggregator-routing',
    ]);
    await untilServing(api);
  }

  #spawn(program: string, flags: readonly string[]): void {
    this.#children.push(spawn(program, flags, { stdio: 'ignore' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
